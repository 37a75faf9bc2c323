"""What the linear models see of a text: its character n-grams, and the n-grams of how it sounds."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from models.errors import UnderstandingError
from nlp.normalise import normalise

LONGEST: Final = 3
"""Characters in the longest n-gram."""

_MASK = re.compile("〔[^〔〕]{1,8}〕")
_MASKED = "\ue000"
_NOT_READ = re.compile("[^\u3400-\u9fff0-9a-z\ue000]+")
_NUMBER = re.compile("[0-9]+")
# Sounds stand in the private use area, so that their n-grams never equal those of characters.
_FIRST_SOUND: Final = 0xE100
_LAST_SOUND: Final = 0xF8FF
# Nodding and hesitating without a word: it says that someone listens, and nothing that could be labelled.
_WORDLESS = re.compile("[嗯呃唔啊哦噢喔诶欸哎额哈呵嘿]*")
# The edges of a short turn say something (好的 alone is an answer); those of a long text do not.
_EDGES_UP_TO_CHARS: Final = 30


def readable(text: str) -> str:
    """The text as n-grams are taken from it: `plain()` of its normalised form."""
    return plain(normalise(text).text)


def plain(normalised: str) -> str:
    """A normalised text as n-grams are taken from it.

    Lower case, without punctuation (recognition gives it unreliably), each mask and each number one character: what was
    masked and how much it was carry no feeling. Empty where no word was said.
    """
    said = _NUMBER.sub("0", _NOT_READ.sub("", _MASK.sub(_MASKED, normalised.lower())))
    if _WORDLESS.fullmatch(said):
        return ""
    return f"^{said}$" if len(said) < _EDGES_UP_TO_CHARS else said


def _substrings(text: str) -> Iterator[str]:
    for size in range(1, LONGEST + 1):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


class Sounds:
    """Which characters sound alike, tones ignored.

    A recogniser that mishears writes a homophone; n-grams of sounds survive that.
    """

    def __init__(self, groups: Iterable[str]) -> None:
        """Take one string of characters for each sound."""
        self._table: dict[int, int] = {}
        for sound, characters in enumerate(groups, start=_FIRST_SOUND):
            if sound > _LAST_SOUND:
                raise ValueError(f"more than {_LAST_SOUND - _FIRST_SOUND + 1} sounds")
            for character in characters:
                self._table[ord(character)] = sound

    @classmethod
    def read(cls, path: Path) -> "Sounds":
        """Read a file with the characters of one sound on each line.

        Raises:
            UnderstandingError: it cannot be read (weights_missing).
        """
        try:
            return cls(path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as unreadable:
            raise UnderstandingError(f"{path} cannot be read: {unreadable}", code="weights_missing") from unreadable

    def of(self, text: str) -> str:
        """A text with each character as its sound; what has none stays as it is. As long as the text."""
        return text.translate(self._table)

    def ngrams(self, text: str) -> frozenset[str]:
        """The distinct n-grams of 1 to 3 characters of a `readable()` text and of its sounds."""
        grams = set(_substrings(text))
        grams.update(_substrings(text.translate(self._table)))
        return frozenset(grams)

    def places(self, text: str) -> Iterator[tuple[str, str]]:
        """Each n-gram of a `readable()` text or of its sounds, with the characters where it stands."""
        sounds = text.translate(self._table)
        yield from ((gram, gram) for gram in _substrings(text))
        yield from zip(_substrings(sounds), _substrings(text), strict=True)
