"""Text as a recogniser mishears it, for measuring how much a model loses on it."""

import random
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Final

from nlp.training.extra import need_extra

_HAN = re.compile("[\u4e00-\u9fff]")
_RAREST: Final = 1000
"""Occurrences in jieba's counts below which no recogniser writes a character; 3,300 characters have more."""


@dataclass(frozen=True, slots=True)
class _Homophones:
    characters: list[str]
    weights: list[int]


_NONE: Final = _Homophones([], [])


def _sounds(text: str) -> list[str]:
    """The toneless sound of each character, read in its context."""
    need_extra("pypinyin", wanted_for="Homophone noise")
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(text, style=Style.NORMAL, errors=list)  # type: ignore[arg-type]  # a list: one entry a character


@cache
def _homophones() -> dict[str, _Homophones]:
    """Sound -> the common characters that have it, with how often they are written."""
    import jieba  # its dictionary is read only here

    counts: dict[str, int] = defaultdict(int)
    with jieba.get_module_res("dict.txt") as dictionary:
        for line in dictionary:
            word, count, _ = line.decode("utf-8").split(" ")
            for character in word:
                counts[character] += int(count)
    by_sound: dict[str, _Homophones] = defaultdict(lambda: _Homophones([], []))
    for character, count in sorted(counts.items()):
        if count >= _RAREST and _HAN.fullmatch(character):
            pool = by_sound[_sounds(character)[0]]
            pool.characters.append(character)
            pool.weights.append(count)
    return dict(by_sound)


def _without_punctuation(text: str) -> str:
    """The text without punctuation; % and the point of 3.5 are part of a number."""
    kept = re.sub(r"(?<=\d)\.(?=\d)", "\0", text)
    return "".join(char for char in kept if char == "%" or not unicodedata.category(char).startswith("P")).replace(
        "\0", "."
    )


def homophone_noise(text: str, *, share: float, seed: int) -> str:
    """The text without punctuation, `share` (0–1) of its Han characters swapped for others of the same sound.

    Tones are ignored and common characters preferred, as recognition does. The same arguments give the same result on
    every machine. Raises UnderstandingError (training_extra_missing) without pypinyin, ValueError for a wrong share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, not between 0 and 1")
    characters = list(_without_punctuation(text))
    sounds = _sounds("".join(characters))
    pools = _homophones()
    places = [
        at
        for at, char in enumerate(characters)
        if _HAN.fullmatch(char) and len(pools.get(sounds[at], _NONE).characters) > 1
    ]
    # Not for secrets: the same noise is wanted each time.
    chance = random.Random(f"{seed}:{text}".encode("utf-8", "surrogatepass"))
    wanted = share * sum(1 for char in characters if _HAN.fullmatch(char))
    # The fraction decides by chance, or no short text would ever be touched.
    count = min(len(places), int(wanted) + (chance.random() < wanted % 1))
    for at in chance.sample(places, count):
        pool = pools[sounds[at]]
        weights = [
            0 if char == characters[at] else weight for char, weight in zip(pool.characters, pool.weights, strict=True)
        ]
        characters[at] = chance.choices(pool.characters, weights)[0]
    return "".join(characters)
