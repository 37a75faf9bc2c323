"""The agent at the counter: its threads, and what the console may see and ask of it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

import structlog

from edge_agent.agent import today
from edge_agent.agent.board import Board
from edge_agent.agent.customers import Customers
from edge_agent.agent.desk import Desk
from edge_agent.agent.ear import Ear
from edge_agent.agent.failure import AgentError
from edge_agent.agent.parts import AgentParts, Seen
from edge_agent.agent.port import CaptionView, CustomerView, MicrophoneView, SidesView, Snapshot
from edge_agent.agent.withdrawal_watch import WithdrawalWatch
from models.errors import VoicetrailError
from models.labels import ConsentState, Role

_log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

_TICK_S: Final = 0.25


class CounterAgent:
    """The `Agent` that runs beside the people.

    All that changes happens in one thread, the desk's; the microphone, recognition, delivery and time have threads of
    their own and leave word there.
    """

    def __init__(self, parts: AgentParts) -> None:
        """Open the outbox, close what a killed program left open, take its shift up again, and begin to deliver.

        Raises:
            OutboxError: the outbox cannot be opened.
        """
        self._parts = parts
        self._board = Board()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._closing = threading.Event()
        self._is_over = False
        try:
            self._customers = Customers(parts.device)
            self._desk = self._thread.submit(
                Desk, parts, later=self._later, on_sound=self._board.change, named=self._customers.named
            ).result()
        except VoicetrailError:
            self._thread.shutdown()
            raise
        self._clock = threading.Thread(target=self._keep_time, name="time", daemon=True)
        self._withdrawals = WithdrawalWatch(parts.device, take_back=self._take_back)
        self._clock.start()
        self._customers.start()
        self._withdrawals.start()

    def close(self, *, wait_s: float) -> None:
        """End the shift, write down what was heard and deliver it, at most so long; the rest stays sealed."""
        self._closing.set()
        self._clock.join()
        self._customers.close()
        self._withdrawals.close()
        try:
            self._thread.submit(self._close_desk, wait_s=wait_s).result()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def snapshot(self) -> Snapshot:
        """Return how it stands."""
        revision, seen, ear = self._board.revision, self._desk.seen, self._desk.ear
        withheld_ms = 0
        if seen.withheld_from_ms is not None:
            withheld_ms = max(0, self._parts.clock().monotonic_ms - seen.withheld_from_ms)
        return Snapshot(
            revision=revision,
            phase=seen.phase,
            staff=seen.place.staff,
            site=seen.place.site,
            channel=seen.place.channel,
            microphone=self._microphone(seen, ear),
            encounter=seen.encounter,
            today=seen.today,
            backlog=seen.backlog,
            coverage=today.coverage_view(seen.totals, withheld_ms=withheld_ms),
            voice_enrolled=seen.voice_enrolled,
            voice_progress=seen.voice_progress,
            sides=self._sides(),
            spoken_consent_until=seen.answer_until,
            spoken_consent_unclear=seen.answer_unclear,
        )

    def wait_for_change(self, revision: int, *, timeout_s: float) -> Snapshot:
        """Return how it stands as soon as that is newer than a revision, or after the timeout."""
        self._board.wait(revision, timeout_s=timeout_s)
        return self.snapshot()

    def is_well(self) -> bool:
        """Say whether it does its work: the desk and the scribe do, and with a shift on, sound comes in."""
        ear = self._desk.ear
        return self._clock.is_alive() and self._desk.is_well() and (ear is None or ear.now().hears)

    def begin_shift(self, *, staff: str) -> None:
        """Open the microphone."""
        self._do(self._desk.begin_shift, staff=staff)

    def end_shift(self) -> None:
        """End the encounter, if one goes on, and close the microphone."""
        self._do(self._desk.end_shift)

    def start(self, *, customer: str | None) -> UUID:
        """Begin an encounter; consent is open. Return its id."""
        return self._do(self._desk.start, customer=customer)

    def answer(self, state: ConsentState, *, how: str, encounter: UUID) -> None:
        """Record the customer's answer (granted, declined, withdrawn)."""
        self._do(self._desk.answer, state, how=how, encounter=encounter)

    def listen_for_answer(self) -> None:
        """Recognise what is said in the next seconds, for the spoken answer and nothing else."""
        self._do(self._desk.listen_for_answer)

    def stop(self) -> None:
        """End the encounter."""
        self._do(self._desk.stop)

    def bind(self, encounter: UUID, *, customer: str) -> None:
        """Say who the customer of an encounter of today was."""
        self._do(self._desk.bind, encounter, customer=customer)

    def correct_role(self, utterance: UUID, *, role: Role) -> None:
        """Say who spoke an utterance of today."""
        self._do(self._desk.history.correct_role, utterance, role=role)

    def captions(self, encounter: UUID) -> tuple[CaptionView, ...]:
        """Return the utterances of an encounter of today."""
        return self._thread.submit(self._desk.history.captions, encounter).result()

    def find_customers(self, text: str, *, limit: int = 20) -> tuple[CustomerView, ...]:
        """Search the device's customer list by name, id, card number or the end of a phone number."""
        return self._customers.find(text, limit=limit)

    def enrol_voice(self, *, seconds: float) -> None:
        """Begin to learn the staff member's voice from the next seconds of speech; return at once."""
        self._do(self._desk.enrol_voice, seconds=seconds)

    def forget_voice(self) -> None:
        """Delete the staff member's voiceprint."""
        self._do(self._desk.forget_voice)

    def set_sides(self, *, staff_deg: float | None, customer_deg: float | None) -> None:
        """Say on which side of an array staff and customer stand; None when unknown."""
        if self._parts.sides is None:
            raise AgentError("the microphone does not tell directions", code="no_array")
        self._parts.sides.set(staff_deg=staff_deg, customer_deg=customer_deg)
        self._board.change()

    def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have the desk do something, and everybody see what became of it."""

        def done() -> T:
            try:
                return work(*args, **kwargs)
            finally:
                self._desk.look()

        try:
            return self._thread.submit(done).result()
        finally:
            self._board.change()

    def _take_back(self, conversations: Sequence[UUID]) -> None:
        ends = AgentError("the program ends", advice="It is asked for again at the next start.")
        try:
            taking = self._thread.submit(self._desk.take_back, conversations)
        except RuntimeError as error:
            # The executor's word for being shut down, as below.
            raise ends from error
        try:
            taking.result()
        except CancelledError as error:
            raise ends from error
        finally:
            self._board.change()

    def _later(self, work: Callable[[], object]) -> None:
        try:
            self._thread.submit(self._done, work)
        except RuntimeError:
            # The executor's word for being shut down: the program ends, and nobody looks any more.
            _log.debug("desk_closed")

    def _close_desk(self, *, wait_s: float) -> None:
        # Of the desk's thread, like all that asks for it: what comes behind the desk's close finds it over.
        self._is_over = True
        self._desk.close(wait_s=wait_s)

    def _done(self, work: Callable[[], object]) -> None:
        if self._is_over:
            # What others left word of while the desk closed was about what to show; its outbox is closed now.
            return
        try:
            work()
        except VoicetrailError as error:
            # Nobody waits for it, so nobody can be told but by the screen; what it was about is tried again by time.
            _log.warning("desk_failed", code=error.code)
        self._board.change()

    def _keep_time(self) -> None:
        while not self._closing.wait(_TICK_S):
            self._thread.submit(self._done, self._desk.tick).result()

    def _sides(self) -> SidesView | None:
        sides = self._parts.sides
        return None if sides is None else SidesView(staff_deg=sides.staff_deg, customer_deg=sides.customer_deg)

    def _microphone(self, seen: Seen, ear: Ear | None) -> MicrophoneView:
        address = self._parts.microphone
        if ear is None:
            return MicrophoneView(address=address, name=address, hearing=False)
        now = ear.now()
        trouble, advice = now.trouble, now.advice
        if not trouble and seen.trouble is not None:
            trouble, advice = seen.trouble.code, seen.trouble.advice
        if not trouble and seen.sound_trouble is not None:
            trouble, advice = seen.sound_trouble.code, seen.sound_trouble.advice
        return MicrophoneView(
            address=address,
            name=now.name,
            hearing=now.hears,
            trouble=trouble,
            advice=advice,
            level_dbfs=now.level_dbfs,
            battery_percent=seen.battery_percent,
            encrypted=seen.encrypted,
        )
