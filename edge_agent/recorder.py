"""Brings conversations into the outbox, block by block, so that each can be broken off anywhere and go on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from edge_agent.clock import Reading, read_clock
from edge_agent.heard import HeardBlock
from edge_agent.identity import Identity
from edge_agent.outbox import Outbox
from edge_agent.recording import (
    Encounter,
    Redact,
    Stamp,
    after,
    block_records,
    consent_record,
    opening,
    opening_records,
    record_of,
    totals_of,
)
from edge_agent.recording_ends import closing_records, ending_of, withheld_record
from edge_agent.recordings import Advance, Ending, Recording, Stretch, Totals, advanced
from models.conversation import Conversation, CustomerBinding, RoleRevision
from models.ids import new_id
from models.labels import ConsentState, CoverageState
from models.wire import Record

_TEXTS_BEFORE = 2
"""Earlier texts in whose sight a block is masked: a number is read out over two or three turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a recording in one run."""

    recording: Recording
    recognition_cpu_s: float
    """Spent in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A stretch that is over, or a conversation whose customer withdrew or whose program was killed."""

    recording: Recording
    duration_ms: int
    state: CoverageState = CoverageState.WITHHELD
    """Of a stretch's time, or of a conversation's after its last sealed block; withheld erases that one's words."""


class Recorder:
    """Records into one outbox."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        identity: Identity,
        redact: Redact,
        on_sealed: Callable[[Sequence[Record]], None],
        clock: Callable[[], Reading] = read_clock,
    ) -> None:
        """Prepare.

        Args:
            outbox: of the calling thread.
            identity: of the device.
            redact: masks personal data.
            on_sealed: called after records are safely in the outbox.
            clock: reads the device's clocks.
        """
        self._outbox = outbox
        self._identity = identity
        self._redact = redact
        self._on_sealed = on_sealed
        self._clock = clock

    def begin(
        self,
        encounter: Encounter,
        *,
        fingerprint: str | None,
        live: bool,
        started_at: datetime | None = None,
        conversation_id: UUID | None = None,
        how: str = "staff_recorded",
        ended: Ended | None = None,
    ) -> Recording:
        """Begin a conversation to which the customer consented.

        Args:
            encounter: who meets where.
            fingerprint: of what is recorded; None for what can never be recorded again.
            live: from a microphone.
            started_at: now, unless it is given.
            conversation_id: a new one, unless it is given.
            how: the customer was asked and answered.
            ended: what ends where it begins; both are stored or neither.

        Raises:
            OutboxError: it could not be stored; then it did not begin.
        """
        now = self._clock()
        conversation = opening(
            encounter,
            conversation_id=conversation_id or new_id(),
            tenant=self._identity.tenant,
            device_id=self._identity.device_id,
            started_at=started_at or now.moment,
        )
        recording = Recording(
            id=conversation.id,
            fingerprint=fingerprint or self._outbox.fingerprint("live", str(conversation.id)),
            live=live,
            conversation=conversation,
        )
        records = opening_records(conversation, how=how, stamp=self._stamp(now))
        ending = None if ended is None else self._ending(ended, now=now)
        self._append(records, now=now, begin=recording, ending=ending)
        return recording

    def record(self, blocks: Iterable[HeardBlock], recording: Recording) -> Recorded:
        """Seal each block as it is heard, and close the conversation after the last.

        Raises:
            OutboxError: a block could not be stored; those before it are, and the recording can go on later.
            AudioError: the source failed.
            RecognitionError: recognition failed.
        """
        cpu_s = 0.0
        for block in blocks:
            cpu_s += block.recognition_cpu_s
            recording = self.seal(block, recording)
        return Recorded(recording=self.close(recording), recognition_cpu_s=cpu_s)

    def seal(self, heard: HeardBlock, recording: Recording) -> Recording:
        """Store one block; return the recording as it is then.

        Raises:
            OutboxError: it could not be stored.
        """
        conversation = _consented(recording)
        block = after(heard, from_ms=recording.until_ms)
        now = self._clock()
        # Read back rather than remembered: a resumed recording masks exactly like one that was never broken off.
        before = self._outbox.last_texts(recording.id, count=_TEXTS_BEFORE)
        records = block_records(
            block,
            before=before,
            conversation=conversation,
            redact=self._redact,
            now=now.moment,
            stamp=self._stamp(now),
        )
        step = Advance(recording=recording.id, blocks=heard.ordinal + 1, until_ms=block.end_ms, totals=totals_of(block))
        self._append(records, now=now, advance=step)
        return advanced(recording, step)

    def close(self, recording: Recording) -> Recording:
        """End a conversation where its last block ended; return it so.

        Raises:
            OutboxError: it could not be stored.
        """
        now = self._clock()
        closing = closing_records(_consented(recording), end_ms=recording.until_ms, stamp=self._stamp(now))
        step = Advance(
            recording=recording.id, blocks=recording.blocks, until_ms=recording.until_ms, totals=Totals(), complete=True
        )
        self._append(closing, now=now, advance=step)
        return advanced(recording, step)

    def withhold(
        self, encounter: Encounter, *, fingerprint: str, live: bool, started_at: datetime, duration_ms: int
    ) -> Recording:
        """Store all that may remain of a conversation whose customer declined: that its time was withheld.

        Raises:
            OutboxError: it could not be stored.
        """
        now = self._clock()
        stamp = self._stamp(now)
        record = withheld_record(encounter, started_at=started_at, duration_ms=duration_ms, stamp=stamp)
        recording = Recording(id=new_id(), fingerprint=fingerprint, live=live, conversation=None)
        step = Advance(
            recording=recording.id,
            blocks=0,
            until_ms=duration_ms,
            totals=Totals(withheld_ms=duration_ms),
            complete=True,
        )
        self._append([record], now=now, begin=recording, advance=step)
        return advanced(recording, step)

    def stretch(self, stretch: Stretch) -> Recording:
        """Return the recording of a stretch of a shift in which nothing is recognised, not yet stored."""
        identity = new_id()
        fingerprint = self._outbox.fingerprint("stretch", str(identity))
        return Recording(id=identity, fingerprint=fingerprint, live=True, conversation=None, stretch=stretch)

    def open_stretch(self, recording: Recording, *, ended: Ended | None = None) -> None:
        """Store the beginning of a stretch.

        Args:
            recording: the stretch.
            ended: what ends where it begins; both are stored or neither.

        Raises:
            OutboxError: it could not be stored.
        """
        now = self._clock()
        ending = None if ended is None else self._ending(ended, now=now)
        self._append([], now=now, begin=recording, ending=ending)

    def change_stretch(self, recording: Recording) -> None:
        """Store why the stretch that goes on is withheld, when that has changed.

        Raises:
            OutboxError: it could not be stored.
        """
        self._append([], now=self._clock(), change=recording)

    def withdraw(self, recording: Recording, *, how: str, at: datetime) -> None:
        """Take a conversation's words back: erase them here, and let the server know that it is to do the same.

        Args:
            recording: as `withdrawn` gives it.
            how: the customer said so.
            at: when.

        Raises:
            OutboxError: the withdrawal could not be stored and is to be stored again; the words are erased if they can
                be.
        """
        now = self._clock()
        record = consent_record(recording.id, ConsentState.WITHDRAWN, how=how, at=at, stamp=self._stamp(now))
        try:
            self._append([record], now=now, change=recording)
        finally:
            self._outbox.erase_texts(recording.id)

    def end(self, ended: Ended) -> Recording:
        """End a stretch, or a conversation otherwise than after its last block; return it so.

        Raises:
            OutboxError: it could not be stored.
        """
        now = self._clock()
        ending = self._ending(ended, now=now)
        self._append(ending.records, now=now, advance=ending.advance)
        return advanced(ended.recording, ending.advance)

    def add(self, recording: Recording, body: RoleRevision | CustomerBinding) -> None:
        """Store what was said of a conversation afterwards; a new customer is kept with it.

        Raises:
            OutboxError: it could not be stored.
        """
        now = self._clock()
        changed = recording
        if isinstance(body, CustomerBinding):
            known = _consented(recording).model_copy(update={"customer": body.customer})
            changed = replace(recording, conversation=known)
        self._append([record_of(body, at=body.at, stamp=self._stamp(now))], now=now, change=changed)

    def close_interrupted(self, left_open: Sequence[Recording] | None = None) -> list[Recording]:
        """Close the live recordings that a killed program left open, all or those; return them as they ended.

        Raises:
            OutboxError: they could not be read or stored.
        """
        left = self._outbox.left_open() if left_open is None else left_open
        return [self._close_interrupted(recording) for recording in left]

    def _close_interrupted(self, recording: Recording) -> Recording:
        end_ms = max(recording.until_ms, recording.alive_ms)
        talk = recording.conversation
        withheld = talk is None or talk.consent is ConsentState.WITHDRAWN
        state = CoverageState.WITHHELD if withheld else CoverageState.LOST
        return self.end(Ended(recording=recording, duration_ms=end_ms, state=state))

    def _append(
        self,
        records: Sequence[Record],
        *,
        now: Reading,
        begin: Recording | None = None,
        advance: Advance | None = None,
        change: Recording | None = None,
        ending: Ending | None = None,
    ) -> None:
        self._outbox.append(records, now_ms=now.wall_ms, begin=begin, advance=advance, change=change, ending=ending)
        self._on_sealed(records if ending is None else [*ending.records, *records])

    def _ending(self, ended: Ended, *, now: Reading) -> Ending:
        """Say how something ends; of a conversation whose customer withdrew, words that remain are erased before."""
        if ended.recording.conversation is not None and ended.state is CoverageState.WITHHELD:
            self._outbox.erase_texts(ended.recording.id)
        return ending_of(ended.recording, duration_ms=ended.duration_ms, state=ended.state, stamp=self._stamp(now))

    def _stamp(self, now: Reading) -> Stamp:
        return Stamp(monotonic_ms=now.monotonic_ms, clock_offset_ms=self._outbox.server_clock().offset_at(now))


def _consented(recording: Recording) -> Conversation:
    if recording.conversation is None:
        raise ValueError("a declined conversation has no records but the withheld span")
    return recording.conversation
