"""A turn as the encoder reads it: who speaks, what is said, and the turns before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.labels import Role

TURNS_BEFORE: Final = 2
# What was said just before matters most, and each token of it costs as much as one of the turn.
_CHARS_BEFORE: Final = 24
# Longer texts keep their beginning and their end; no text costs more than so many characters.
_CHARS: Final = 160
_CHARS_OF_END: Final = 48
_MARKS: Final = {Role.STAFF: "员:", Role.CUSTOMER: "客:", Role.UNKNOWN: ""}


@dataclass(frozen=True, slots=True)
class Said:
    """Normalised words of somebody."""

    role: Role
    text: str


def framed(turn: Said, before: Sequence[Said] = ()) -> tuple[str, str]:
    """What the encoder reads of a turn, and of the turns before it: the last TURNS_BEFORE of them, in order."""
    text = turn.text
    if len(text) > _CHARS:
        text = text[: _CHARS - _CHARS_OF_END] + text[-_CHARS_OF_END:]
    context = (_MARKS[one.role] + one.text[-_CHARS_BEFORE:] for one in before[-TURNS_BEFORE:])
    return _MARKS[turn.role] + text, " ".join(context)
