"""What enters the outbox in one transaction: records, and what they mean for their recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from uuid import UUID

from edge_agent import outbox_records, recordings
from edge_agent.recordings import Advance, Ending, Recording
from edge_agent.sealing import Sealer
from models.conversation import Utterance
from models.text import RedactedText
from models.wire import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Stored wholly or not at all.

    Raises:
        TypeError: an utterance among the records is not masked.
    """

    records: Sequence[Record]
    begin: Recording | None
    """A recording that starts with the records."""
    advance: Advance | None
    """How far they bring their recording."""
    change: Recording | None
    """Their recording, when what is known of it changes or nothing but records is added to it."""
    ending: Ending | None
    """Of the recording before, stored in front of them."""

    def __post_init__(self) -> None:
        for record in (*self.records, *(self.ending.records if self.ending is not None else ())):
            # The type says so already; this holds against model_construct() and other ways around the type.
            if isinstance(record.body, Utterance) and not isinstance(record.body.text, RedactedText):
                raise TypeError("an utterance enters the outbox with RedactedText only")

    @property
    def recording(self) -> UUID | None:
        """The records' recording; None of records that stand alone."""
        known = self.begin or self.change
        if known is not None:
            return known.id
        return None if self.advance is None else self.advance.recording

    def store(self, db: Connection, *, now_ms: int, sealer: Sealer) -> None:
        """Write all of it in the caller's transaction."""
        if self.ending is not None:
            ended = self.ending.advance.recording
            outbox_records.insert(db, self.ending.records, recording=ended, now_ms=now_ms, sealer=sealer)
            recordings.advance(db, self.ending.advance)
        if self.begin is not None:
            recordings.insert(db, self.begin, sealer=sealer)
        if self.change is not None:
            recordings.rewrite(db, self.change, sealer=sealer)
        outbox_records.insert(db, self.records, recording=self.recording, now_ms=now_ms, sealer=sealer)
        if self.advance is not None:
            recordings.advance(db, self.advance)
