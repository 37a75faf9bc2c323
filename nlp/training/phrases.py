"""Example turns of counters, showrooms and front doors, made from written phrases with slots."""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

_SLOT = re.compile(r"\{([a-z]+)\}")
_CHOICE = re.compile(r"\(([^()]*)\)")

# How people begin and end a turn without changing what it means.
_OPENINGS: Final = (
    "",
    "",
    "",
    "",
    "{call}，",
    "那个，",
    "我说，",
    "然后，",
    "对了，",
    "还有，",
    "那，",
    "你看，",
    "我跟你说，",
)
_ENDINGS: Final = ("", "", "", "", "啊", "吧", "呢", "嘛", "哈", "，对吧", "，真的", "，你说呢")


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
    chance = random.Random(seed)  # noqa: S311  # examples, no secrets
    line = 0
    for group in _toml(name)["group"]:
        for pattern in group["say"].strip().splitlines():
            line += 1
            texts = {expand(pattern, slots, chance): None for _ in range(each)}
            for text in texts:
                opening = expand(chance.choice(_OPENINGS), slots, chance)
                yield Phrase(
                    text=opening + text + chance.choice(_ENDINGS),
                    intents=tuple(group.get("intents", ())),
                    sentiment=group.get("sentiment", "neutral"),
                    line=line,
                )
