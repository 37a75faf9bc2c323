"""What the outbox says of its records, and what it is told of them."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from models.wire import Record


class RecordState(StrEnum):
    """What became of a record in the outbox."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    DEAD = "dead"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the server said of one record."""

    record_id: UUID
    state: RecordState
    """ACKNOWLEDGED, DEAD, or PENDING to offer it again."""
    code: str = ""
    next_attempt_ms: int = 0
    """Unix time in milliseconds before which a pending one is not offered again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that will not be delivered by itself, and why."""

    record_id: UUID
    kind: str
    state: RecordState
    code: str
    attempts: int
    made_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One record of the outbox, opened."""

    about: DeadLetter
    """It may be of any state."""
    record: Record | None
    """None when it does not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How the outbox stands."""

    pending: int
    acknowledged: int
    dead: int
    unreadable: int
    oldest_pending_ms: int | None
    """Unix time in milliseconds at which the oldest pending record was made."""
    most_attempts: int
    """Times that the most offered pending record was offered and not taken."""
    why: str
    """Code of what keeps pending records back: the last trouble of delivery as a whole, or of the record that was
    offered most; empty while all goes well."""
    dead_letters: tuple[DeadLetter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to send, with its size as JSON."""

    record: Record
    attempts: int
    size_bytes: int
