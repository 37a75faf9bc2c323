"""Brings conversations into the outbox, block by block, so that each can be broken off anywhere and go on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    closing_records,
    interrupted_records,
    opening,
    opening_records,
    totals_of,
    withheld_record,
)
from edge_agent.recordings import Advance, Recording, Totals, advanced
from models.conversation import Conversation
from models.ids import new_id
from models.wire import Record

_TEXTS_BEFORE = 2
"""Earlier texts in whose sight a block is masked: a number is read out over two or three turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a recording in one run."""

    recording: Recording
    recognition_cpu_s: float
    """Spent in this run."""


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
        self, encounter: Encounter, *, fingerprint: str, live: bool, started_at: datetime | None = None
    ) -> Recording:
        """Begin a conversation to which the customer consented.

        Raises:
            OutboxError: it could not be stored; then it did not begin.
        """
        now = self._clock()
        conversation = opening(
            encounter,
            conversation_id=new_id(),
            tenant=self._identity.tenant,
            device_id=self._identity.device_id,
            started_at=started_at or now.moment,
        )
        recording = Recording(id=conversation.id, fingerprint=fingerprint, live=live, conversation=conversation)
        self._append(opening_records(conversation, stamp=self._stamp(now)), now=now, begin=recording)
        return recording

    def record(self, blocks: Iterable[HeardBlock], recording: Recording) -> Recorded:
        """Seal each block as it is heard, and close the conversation after the last.

        Raises:
            OutboxError: a block could not be stored; those before it are, and the recording can go on later.
            AudioError: the source failed.
            RecognitionError: recognition failed.
        """
        conversation = _consented(recording)
        cpu_s = 0.0
        for heard in blocks:
            block = after(heard, from_ms=recording.until_ms)
            cpu_s += block.recognition_cpu_s
            now = self._clock()
            # Read back rather than remembered: a resumed recording masks exactly like one that was never broken off.
            before = self._outbox.last_texts(recording.id, count=_TEXTS_BEFORE)
            records = block_records(
                block, before=before, conversation=conversation, redact=self._redact, stamp=self._stamp(now)
            )
            step = Advance(
                recording=recording.id, blocks=heard.ordinal + 1, until_ms=block.end_ms, totals=totals_of(block)
            )
            self._append(records, now=now, advance=step)
            recording = advanced(recording, step)
        now = self._clock()
        closing = closing_records(conversation, end_ms=recording.until_ms, stamp=self._stamp(now))
        step = Advance(
            recording=recording.id, blocks=recording.blocks, until_ms=recording.until_ms, totals=Totals(), complete=True
        )
        self._append(closing, now=now, advance=step)
        return Recorded(recording=advanced(recording, step), recognition_cpu_s=cpu_s)

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

    def close_interrupted(self) -> int:
        """Close the live conversations that a killed program left open; return how many.

        Raises:
            OutboxError: they could not be read or stored.
        """
        left_open = self._outbox.left_open()
        for recording in left_open:
            now = self._clock()
            records, totals = interrupted_records(
                _consented(recording),
                until_ms=recording.until_ms,
                alive_ms=recording.alive_ms,
                stamp=self._stamp(now),
            )
            step = Advance(
                recording=recording.id,
                blocks=recording.blocks,
                until_ms=max(recording.until_ms, recording.alive_ms),
                totals=totals,
                complete=True,
            )
            self._append(records, now=now, advance=step)
        return len(left_open)

    def _append(
        self,
        records: Sequence[Record],
        *,
        now: Reading,
        begin: Recording | None = None,
        advance: Advance | None = None,
    ) -> None:
        self._outbox.append(records, now_ms=now.wall_ms, begin=begin, advance=advance)
        self._on_sealed(records)

    def _stamp(self, now: Reading) -> Stamp:
        return Stamp(monotonic_ms=now.monotonic_ms, clock_offset_ms=self._outbox.clock_offset_ms())


def _consented(recording: Recording) -> Conversation:
    if recording.conversation is None:
        raise ValueError("a declined conversation has no records but the withheld span")
    return recording.conversation
