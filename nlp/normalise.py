"""Text as the models read it: one script, one width, digits for numbers, no hesitation."""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from nlp.aligned import Aligned
from nlp.fillers import without_fillers
from nlp.numbers import with_digits

if TYPE_CHECKING:
    from opencc import OpenCC

Normalised = Aligned
"""Normalised text with, per character, where it stood in what was said."""

_SURROGATES = re.compile("[\ud800-\udfff]+")
# Cc and Cf: control and format characters; U+FEFF and the zero-width ones are Cf.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U0001d173-\U0001d17a\U000e0001-\U000e007f\ud800-\udfff]+"
)
_LINE_ENDS = re.compile(r"[\t\n\r]")
# A starter with what may combine with it: marks, Hangul vowels and finals, half-width voicing signs.
_CLUSTER = re.compile(
    "(?s).[\u0300-\u036f\u0483-\u0489\u0591-\u0e4e\u0eb1-\u109d\u1160-\u11ff\u135d-\u1dff\u20d0-\u20f0"
    "\u2cef-\u2e2f\u302a-\u302f\u3099\u309a\ua66f-\uabed\ufb1e\ufe20-\ufe2f\uff9e\uff9f\uffa0-\uffdc"
    "\U00010000-\U0001e94a]*"
)


@cache
def _to_simplified() -> "OpenCC":
    import opencc  # noqa: PLC0415  # its dictionaries take 30 ms to load

    return opencc.OpenCC("t2s")


def to_simplified(text: str) -> str:
    """Traditional Chinese in simplified characters (OpenCC t2s); lone surrogates become U+FFFD."""
    return str(_to_simplified().convert(_SURROGATES.sub(lambda match: "\ufffd" * len(match[0]), text)))


def _compatible(aligned: Aligned) -> Aligned:
    if unicodedata.is_normalized("NFKC", aligned.text):
        return aligned
    return aligned.substitute(_CLUSTER, lambda match: unicodedata.normalize("NFKC", match[0]))


def _simplified(aligned: Aligned) -> Aligned:
    text = to_simplified(aligned.text)
    if len(text) != len(aligned.text):
        text = "".join(map(to_simplified, aligned.text))
    return aligned.replaced(text)


def _once(aligned: Aligned) -> Aligned:
    plain = aligned.substitute(_CONTROLS, lambda match: "").substitute(_LINE_ENDS, lambda match: " ")
    return with_digits(without_fillers(_simplified(_compatible(plain))))


def normalise(text: str) -> Normalised:
    """What was said, in the form that the models are trained on.

    NFKC, no control characters or lone surrogates, simplified characters, no fillers, numbers as digits. Normalising
    twice changes nothing more. Takes any str, in time proportional to its length.
    """
    aligned = Aligned.of(text)
    while True:
        # A second round is rare: a dropped character may let its neighbours combine.
        following = _once(aligned)
        if following.text == aligned.text:
            return following
        aligned = following
