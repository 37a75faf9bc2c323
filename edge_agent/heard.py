"""What hearing gives: blocks of time with what was said in them and what became of each moment."""

from dataclasses import dataclass

from models.conversation import Recognition
from models.labels import CoverageState, Role


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
    role: Role = Role.UNKNOWN
    """Who spoke, as far as the conversation tells until then."""
    role_confidence: float = 0.0
    """Probability of the likelier role; 0 where nobody asked."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An utterance that an earlier hearing of the same file delivered, as it stands now."""

    start_ms: int
    end_ms: int
    text: str
    """Masked."""
    role: Role
    role_confidence: float


@dataclass(frozen=True, slots=True)
class RevisedRole:
    """Who spoke an earlier utterance, now that more of the conversation is heard."""

    start_ms: int
    """Of the utterance; no two of a conversation start together."""
    role: Role
    confidence: float


@dataclass(frozen=True, slots=True)
class HeardSpan:
    """A stretch of time that was heard, silent or lost."""

    state: CoverageState
    reason: str
    """Why it was lost (decode_error, overload, murmur, …); empty for heard and silent."""
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
    revisions: tuple[RevisedRole, ...] = ()
    """Of utterances of earlier blocks."""
    recognition_s: float = 0.0
    """Seconds on the wall that one decoding of its clip took; 0 for silence."""
    drafting_cpu_s: float = 0.0
    """CPU seconds that went into first texts of the block and were of no use for it."""


@dataclass(frozen=True, slots=True)
class FirstText:
    """What a block probably says, before it is over; nothing of it may be kept.

    The next first text of the same block replaces it, and so does the block.
    """

    ordinal: int
    """Of the block."""
    end_ms: int
    """Until when the block is read."""
    utterances: tuple[HeardUtterance, ...]
