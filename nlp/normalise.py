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
_NEITHER_HAN_NOR_ASCII = re.compile("[^\u4e00-\u9fff\x00-\x7f]")
_LINE_ENDS = re.compile(r"[\t\n\r]")


@cache
def _to_simplified() -> "OpenCC":
    import opencc  # its dictionaries take 30 ms to load

    return opencc.OpenCC("t2s")


def to_simplified(text: str) -> str:
    """Traditional Chinese in simplified characters (OpenCC t2s); lone surrogates become U+FFFD."""
    return str(_to_simplified().convert(_SURROGATES.sub(lambda match: "\ufffd" * len(match[0]), text)))


def _joins(char: str) -> bool:
    """Whether a character may combine with the one before it: marks, Hangul vowels and finals, voicing signs."""
    first = unicodedata.normalize("NFKD", char)[0]
    jamo = "\u1160" <= first <= "\u11ff" or "\ud7b0" <= first <= "\ud7ff"
    return jamo or unicodedata.category(first).startswith("M")


@cache
def _joining() -> str:
    """A set of all joining characters for a pattern."""
    blocks = ((0x300, 0x3100), (0xA66F, 0xAC00), (0xD7B0, 0xD800), (0xFB1E, 0xFB1F), (0xFE20, 0xFE30), (0xFF9E, 0xFFDD))
    planes = (*blocks, (0x10000, 0x1E950))
    return "[" + "".join(chr(code) for start, end in planes for code in range(start, end) if _joins(chr(code))) + "]"


@cache
def _marked() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A character with what combines with it, and the marks after the thirtieth, which UAX #15 (stream-safe) drops."""
    return re.compile(f"(?s).{_joining()}*+"), re.compile(f"(?<={_joining()}{{30}}){_joining()}+")


@cache
def _any_joining() -> re.Pattern[str]:
    return re.compile(_joining())


def _compatible(aligned: Aligned) -> Aligned:
    clusters = _NEITHER_HAN_NOR_ASCII
    if _any_joining().search(aligned.text):
        clusters, excess = _marked()
        aligned = aligned.substitute(excess, lambda match: "")
    return aligned.substitute(clusters, lambda match: unicodedata.normalize("NFKC", match[0]))


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
