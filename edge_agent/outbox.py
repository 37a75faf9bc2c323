"""The device's outbox: what was said, sealed on disk until the server has it.

Constraints and invariants:
- A record is in the outbox wholly or not at all, together with the progress of its recording: one transaction.
- `device_seq` counts records without a hole, in the order in which they were appended.
- A row changes from pending to acknowledged or dead by the server's verdict only, or to unreadable when its seal
  does not open; one such row never keeps the others back.
- Acknowledged rows stay, sealed, for the retention time: the same outbox can be sent again. Then they are deleted, and
  before it where space is short. Dead and unreadable rows stay longer. Pending rows are never deleted for their age.
- Each row is authenticated by its seal (the tag of AES-GCM, 128 bits, over the record, its id and its kind): that is
  its checksum.
- A withdrawal deletes a conversation's utterances in whatever state they are; their numbers are not given again.
- Settling and deleting have room even when the disk is full.
- Text enters only as RedactedText.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from sqlite3 import Connection
from uuid import UUID

from edge_agent import outbox_key, outbox_records, outbox_standing, recordings
from edge_agent.outbox_database import DATABASE_FILE, OutboxDatabase
from edge_agent.outbox_entry import Entry
from edge_agent.outbox_rows import Backlog, Letter, Outgoing, Settlement
from edge_agent.private_files import make_private_folder
from edge_agent.recordings import Advance, Ending, Recording
from edge_agent.sealing import Sealer, load_sealer
from edge_agent.server_clock import ServerClock
from edge_agent.settings import EdgeSettings
from models.conversation import Utterance
from models.errors import OutboxError
from models.wire import Record


class Outbox:
    """The sealed outbox of one data folder; use one object per thread."""

    def __init__(self, folder: Path, *, settings: EdgeSettings) -> None:
        """Open the outbox, making it where none is.

        Raises:
            OutboxError: it cannot be opened, or its key is missing or of another outbox.
        """
        make_private_folder(folder)
        self._folder = folder
        self._given_key = settings.data_key
        sealer = load_sealer(folder, given=self._given_key, may_make=not (folder / DATABASE_FILE).exists())
        self._database = OutboxDatabase(folder, max_mb=settings.outbox_max_mb, reserve_kb=settings.reserve_kb)
        try:
            self._sealer = self._matching(sealer)
        except BaseException:  # whatever it is, Ctrl-C too: nobody else has the database to close it
            self.close()
            raise

    def _matching(self, sealer: Sealer) -> Sealer:
        is_given = self._given_key is not None
        return outbox_key.matching(sealer, self._database, folder=self._folder, is_given=is_given)

    def seal_anew(self, following: Sealer) -> int:
        """Seal every row under another key; return how many of them are records.

        Broken off, it can be called again. Nothing may be appended meanwhile, and the object is of no use afterwards.

        Raises:
            OutboxError: the file cannot be read or written.
        """
        return outbox_key.seal_anew(self._database, sealer=self._sealer, following=following)

    def fingerprint(self, *parts: str) -> str:
        """Return what tells a recording from others without saying anything about it."""
        return self._sealer.fingerprint(*parts)

    def append(
        self,
        records: Sequence[Record],
        *,
        now_ms: int,
        begin: Recording | None = None,
        advance: Advance | None = None,
        change: Recording | None = None,
        ending: Ending | None = None,
    ) -> None:
        """Store records and their recording's progress in one transaction.

        Args:
            records: their `device_seq` is replaced by the outbox's next numbers.
            now_ms: Unix time in milliseconds.
            begin: a recording that starts with these records.
            advance: how far they bring their recording.
            change: their recording, when what is known of it changes or nothing but records is added to it.
            ending: of the recording before, stored in front of them.

        Raises:
            OutboxError: `outbox_full` and others; then nothing of it was stored.
        """
        entry = Entry(records=records, begin=begin, advance=advance, change=change, ending=ending)

        def store() -> None:
            with self._database.growing() as db:
                entry.store(db, now_ms=now_ms, sealer=self._sealer)

        try:
            store()
        except OutboxError as error:
            # What the server has is kept for convenience only; what it has not goes before.
            if error.code != "outbox_full" or not self.purge(now_ms=now_ms, retention_ms=0):
                raise
            store()

    def due(self, *, now_ms: int, limit: int, max_bytes: int) -> list[Outgoing]:
        """Return pending records to send now, at least one if any is due: the least tried first, then in their order.

        So a record that fails for ever never stands in another's way.
        Rows that do not open are put aside as unreadable on the way.

        Raises:
            OutboxError: the file cannot be read or written.
        """
        while True:
            with self._database.reading() as db:
                rows = outbox_records.due(db, now_ms=now_ms, limit=limit)
            opened, unreadable = outbox_records.opened(rows, sealer=self._sealer)
            if unreadable and self._given_key is None:
                # Another program may be changing the key.
                self._sealer = self._matching(load_sealer(self._folder, given=None, may_make=False))
                opened, unreadable = outbox_records.opened(rows, sealer=self._sealer)
            if unreadable:
                self._put_aside(unreadable, now_ms=now_ms)
            if opened or not rows:
                return outbox_records.within(opened, max_bytes=max_bytes)

    def _put_aside(self, unreadable: Sequence[int], *, now_ms: int) -> None:
        self._database.settling(lambda db: outbox_records.put_aside(db, unreadable, now_ms=now_ms))

    def settle(self, settlements: Sequence[Settlement], *, now_ms: int) -> None:
        """Write down what the server said; a record that is settled already stays so.

        Raises:
            OutboxError: the file cannot be written; then none of it was.
        """
        self._database.settling(lambda db: outbox_records.settle(db, settlements, now_ms=now_ms))

    def offer_again(self, *, recording: UUID | None = None, record: UUID | None = None) -> int:
        """Make acknowledged and dead records pending again, of one recording, one of them, or all; return how many.

        Raises:
            OutboxError: the file cannot be written.
        """
        return self._database.settling(lambda db: outbox_records.offer_again(db, recording=recording, record=record))

    def purge(self, *, now_ms: int, retention_ms: int, dead_retention_ms: int | None = None) -> int:
        """Delete what was settled long enough ago and give its space back; return how many.

        Args:
            now_ms: Unix time in milliseconds.
            retention_ms: how long acknowledged records stay.
            dead_retention_ms: how long dead and unreadable ones stay; None for ever.

        Raises:
            OutboxError: the file cannot be written.
        """
        deleted = self._delete_in_steps(
            lambda db: outbox_records.delete_settled(
                db,
                acknowledged_until_ms=now_ms - retention_ms,
                dead_until_ms=None if dead_retention_ms is None else now_ms - dead_retention_ms,
            )
        )
        self._database.settling(recordings.forget_delivered)
        self._database.give_space_back()
        return deleted

    def erase_texts(self, conversation: UUID) -> int:
        """Delete what was said in a conversation, delivered or not, and overwrite where it stood; return how many.

        Its other records stay: that it happened, its consent and its coverage hold no words. Broken off, it is to be
        called again; a record that is on its way to the server meanwhile is the server's to erase.

        Raises:
            OutboxError: the file cannot be written.
        """
        deleted = self._delete_in_steps(lambda db: outbox_records.delete_utterances(db, recording=conversation))
        # The log still holds pages as they were before; this empties it.
        self._database.give_space_back()
        return deleted

    def _delete_in_steps(self, delete: Callable[[Connection], int]) -> int:
        deleted = 0
        while count := self._database.settling(delete):
            deleted += count
        return deleted

    def backlog(self, *, letters: int = 100) -> Backlog:
        """Return how the outbox stands, with at most that many dead letters.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            return outbox_standing.backlog(db, letters=letters)

    def letter(self, record: UUID) -> Letter | None:
        """Return one record as whoever may open the outbox sees it: masked as it leaves; None when it is not here.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            return outbox_standing.letter(db, record, sealer=self._sealer)

    def note_trouble(self, code: str) -> None:
        """Keep why delivery as a whole does not go on; empty when it does.

        Raises:
            OutboxError: the file cannot be written.
        """
        self._database.settling(lambda db: outbox_standing.note_trouble(db, code))

    def recording(self, fingerprint: str) -> Recording | None:
        """Return the last take of a recording, None when it is new.

        Raises:
            OutboxError: the file or the row cannot be read.
        """
        with self._database.reading() as db:
            return recordings.latest(db, fingerprint, sealer=self._sealer)

    def last_texts(self, recording: UUID, *, count: int) -> list[str]:
        """Return the masked texts of a recording's last utterances that are still here, in their order.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            rows = outbox_records.last_utterances(db, recording, count=count)
        opened, _ = outbox_records.opened(rows, sealer=self._sealer)
        bodies = [outgoing.record.body for outgoing in opened]
        return [body.text.text for body in bodies if isinstance(body, Utterance)]

    def shift_recordings(self) -> list[Recording]:
        """Return the recordings from microphones that are still here, in the order in which they began.

        Raises:
            OutboxError: the file or a row cannot be read.
        """
        with self._database.reading() as db:
            return list(recordings.of_shifts(db, sealer=self._sealer))

    def records_of(self, recording: UUID) -> list[Record]:
        """Return the records of a recording that are still here and can be read, in their order.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            rows = outbox_records.of_recording(db, recording)
        opened, _ = outbox_records.opened(rows, sealer=self._sealer)
        return [outgoing.record for outgoing in opened]

    def left_open(self) -> list[Recording]:
        """Return the live recordings that a killed program left open.

        Raises:
            OutboxError: the file or a row cannot be read.
        """
        with self._database.reading() as db:
            return list(recordings.left_open(db, sealer=self._sealer))

    def keep_alive(self, recording: UUID, *, alive_ms: int) -> None:
        """Note that a live recording still goes on, so many milliseconds after its start.

        Raises:
            OutboxError: the file cannot be written.
        """
        self._database.settling(lambda db: recordings.keep_alive(db, recording, alive_ms=alive_ms))

    def server_clock(self) -> ServerClock:
        """Return what is known of the server's clock.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            return outbox_standing.server_clock(db)

    def set_server_clock(self, clock: ServerClock) -> None:
        """Keep what was measured, for records made from now on.

        Raises:
            OutboxError: the file cannot be written.
        """
        self._database.settling(lambda db: outbox_standing.set_server_clock(db, clock))

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._database.close()
