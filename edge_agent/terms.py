"""A site's own words (products, branches, competitors): which of them a text may have misheard."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from models.errors import RecognitionError
from nlp.features import Sounds

_LIKE: Final = 0.5
"""Share of a term's syllables that a misheard one still has, at their places; tones are ignored."""
_MARKS: Final = re.compile(r"[\W_]+")
_HINTS: Final = 8
"""Terms that a second reading is told of; more make it wander."""


@dataclass(frozen=True, slots=True)
class Term:
    """One of a site's own words."""

    text: str
    weight: float = 1.0
    """The likelier of two that sound as much alike goes first."""


class Terms:
    """The words of one site. Does not change; threads may share it."""

    def __init__(self, terms: Iterable[Term], *, sounds: Sounds) -> None:
        """Take terms and what sounds alike."""
        self._terms = tuple(terms)
        self._sounds = sounds

    @classmethod
    def read(cls, path: Path, *, sounds: Sounds) -> "Terms":
        """Read a UTF-8 file: a term on each line, after a tab its weight if it has one, # before a comment.

        Raises:
            RecognitionError: `terms_unreadable`.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            return cls(_parsed(lines), sounds=sounds)
        except (OSError, ValueError) as error:
            raise RecognitionError(
                f"the terms in {path} cannot be read: {error}",
                code="terms_unreadable",
                advice="Write a term of at least two characters on each line, in UTF-8; its weight goes after a tab.",
            ) from error

    def hints(self, text: str) -> tuple[str, ...]:
        """Give the terms that a text may have misheard: it has something that sounds like them, and not them."""
        found = []
        for term in self._terms:
            likeness = 0.0 if term.text in text else self._likeness(term.text, text)
            if likeness >= _LIKE:
                found.append((-likeness, -term.weight, term.text))
        return tuple(term for _, _, term in sorted(found)[:_HINTS])

    def takes(self, text: str, *, instead_of: str, hints: Iterable[str]) -> bool:
        """Say whether a second reading may stand in the place of a first.

        It has a term that was hinted at, where the first has something that sounds like it, and puts none elsewhere.
        A text of nothing but several hints is an echo of them.
        """
        heard = [hint for hint in hints if hint in text and hint not in instead_of]
        if len(heard) > 1 and not _besides(heard, text):
            return False
        return bool(heard) and all(
            self._likeness(term, _opposite(text, instead_of, at, len(term))) >= _LIKE
            for term in heard
            for at in _places(term, text)
        )

    def _likeness(self, term: str, text: str) -> float:
        """Give the share of a term's syllables that the likeliest place of a text has, 0 to 1."""
        wanted, heard = self._sounds.of(term), self._sounds.of(text)
        windows = (heard[at : at + len(wanted)] for at in range(max(1, len(heard) - len(wanted) + 1)))
        same = (sum(a == b for a, b in zip(wanted, window, strict=False)) for window in windows)
        return max(same) / len(wanted)


def _parsed(lines: Iterable[str]) -> Iterator[Term]:
    for line in lines:
        said = line.split("#", 1)[0].strip()
        if said:
            text, _, weight = said.partition("\t")
            if len(text) < 2:
                raise ValueError(f"{text!r} is a single character")
            yield Term(text=text.strip(), weight=float(weight) if weight else 1.0)


def _besides(terms: Iterable[str], text: str) -> str:
    for term in terms:
        text = text.replace(term, "")
    return _MARKS.sub("", text)


def _places(term: str, text: str) -> Iterator[int]:
    at = text.find(term)
    while at >= 0:
        yield at
        at = text.find(term, at + 1)


def _opposite(text: str, other: str, at: int, length: int) -> str:
    """Give what another text has where this one has `length` characters, and one character on either side."""
    matched = SequenceMatcher(None, text, other, autojunk=False).get_matching_blocks()
    before = max((block.b + block.size for block in matched if block.a + block.size <= at), default=0)
    after = min((block.b for block in matched if block.size and block.a >= at + length), default=len(other))
    return other[max(0, before - 1) : after + 1]
