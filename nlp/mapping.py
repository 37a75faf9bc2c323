"""Which of the 17 intents a fine intent of CIC stands for."""

import tomllib
from functools import cache
from importlib.resources import files

from models.labels import Intent


@cache
def _rules() -> tuple[tuple[Intent, tuple[str, ...]], ...]:
    table = tomllib.loads(files("nlp").joinpath("data", "cic_intents.toml").read_text(encoding="utf-8"))
    return tuple((Intent(rule["intent"]), tuple(rule["any"])) for rule in table["rule"])


@cache
def intent_of(fine: str) -> Intent | None:
    """The intent of a fine label; None for the eleven that stand for no intent of ours."""
    return next((intent for intent, patterns in _rules() if any(pattern in fine for pattern in patterns)), None)
