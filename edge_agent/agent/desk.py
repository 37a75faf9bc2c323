"""Where everything that changes the state of the agent happens, one thing after the other, in one thread."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from edge_agent.agent import today
from edge_agent.agent.dictation import Dictation
from edge_agent.agent.ear import Ear
from edge_agent.agent.ended_shifts import EndedShifts
from edge_agent.agent.failure import AgentError
from edge_agent.agent.history import History
from edge_agent.agent.parts import AgentParts, Later, Seen
from edge_agent.agent.post import Post
from edge_agent.agent.screen import Screen
from edge_agent.agent.scribe import AnswerWanted, Scribe, ScribeEvents
from edge_agent.agent.shift import Shift
from edge_agent.agent.spoken_answer import ANSWER_MS, Said, decided
from edge_agent.agent.staff_voices import StaffVoices
from edge_agent.clock import Reading
from edge_agent.heard import FirstText
from edge_agent.outbox import Outbox
from edge_agent.recorder import Ended, Recorder
from edge_agent.voiceprint import Voiceprints
from hardware.signals import Button, Press, Signal
from models.errors import OutboxError, RecognitionError
from models.labels import ConsentState
from models.wire import Record
from nlp.redaction import redact_turns

_OUTBOX_EVERY_MS: Final = 1_000
_STUCK_AFTER_MS: Final = 20_000
"""More than the 15 s that a busy outbox is waited for."""
_STOPPED: Final = RecognitionError(
    "recognition has stopped", code="recognition_stopped", advice="Restart the program; what was sealed is safe."
)


class Desk:
    """Owns the outbox, the shift and what is known of today; used by one thread, but for `seen` and `ear`."""

    def __init__(self, parts: AgentParts, *, later: Later, on_sound: Callable[[], None], named: today.Named) -> None:
        """Open the outbox, close what a killed program left open, and take its shift up again.

        Args:
            parts: of the agent.
            later: for what other threads have to say.
            on_sound: called by the microphone's thread.
            named: knows customers by their id.

        Raises:
            OutboxError: the outbox cannot be opened.
        """
        self._parts = parts
        self._clock = parts.clock
        self._later = later
        self._on_sound = on_sound
        self.ear: Ear | None = None
        self._shift: Shift | None = None
        self._ended = EndedShifts()
        self._looked_ms = 0
        self._outbox = parts.device.open_outbox()
        self._recorder = self._recorder_of(self._outbox)
        self._post = Post(parts.device, self._outbox, clock=self._clock)
        self.history = History(self._outbox, self._recorder, clock=self._clock)
        voiceprints = Voiceprints(parts.device.folder, settings=parts.device.settings)
        self._screen = Screen(parts.place, history=self.history, voiceprints=voiceprints, named=named)
        self._voices = StaffVoices(voiceprints, screen=self._screen, later=later, look=self.look, clock=self._clock)
        interrupted = self.history.close_interrupted()
        self._scribe = Scribe(
            open_outbox=parts.device.open_outbox,
            recorder=self._recorder_of,
            hearing=parts.hearing,
            scoring=parts.scoring,
            events=ScribeEvents(
                trouble=lambda error: later(lambda: self._screen.trouble(error)),
                drafted=lambda dictation, first: later(lambda: self._drafted(dictation, first)),
                closed=lambda: later(self.look),
            ),
        )
        self._post.start()
        self._scribe.start()
        if interrupted is not None:
            self._begin_shift(staff=interrupted.staff, now=interrupted.now, before=interrupted.away)
        self.look()

    @property
    def seen(self) -> Seen:
        """What people are shown; for any thread."""
        return self._screen.seen

    def begin_shift(self, *, staff: str) -> None:
        """Open the microphone.

        Raises:
            AgentError: a shift goes on.
            AudioError: the microphone's address is none.
            OutboxError: it could not be stored.
        """
        if self._shift is not None:
            raise AgentError("a shift goes on", advice="End it first.")
        self._begin_shift(staff=staff, now=self._clock())

    def _begin_shift(self, *, staff: str, now: Reading, before: Ended | None = None) -> None:
        self._ended.close_ears()
        ear = Ear(self._parts.open_source(self._signal), clock=self._clock, on_sound=self._on_sound)
        place = replace(self._parts.place, staff=staff)
        self._shift = Shift(
            self._recorder,
            scribe=self._scribe,
            ear=ear,
            place=place,
            note_alive=lambda recording, alive_ms: self._outbox.keep_alive(recording, alive_ms=alive_ms),
            keep_withdrawn=self.history.keep_withdrawn,
            now=now,
            before=before,
        )
        self.ear = ear
        ear.start()

    def end_shift(self) -> None:
        """End the encounter, if one goes on, and close the microphone.

        Raises:
            AgentError: there is no shift.
        """
        shift, ear = self._on(), self.ear
        shift.end(now=self._clock())
        if ear is not None:
            self._ended.add(shift, ear)
        self._shift = self.ear = None
        self._ended.let_go()

    def start(self, *, customer: str | None) -> UUID:
        """Begin an encounter."""
        encounter = self._on().start(customer=customer, now=self._clock())
        self._voices.break_off()
        return encounter

    def answer(self, state: ConsentState, *, how: str, encounter: UUID) -> None:
        """Do what the customer answered."""
        self._on().answer(state, how=how, encounter=encounter, now=self._clock())
        if state is not ConsentState.GRANTED:
            self._screen.forget_drafts()
        self._screen.answer_awaited(None)

    def take_back(self, conversations: Sequence[UUID]) -> None:
        """Erase what was said in conversations whose customers withdrew on the server; one that is heard ends there.

        Raises:
            OutboxError: it could not be stored; call it again.
        """
        now, shifts = self._clock(), self._shifts()
        self._screen.forget_drafts()
        for conversation in conversations:
            if not any(shift.take_back(conversation, now=now) for shift in shifts):
                self.history.take_back(conversation)
        self.look()

    def listen_for_answer(self) -> None:
        """Recognise what is said in the next seconds; it is taken for an answer or none, and forgotten."""
        now = self._clock()
        shift = self._on()
        encounter, tap = shift.listen(for_ms=ANSWER_MS, now=now)

        def heard(said: Sequence[Said]) -> bool:
            state = decided(said)
            if state is not None:
                self._later(lambda: self._spoken(state, encounter=encounter))
            return state is not None

        self._scribe.read_answer(
            AnswerWanted(tap=tap, heard=heard, over=lambda: self._later(lambda: self._unclear(encounter)))
        )
        until = now.moment + timedelta(milliseconds=ANSWER_MS)
        self._screen.answer_awaited(until)

    def enrol_voice(self, *, seconds: float) -> None:
        """Learn the voice of the shift's staff while no customer is there.

        Raises:
            AgentError: there is no shift, or an encounter goes on.
        """
        self._voices.learn(self._on(), seconds=seconds)

    def forget_voice(self) -> None:
        """Delete the voiceprint of the staff who work.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: it cannot be deleted.
        """
        self._voices.forget(self.seen.place.staff)

    def stop(self) -> None:
        """End the encounter."""
        self._on().stop(now=self._clock())
        self._screen.answer_awaited(None)

    def bind(self, encounter: UUID, *, customer: str) -> None:
        """Say who the customer of an encounter was.

        Raises:
            AgentError: it is not of today, or its customer said no.
            OutboxError: it could not be stored.
        """
        shift = self._shift
        asked = shift is not None and shift.encounter is not None and shift.encounter.id == encounter
        if shift is not None and asked:
            shift.bind(customer)
        if not self.history.bind(encounter, customer=customer) and not asked:
            raise AgentError("that encounter is not of today", advice="Choose one from the list.")

    def tick(self) -> None:
        """Do what time asks for."""
        now = self._clock()
        try:
            for shift in self._shifts():
                shift.tick(now=now)
        except OutboxError as error:
            self._screen.trouble(error)
        if not self._scribe.is_running:
            self._screen.trouble(_STOPPED)
        if self.ear is not None:
            self.ear.settle()
        self._ended.let_go()
        if now.monotonic_ms - self._looked_ms >= _OUTBOX_EVERY_MS:
            self._post.tick(now)
            self.look()

    def is_well(self) -> bool:
        """Say whether the scribe still writes, and time was looked at lately; from any thread."""
        return self._scribe.is_running and self._clock().monotonic_ms - self._looked_ms < _STUCK_AFTER_MS

    def look(self) -> None:
        """Read from the outbox what people are shown.

        Raises:
            OutboxError: it cannot be read.
        """
        now = self._clock()
        self._looked_ms = now.monotonic_ms
        self._screen.show(self._shift, backlog=self._post.backlog(now))

    def close(self, *, wait_s: float) -> None:
        """End the shift, write down what was heard and deliver it, at most so long; the rest stays sealed."""
        if self._shift is not None:
            self.end_shift()
        self._ended.finish()
        self._scribe.close(wait_s=wait_s)
        self.tick()
        self._post.close(wait_s=wait_s)
        self._outbox.close()

    def _shifts(self) -> list[Shift]:
        return self._ended.shifts + ([self._shift] if self._shift is not None else [])

    def _on(self) -> Shift:
        if self._shift is None:
            raise AgentError("there is no shift", advice="Begin one first.")
        return self._shift

    def _spoken(self, state: ConsentState, *, encounter: UUID) -> None:
        if self._shift is not None and self._shift.asked() == encounter:
            self.answer(state, how="spoken", encounter=encounter)

    def _unclear(self, encounter: UUID) -> None:
        if self._shift is not None and self._shift.asked() == encounter:
            self._shift.stop_listening()
            self._screen.answer_awaited(None, unclear=True)

    def _drafted(self, dictation: Dictation, first: FirstText) -> None:
        running = None if self._shift is None else self._shift.running
        if running is not None and running.dictation is dictation:
            self._screen.draft(first, of=running.recording)
            self.look()

    def _signal(self, signal: Signal) -> None:
        self._later(lambda: self._signalled(signal))

    def _signalled(self, signal: Signal) -> None:
        self._screen.signalled(signal)
        if isinstance(signal, Button) and signal.press is Press.SINGLE and self._shift is not None:
            if self._shift.encounter is None:
                self.start(customer=None)
            else:
                self.stop()

    def _recorder_of(self, outbox: Outbox) -> Recorder:
        return Recorder(
            outbox,
            identity=self._parts.device.identity,
            redact=redact_turns,
            on_sealed=self._sealed,
            clock=self._clock,
        )

    def _sealed(self, records: Sequence[Record]) -> None:
        if records:
            self._post.ring()
        self._later(self.look)
