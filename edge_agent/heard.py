"""What hearing gives: blocks of time with what was said in them and what became of each moment."""

from dataclasses import dataclass

from models.conversation import Recognition
from models.labels import CoverageState


@dataclass(frozen=True, slots=True)
class HeardUtterance:
    """What was said in one go, in simplified Chinese and NOT yet redacted."""

    start_ms: int
    """Milliseconds since the source started."""
    end_ms: int
    text: str
    recognition: Recognition
    suspect: str | None
    """Why the text may be invented (no_speech, repetition, invention); None for text to trust."""


@dataclass(frozen=True, slots=True)
class HeardSpan:
    """A stretch of time that was heard, silent or lost."""

    state: CoverageState
    reason: str
    """Why it was lost (decode_error, overload, …); empty for heard and silent."""
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class HeardBlock:
    """A block of time, recognised as one.

    Blocks are contiguous from 0 to the end of the audio, and spans tile their block.
    The same media file at fast pace always gives the same blocks.
    """

    ordinal: int
    """0, 1, 2, …"""
    start_ms: int
    end_ms: int
    utterances: tuple[HeardUtterance, ...]
    spans: tuple[HeardSpan, ...]
    recognition_cpu_s: float
    """CPU seconds of this process spent on recognising the block."""
