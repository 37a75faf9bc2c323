"""Rules as data: labels that patterns in a TOML file give to a text."""

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from math import log
from typing import Any, Final

RULED_OUT: Final = -3.0
"""Log-odds of a label whose rule does not hold: 1 in 20."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives its label when `wanted` occurs in a normalised text and `unwanted` does not."""

    label: str
    probability: float
    wanted: re.Pattern[str]
    unwanted: re.Pattern[str] | None

    def holds(self, text: str) -> bool:
        """Whether the rule gives its label to a normalised text."""
        return self.wanted.search(text) is not None and (self.unwanted is None or self.unwanted.search(text) is None)

    def log_odds(self, text: str) -> float:
        """What the rule says for its label; where it does not hold, that the label is rare."""
        return log(self.probability / (1 - self.probability)) if self.holds(text) else RULED_OUT


def read_rules(name: str, *, label: str) -> tuple[Rule, ...]:
    """Read nlp/data/NAME.toml; `label` is the key under which a rule names what it gives."""
    table: dict[str, Any] = tomllib.loads(files("nlp").joinpath("data", f"{name}.toml").read_text(encoding="utf-8"))
    return tuple(
        Rule(
            label=rule[label],
            probability=rule["probability"],
            wanted=_either(rule["any"]),
            unwanted=_either(rule["not"]) if rule.get("not") else None,
        )
        for rule in table["rule"]
    )


def _either(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
