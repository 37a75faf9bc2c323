"""What a microphone says besides sound: its battery, its button, its link, its troubles."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Battery:
    """How full it is."""

    percent: int


class Press(StrEnum):
    """How a button was pressed."""

    SINGLE = "single"
    DOUBLE = "double"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Button:
    """It was pressed; the agent starts or ends a conversation with it."""

    press: Press


@dataclass(frozen=True, slots=True)
class Link:
    """The connection came or went."""

    connected: bool
    reason: str
    """Why it went: a lower_snake_case word; empty when it came."""
    encrypted: bool | None = None
    """False where others can listen in on the way: an unpaired radio link, a plain connection over a network.

    None from those who do not know.
    """


@dataclass(frozen=True, slots=True)
class Trouble:
    """It gives audio that is of no use."""

    code: str
    """input_clipped, input_silent; empty when that is over."""
    advice: str
    """What to do, one sentence; empty when it is over."""


Signal = Battery | Button | Link | Trouble
OnSignal = Callable[[Signal], None]
"""Called in a thread of the source; it must not wait."""
