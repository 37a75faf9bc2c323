"""How far each recording came, so that an interrupted one goes on and none happens twice."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from edge_agent.sealing import Sealer
from models.conversation import Conversation
from models.labels import ConsentState
from models.noun import Moment, Name, Noun
from models.wire import Record

_KIND = "recording"


class Stretch(Noun):
    """A stretch of a shift in which nothing is recognised; it names no customer."""

    body: Literal["stretch"] = "stretch"
    site: Name
    staff: Name
    channel: Name
    reason: Name
    """Why it is withheld: no_encounter, consent_pending, consent_declined."""
    started_at: Moment
    encounter: UUID | None = None
    """Whose question is open or was answered with no; if the answer was yes, a conversation has the same id."""


_Known = Annotated[Conversation | Stretch, Field(discriminator="body")]
_KNOWN: TypeAdapter[Conversation | Stretch] = TypeAdapter(_Known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What recordings came to; times in milliseconds."""

    utterances: int = 0
    quarantined: int = 0
    heard_ms: int = 0
    silent_ms: int = 0
    lost_ms: int = 0
    withheld_ms: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        mine, theirs = astuple(self), astuple(other)
        return Totals(**{field.name: a + b for field, a, b in zip(fields(self), mine, theirs, strict=True)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One conversation, or a stretch of a shift without one, as it is being recorded, or was."""

    id: UUID
    """The conversation's id; of a declined one an id that never leaves the device."""
    fingerprint: str
    """HMAC of everything that makes it the same recording again; see `Sealer.fingerprint`."""
    take: int = 1
    """1, 2, …: recordings of the same fingerprint that were asked for again."""
    live: bool
    """From a microphone: it cannot be resumed, only closed."""
    conversation: Conversation | None
    """As it began; None when the customer declined, who is then named nowhere."""
    stretch: Stretch | None = None
    """Of a shift, as it is now; None when there is a conversation, and of what was replayed."""
    blocks: int = 0
    """Blocks that are in the outbox; a resumed replay goes on after them."""
    until_ms: int = 0
    """End of the last of them, milliseconds since the start."""
    alive_ms: int = 0
    """Until when its program is known to have run, milliseconds since the start; for live recordings."""
    complete: bool = False
    totals: Totals = Totals()

    @property
    def started_at(self) -> datetime | None:
        """When it began, by the clock of then; None of a replayed one that was declined."""
        known = self.conversation or self.stretch
        return None if known is None else known.started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far one appended block, or the end, brings its recording."""

    recording: UUID
    blocks: int
    until_ms: int
    totals: Totals
    """To be added to what the recording has."""
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one recording ends, stored together with the beginning of the next: no kill can fall between them."""

    records: Sequence[Record]
    advance: Advance


def advanced(recording: Recording, step: Advance) -> Recording:
    """Return a recording as it is after a step."""
    return replace(
        recording,
        blocks=step.blocks,
        until_ms=step.until_ms,
        totals=recording.totals + step.totals,
        complete=step.complete,
    )


def withdrawn(recording: Recording) -> Recording:
    """Return a conversation's recording as it is after its customer withdrew."""
    if recording.conversation is None:
        raise ValueError("only a conversation with consent can be withdrawn from")
    return replace(
        recording, conversation=recording.conversation.model_copy(update={"consent": ConsentState.WITHDRAWN})
    )


def refused(recording: Recording, *, reason: str) -> Recording:
    """Return a stretch as it is after the customer answered no."""
    if recording.stretch is None:
        raise ValueError("only the stretch of an open question can be refused")
    return replace(recording, stretch=recording.stretch.model_copy(update={"reason": reason}))


def insert(db: sqlite3.Connection, recording: Recording, *, sealer: Sealer) -> None:
    """Store a recording that begins, with the next free take of its fingerprint."""
    db.execute(
        "INSERT INTO recordings (id, fingerprint, take, live, sealed) VALUES (?, ?,"
        " 1 + (SELECT coalesce(max(take), 0) FROM recordings WHERE fingerprint = ?), ?, ?)",
        (
            str(recording.id),
            recording.fingerprint,
            recording.fingerprint,
            recording.live,
            _seal(recording, sealer),
        ),
    )


def rewrite(db: sqlite3.Connection, recording: Recording, *, sealer: Sealer) -> None:
    """Replace what is known of a recording that goes on."""
    db.execute("UPDATE recordings SET sealed = ? WHERE id = ?", (_seal(recording, sealer), str(recording.id)))


def advance(db: sqlite3.Connection, step: Advance) -> None:
    """Move a recording forward."""
    totals = step.totals
    db.execute(
        "UPDATE recordings SET blocks = ?, until_ms = ?, complete = ?, utterances = utterances + ?,"
        " quarantined = quarantined + ?, heard_ms = heard_ms + ?, silent_ms = silent_ms + ?, lost_ms = lost_ms + ?,"
        " withheld_ms = withheld_ms + ? WHERE id = ?",
        (step.blocks, step.until_ms, step.complete, *astuple(totals), str(step.recording)),
    )


def keep_alive(db: sqlite3.Connection, recording: UUID, *, alive_ms: int) -> None:
    """Note that a live recording still goes on."""
    db.execute("UPDATE recordings SET alive_ms = ? WHERE id = ?", (alive_ms, str(recording)))


def latest(db: sqlite3.Connection, fingerprint: str, *, sealer: Sealer) -> Recording | None:
    """Return the last take of a fingerprint, None when it was never recorded.

    Raises:
        UnreadableError: its row was altered.
    """
    row = db.execute(
        "SELECT * FROM recordings WHERE fingerprint = ? ORDER BY take DESC LIMIT 1", (fingerprint,)
    ).fetchone()
    return None if row is None else _read(row, sealer)


def left_open(db: sqlite3.Connection, *, sealer: Sealer) -> Iterator[Recording]:
    """Give the live recordings that never ended: their program was killed.

    Raises:
        UnreadableError: a row was altered.
    """
    for row in db.execute("SELECT * FROM recordings WHERE live = 1 AND complete = 0 ORDER BY id").fetchall():
        yield _read(row, sealer)


def of_shifts(db: sqlite3.Connection, *, sealer: Sealer) -> Iterator[Recording]:
    """Give all recordings from microphones that are still here, in the order in which they began.

    Raises:
        UnreadableError: a row was altered.
    """
    for row in db.execute("SELECT * FROM recordings WHERE live = 1 ORDER BY rowid").fetchall():
        yield _read(row, sealer)


def forget_delivered(db: sqlite3.Connection) -> None:
    """Delete ended live recordings of which no record is left; nothing asks for them again."""
    db.execute(
        "DELETE FROM recordings WHERE live = 1 AND complete = 1"
        " AND NOT EXISTS (SELECT 1 FROM records WHERE recording = recordings.id)"
    )


def _seal(recording: Recording, sealer: Sealer) -> bytes | None:
    known = recording.conversation or recording.stretch
    if known is None:
        return None
    return sealer.seal(known.model_dump_json().encode(), identity=str(recording.id), kind=_KIND)


def _read(row: sqlite3.Row, sealer: Sealer) -> Recording:
    known = None
    if row["sealed"] is not None:
        known = _KNOWN.validate_json(sealer.open(row["sealed"], identity=row["id"], kind=_KIND))
    return Recording(
        id=UUID(row["id"]),
        fingerprint=row["fingerprint"],
        take=row["take"],
        live=bool(row["live"]),
        conversation=known if isinstance(known, Conversation) else None,
        stretch=known if isinstance(known, Stretch) else None,
        blocks=row["blocks"],
        until_ms=row["until_ms"],
        alive_ms=row["alive_ms"],
        complete=bool(row["complete"]),
        totals=Totals(**{field.name: row[field.name] for field in fields(Totals)}),
    )
