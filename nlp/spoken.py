"""How likely a character is after the two before it, in Chinese as it is spoken at counters, and what it sounds like.

`nlp.training.spoken` makes the file from our own conversations, our lists of terms and jieba's dictionary. Smoothing is
Dirichlet's: the counts of a history are topped up with what the shorter history expects (MacKay and Peto 1995).
"""

import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from models.errors import UnderstandingError

SHIPPED: Final = Path(__file__).parent / "data" / "spoken.npz"
BREAK: Final = "|"
"""Stands for marks and pauses, however many."""
NUMBER: Final = "0"
LETTERS: Final = "a"

Ids = npt.NDArray[np.int64]
LogProbabilities = npt.NDArray[np.float32]

_HAN = re.compile("[\u3400-\u9fff]")


def is_chinese(character: str) -> bool:
    """Say whether this is a Chinese character."""
    return _HAN.match(character) is not None


def symbol(character: str) -> str:
    """Return what stands for a character: itself if it is Chinese, else one of BREAK, NUMBER and LETTERS."""
    if is_chinese(character):
        return character
    plain = unicodedata.normalize("NFKC", character)[:1].lower()
    if plain.isdecimal():
        return NUMBER
    return LETTERS if "a" <= plain <= "z" else BREAK


def symbols(text: str) -> str:
    """Return a text as the model reads it: between breaks, with each number and each foreign word as one symbol."""
    read = BREAK
    for character in text + BREAK:
        one = symbol(character)
        if is_chinese(one) or one != read[-1]:
            read += one
    return read


class SpokenChinese:
    """A model of trigrams. Does not change; threads may share it."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take what `nlp.training.spoken.arrays` gives: n-grams in rows, one row for each history."""
        self.characters = str(arrays["characters"])
        """By id; one more id, the last, stands for all others."""
        self._ids = {character: number for number, character in enumerate(self.characters)}
        size = len(self.characters) + 1
        self._size = size
        self._one = arrays["one"].astype(np.float32)
        self._one_left = arrays["one_left"].astype(np.float32)
        histories = np.repeat(np.arange(size), arrays["two_rows"].astype(np.int64))
        self._two_keys = histories * size + arrays["two_ids"]
        self._two = arrays["two"].astype(np.float32)
        self._two_left = arrays["two_left"].astype(np.float32)
        pairs = np.repeat(np.arange(len(self._two_keys)), arrays["three_rows"].astype(np.int64))
        self._three_keys = pairs * size + arrays["three_ids"]
        self._three = arrays["three"].astype(np.float32)
        self._sounds = str(arrays["sounds"]).split()
        self._read_as = np.split(arrays["readings"].astype(np.int64), np.cumsum(arrays["reading_rows"])[:-1])
        self._alike: dict[str, Ids] = {}

    @classmethod
    def read(cls, path: Path = SHIPPED) -> Self:
        """Read a file.

        Raises:
            UnderstandingError: it is missing or no such file (weights_missing).
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(dict(arrays))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise UnderstandingError(
                f"{path} cannot be read: {error}", code="weights_missing", advice="Install the package again."
            ) from error

    def id_of(self, one: str) -> int:
        """Return the id of a symbol."""
        return self._ids.get(one, self._size - 1)

    def log_probabilities(self, before: Ids, last: Ids, next_: Ids) -> LogProbabilities:
        """Return the natural logarithm of P(next | before, last), broadcast over the shapes of the ids."""
        pair, pair_known = _found(self._two_keys, before * self._size + last)
        pair_next, following = _found(self._two_keys, last * self._size + next_)
        shorter = np.where(following, self._two[pair_next], self._one_left[last] + self._one[next_])
        triple, known = _found(self._three_keys, pair * self._size + next_)
        longer = np.where(known, self._three[triple], self._two_left[pair] + shorter)
        return np.where(pair_known, longer, shorter)

    def of_text(self, text: str) -> float:
        """Return the logarithm of a text's probability."""
        ids = np.array([self.id_of(one) for one in symbols(text)], dtype=np.int64)
        befores = np.concatenate([[self._size - 1], ids[:-2]])
        return float(self.log_probabilities(befores, ids[:-1], ids[1:]).sum())

    def alike(self, character: str) -> Ids:
        """Return ids of what may have been said where a character was written: what sounds the same, tones ignored, or
        differs in what is easily misheard. Nothing for a character that is not known.
        """
        if character not in self._alike:
            number = self.id_of(character)
            readings = self._read_as[number] if number < self._size - 1 else ()
            own = {self._sounds[at] for at in readings}
            sounds = own.union(*(near(sound) for sound in own))
            found = {one for sound in sounds for one in self._by_sound.get(sound, ())} - {number}
            self._alike[character] = np.array(sorted(found), dtype=np.int64)
        return self._alike[character]

    @cached_property
    def _by_sound(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, readings in enumerate(self._read_as):
            for at in readings:
                found.setdefault(self._sounds[at], []).append(number)
        return found


def _found(keys: Ids, wanted: Ids) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """Return where keys stand in a sorted array, and which of them do."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


_INITIALS: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"), ("f", "h"), ("j", "q"), ("x", "q"))
_FINALS: Final = (("ing", "in"), ("eng", "en"), ("ang", "an"))
_OTHERS: Final = (("o", "wo"), ("ni", "nin"))


def near(sound: str) -> set[str]:
    """Return the syllables that a syllable is easily misheard as; some of them do not exist."""
    found = set()
    for one, other in _INITIALS:
        if sound.startswith(one):
            found.add(other + sound[len(one) :])
        elif sound.startswith(other):
            found.add(one + sound[len(other) :])
    for one, other in _FINALS:
        if sound.endswith(one):
            found.add(sound[: -len(one)] + other)
        elif sound.endswith(other):
            found.add(sound[: -len(other)] + one)
    for one, other in _OTHERS:
        if sound in (one, other):
            found.add(other if sound == one else one)
    return found
