"""Encounters of today as the outbox has them: read again, and what is said of them afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from edge_agent.agent import today
from edge_agent.agent.failure import AgentError
from edge_agent.agent.port import CaptionView
from edge_agent.clock import Reading
from edge_agent.outbox import Outbox
from edge_agent.recorder import Ended, Recorder
from edge_agent.recording import INTERRUPTED
from edge_agent.recordings import Recording, Stretch, withdrawn
from models.conversation import CustomerBinding, RoleRevision, Utterance
from models.labels import ConsentState, CoverageState, RevisedBy, Role

_RESUMED_WITHIN: Final = timedelta(minutes=30)
"""A shift whose program died is taken up again within this time; later, somebody begins a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A shift whose program was killed."""

    staff: str
    away: Ended
    """The time for which nobody listened; stored as begun, to be ended with what follows."""
    now: Reading


class History:
    """What one outbox has of today; used by the outbox's thread."""

    def __init__(self, outbox: Outbox, recorder: Recorder, *, clock: Callable[[], Reading]) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    def today(self) -> list[Recording]:
        """Return today's recordings, in the order in which they began.

        Raises:
            OutboxError: they cannot be read.
        """
        return today.of_day(self._outbox.shift_recordings(), now=self._clock().moment)

    def captions(self, encounter: UUID) -> tuple[CaptionView, ...]:
        """Return the utterances of an encounter.

        Raises:
            OutboxError: they cannot be read.
        """
        return today.captions(self._outbox.records_of(encounter))

    def bind(self, encounter: UUID, *, customer: str) -> bool:
        """Say who the customer of an encounter was; return False when it has no conversation.

        Raises:
            AgentError: the customer withdrew, and is named nowhere any more.
            OutboxError: it could not be stored.
        """
        for recording in self.today():
            if recording.id == encounter and recording.conversation is not None:
                if recording.conversation.consent is ConsentState.WITHDRAWN:
                    raise AgentError("the customer withdrew", advice="Nothing more is kept of this encounter.")
                body = CustomerBinding(conversation_id=encounter, customer=customer, at=self._clock().moment)
                self._recorder.add(recording, body)
                return True
        return False

    def take_back(self, conversation: UUID) -> None:
        """Erase what was said in a conversation, of whatever day, whose customer withdrew elsewhere.

        Raises:
            OutboxError: it could not be stored; call it again. The words are erased if they can be.
        """
        for recording in self._outbox.shift_recordings():
            if recording.id == conversation and recording.conversation is not None:
                self.keep_withdrawn(withdrawn(recording))
                return
        # Of a replay, or none of its records is here any more.
        self._outbox.erase_texts(conversation)

    def keep_withdrawn(self, recording: Recording) -> None:
        """Keep that a customer withdrew, of which the server knows, and erase what was said.

        Raises:
            OutboxError: it could not be stored; call it again. The words are erased if they can be.
        """
        try:
            self._outbox.append([], now_ms=self._clock().wall_ms, change=recording)
        finally:
            self._outbox.erase_texts(recording.id)

    def correct_role(self, utterance: UUID, *, role: Role) -> None:
        """Say who spoke an utterance.

        Raises:
            AgentError: it is not of today.
            OutboxError: it could not be stored.
        """
        recording = self._speaking_of(utterance)
        body = RoleRevision(
            conversation_id=recording.id,
            utterance_id=utterance,
            role=role,
            role_confidence=1.0,
            by=RevisedBy.STAFF,
            at=self._clock().moment,
        )
        self._recorder.add(recording, body)

    def close_interrupted(self) -> Interrupted | None:
        """Close what a killed program left open; return whose shift is to be taken up again.

        A recording is closed at the last moment of which it was noted that it went on, at most some 2 s before the
        kill. From then until now is lost, and that stretch is opened before the others are closed: killed again
        meanwhile, the next start finds it. None when no shift was on, when the clock was set back meanwhile, or when
        all that was too long ago; then the shift ended at that last moment.

        Raises:
            OutboxError: it could not be read or stored.
        """
        left_open = self._outbox.left_open()
        interrupted = self._interrupted(left_open[-1]) if left_open else None
        if interrupted is not None:
            self._recorder.open_stretch(interrupted.away.recording)
        self._recorder.close_interrupted(left_open)
        return interrupted

    def _interrupted(self, last: Recording) -> Interrupted | None:
        known = last.conversation or last.stretch
        if known is None:
            return None
        now = self._clock()
        died_at = known.started_at + timedelta(milliseconds=max(last.until_ms, last.alive_ms))
        away = now.moment - died_at
        # A clock that was set back tells nothing of how long it was.
        if not timedelta() <= away <= _RESUMED_WITHIN:
            return None
        lost = self._recorder.stretch(
            Stretch(site=known.site, staff=known.staff, channel=known.channel, reason=INTERRUPTED, started_at=died_at)
        )
        away_ms = round(away / timedelta(milliseconds=1))
        ended = Ended(recording=lost, duration_ms=away_ms, state=CoverageState.LOST)
        return Interrupted(staff=known.staff, away=ended, now=now)

    def _speaking_of(self, utterance: UUID) -> Recording:
        for recording in reversed(self.today()):
            bodies = [record.body for record in self._outbox.records_of(recording.id)]
            if any(isinstance(body, Utterance) and body.id == utterance for body in bodies):
                return recording
        raise AgentError("that utterance is not of today", advice="It was delivered and deleted, or erased.")
