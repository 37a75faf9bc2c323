"""Example turns of counters, showrooms and front doors, made from written phrases with slots."""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

FOLDS: Final = 3
"""Into how many parts cross-validation divides the examples."""

_SLOT = re.compile(r"\{([a-z]+)\}")
_CHOICE = re.compile(r"\(([^()]*)\)")

# How people begin and end a turn without changing what it means. Most do neither: 可以 is often all they say.
_OPENINGS: Final = (
    *[""] * 12,
    *("{call}，", "那个，", "我说，", "然后，", "对了，", "还有，", "那，", "你看，", "我跟你说，"),
)
_ENDINGS: Final = (*[""] * 10, "啊", "吧", "呢", "嘛", "哈", "，对吧", "，真的", "，你说呢")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One made turn with its labels."""

    text: str
    intents: tuple[str, ...] = ()
    sentiment: str = "neutral"
    line: int = 0
    """Which written line it came from: turns of one line must not stand on both sides of a split."""


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("phrases", name).read_text(encoding="utf-8"))


def expand(pattern: str, slots: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """Fill a pattern: {slot} by one of its words, (a|b|) by one of its choices.

    Raises:
        KeyError: a slot has no words.
    """
    while match := _CHOICE.search(pattern):
        pattern = pattern[: match.start()] + chance.choice(match[1].split("|")) + pattern[match.end() :]
    while match := _SLOT.search(pattern):
        pattern = pattern[: match.start()] + chance.choice(slots[match[1]]) + pattern[match.end() :]
    return pattern


def made(name: str, *, each: int, seed: int) -> Iterator[Phrase]:
    """Yield up to `each` different turns of every line of customer.toml or staff.toml, the same for the same seed."""
    slots: dict[str, list[str]] = _toml("slots.toml")["slots"]
    chance = random.Random(seed)
    line = 0
    for group in _toml(name)["group"]:
        for pattern in group["say"].strip().splitlines():
            line += 1
            said: dict[str, None] = {}
            for _ in range(each):
                opening, ending = (expand(chance.choice(some), slots, chance) for some in (_OPENINGS, _ENDINGS))
                said[opening + expand(pattern, slots, chance) + ending] = None
            for text in said:
                yield Phrase(
                    text=text,
                    intents=tuple(group.get("intents", ())),
                    sentiment=group.get("sentiment", "neutral"),
                    line=line,
                )


def composed(phrases: Sequence[Phrase], *, count: int, seed: int) -> Iterator[Phrase]:
    """Yield turns made of two others, as people say several things in one go; they want and feel what both do.

    Both come from lines of the same fold (line modulo FOLDS), and so does what they make. Praise and blame stay apart.
    """
    chance = random.Random(seed)
    by_fold: dict[int, list[Phrase]] = {}
    for phrase in phrases:
        by_fold.setdefault(phrase.line % FOLDS, []).append(phrase)
    for _ in range(count):
        first = chance.choice(phrases)
        second = chance.choice(by_fold[first.line % FOLDS])
        feelings = {first.sentiment, second.sentiment} - {"neutral"}
        if len(feelings) < 2:
            yield Phrase(
                text=first.text + chance.choice("，。，？") + second.text,
                intents=tuple(dict.fromkeys(first.intents + second.intents)),
                sentiment=feelings.pop() if feelings else "neutral",
                line=first.line,
            )
