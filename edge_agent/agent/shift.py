"""One shift: its encounters, and what is written down of each second of it.

Invariants:
- One recording goes on at any time: a stretch that is withheld, or a conversation. The next begins where it ends, by
  one reading of the clock, so that no second of the shift is without account.
- A stretch ends and the next recording begins in one transaction, so that a kill finds one of them open, whose last
  noted moment says from when on time is lost; see `History.close_interrupted`.
- Sound is tapped for a conversation with consent, for the answer to the question, and of staff who have their voice
  learnt while no customer is there; for nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from edge_agent.agent.dictation import Dictation
from edge_agent.agent.ear import Ear
from edge_agent.agent.encounter import OpenEncounter
from edge_agent.agent.failure import AgentError
from edge_agent.agent.port import Phase
from edge_agent.agent.scribe import Scribe
from edge_agent.agent.tap import Tap
from edge_agent.clock import Reading
from edge_agent.recorder import Ended, Recorder
from edge_agent.recording import CONSENT_DECLINED, CONSENT_PENDING, NO_ENCOUNTER, Encounter
from edge_agent.recordings import Recording, Stretch, refused, withdrawn
from hardware.intake import LIVE_BUFFER_MS
from models.errors import OutboxError
from models.ids import new_id
from models.labels import ConsentState

ALIVE_EVERY_MS: Final = 2_000
"""How often a running shift notes that it still runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who works where."""

    staff: str
    site: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What is open in the outbox, and since when by the monotonic clock."""

    recording: Recording
    began_ms: int
    ended_ms: int | None = None
    dictation: Dictation | None = None
    """Of a conversation that is heard."""

    def lasted_ms(self, now: Reading) -> int:
        """Return how long it went on."""
        # It may begin a little later than it was asked for: where the sound before it ends.
        return max(0, (now.monotonic_ms if self.ended_ms is None else self.ended_ms) - self.began_ms)


class Shift:
    """A shift from its start; used by one thread."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        scribe: Scribe,
        ear: Ear,
        place: Place,
        note_alive: Callable[[UUID, int], None],
        keep_withdrawn: Callable[[Recording], None],
        now: Reading,
        before: Ended | None = None,
    ) -> None:
        """Begin, without an encounter.

        Args:
            recorder: of the calling thread.
            scribe: recognises conversations.
            ear: reads the microphone.
            place: who works where.
            note_alive: keeps how long a recording goes on already, milliseconds, for the case of a kill.
            keep_withdrawn: erases a conversation whose withdrawal the server knows of.
            now: when it begins.
            before: what ends then: the time for which its program was away.

        Raises:
            OutboxError: it could not be stored; then it did not begin.
        """
        self._recorder = recorder
        self._scribe = scribe
        self._ear = ear
        self._note_alive = note_alive
        self._keep_withdrawn = keep_withdrawn
        self.place = place
        self.encounter: OpenEncounter | None = None
        self._leaving: list[Running] = []
        self._closings: list[Callable[[], object]] = []
        self._running: Running | None = None
        self._aside: Tap | None = None
        self._noted_ms = now.monotonic_ms
        self._turn(NO_ENCOUNTER, now, ended=before)

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        if self._running is None:
            return Phase.OFF
        return Phase.READY if self.encounter is None else self.encounter.phase

    @property
    def running(self) -> Running | None:
        """What goes on; None when the shift is over."""
        return self._running

    @property
    def is_settled(self) -> bool:
        """All of it is written down."""
        return self._running is None and not self._leaving and not self._closings

    def start(self, *, customer: str | None, now: Reading) -> UUID:
        """Begin an encounter; return its id.

        Raises:
            AgentError: another one goes on.
            OutboxError: it could not be stored; then it did not begin.
        """
        self._require(Phase.READY)
        encounter = OpenEncounter(id=new_id(), customer=customer, started_at=now.moment)
        self._store()
        self._turn(CONSENT_PENDING, now, ended=self._ended(now), encounter=encounter.id)
        self.stop_listening()
        self.encounter = encounter
        return encounter.id

    def answer(self, state: ConsentState, *, how: str, encounter: UUID, now: Reading) -> None:
        """Do what the customer answered.

        Raises:
            AgentError: that encounter does not go on, or the answer cannot follow the one before.
            OutboxError: a yes could not be stored; then nothing is recognised. A no always counts, and is stored later.
        """
        current = self.current(encounter)
        answered = current.answered(state)
        if state is ConsentState.GRANTED:
            self._hear(answered, how=how, now=now)
        elif state is ConsentState.DECLINED:
            self._decline()
        else:
            self._withdraw(how=how, now=now)
        self.stop_listening()
        self.encounter = answered

    def take_back(self, conversation: UUID, *, now: Reading) -> bool:
        """Stop hearing a conversation whose customer withdrew elsewhere, and erase it; False when it is not heard.

        Raises:
            OutboxError: it could not be stored yet; nothing more of it is written down.
        """
        running = self._running
        if running is not None and running.dictation is not None and running.recording.id == conversation:
            self._give_up(self._keep_withdrawn)
            self.encounter = self.encounter and self.encounter.answered(ConsentState.WITHDRAWN)
            self._store()
            return True
        for left in self._leaving:
            if left.dictation is not None and left.recording.id == conversation and not left.dictation.is_over:
                changed = withdrawn(left.dictation.give_up())
                self._closings.insert(0, partial(self._keep_withdrawn, changed))
                if not changed.complete:
                    over = Ended(recording=changed, duration_ms=left.lasted_ms(now))
                    self._closings.append(partial(self._recorder.end, over))
                self._store()
                return True
        return False

    def current(self, encounter: UUID) -> OpenEncounter:
        """Return the encounter that goes on.

        Raises:
            AgentError: it is another one, or none.
        """
        if self.encounter is None or self.encounter.id != encounter:
            raise AgentError("that encounter is over", advice="Begin a new one.")
        return self.encounter

    def listen(self, *, for_ms: int, now: Reading) -> tuple[UUID, Tap]:
        """Tap the microphone for the answer to the open question; return whose it is, and the tap.

        Raises:
            AgentError: no question is open.
        """
        encounter = self.asked()
        if encounter is None:
            raise AgentError("no question is open", advice="Begin an encounter first.")
        return encounter, self._listen(for_ms=for_ms, now=now)

    def listen_to_staff(self, *, for_ms: int, now: Reading) -> Tap:
        """Tap the microphone while no customer is there.

        Raises:
            AgentError: one is.
        """
        self._require(Phase.READY)
        return self._listen(for_ms=for_ms, now=now)

    def _listen(self, *, for_ms: int, now: Reading) -> Tap:
        self.stop_listening()
        self._aside = self._ear.tap(from_ms=now.monotonic_ms, capacity_ms=LIVE_BUFFER_MS)
        self._aside.end(now.monotonic_ms + for_ms)
        return self._aside

    def asked(self) -> UUID | None:
        """Return the encounter whose question is open; None when none is."""
        return self.encounter.id if self.encounter is not None and self.phase is Phase.ASKING else None

    def stop_listening(self) -> None:
        """Throw away what was tapped for an answer, or of staff."""
        if self._aside is not None:
            self._aside.abandon()
            self._aside = None

    def bind(self, customer: str) -> None:
        """Keep who the customer of the encounter is that goes on."""
        if self.encounter is not None:
            self.encounter = self.encounter.bound(customer)

    def stop(self, *, now: Reading) -> None:
        """End the encounter; the shift goes on, also when the outbox takes nothing.

        Raises:
            AgentError: there is none.
        """
        if self.encounter is None:
            raise AgentError("there is no encounter", advice="Begin one first.")
        ended = self._ended(now)
        left = now if ended is not None else self._leave(now)
        following = self._stretch(NO_ENCOUNTER, left)
        self._closings.append(partial(self._recorder.open_stretch, following, ended=ended))
        self._running = Running(recording=following, began_ms=left.monotonic_ms)
        self._try_to_store()
        self.stop_listening()
        self.encounter = None

    def end(self, *, now: Reading) -> None:
        """End the shift; what could not be stored yet is tried again by `tick`."""
        self.stop_listening()
        self.encounter = None
        ended = self._ended(now)
        if ended is None:
            self._leave(now)
        else:
            self._closings.append(partial(self._recorder.end, ended))
        self._running = None
        self._try_to_store()

    def tick(self, *, now: Reading) -> None:
        """Do what time asks for: store what could not be stored before, and note that it all still runs.

        Raises:
            OutboxError: the outbox takes nothing.
        """
        self._store()
        self._leaving = [one for one in self._leaving if one.dictation is None or not one.dictation.is_over]
        if now.monotonic_ms - self._noted_ms < ALIVE_EVERY_MS:
            return
        self._noted_ms = now.monotonic_ms
        for running in [*self._leaving, *([self._running] if self._running else [])]:
            self._note_alive(running.recording.id, running.lasted_ms(now))

    def _turn(self, reason: str, now: Reading, *, ended: Ended | None, encounter: UUID | None = None) -> None:
        """Begin a stretch where something ended; when it cannot be stored, that goes on."""
        recording = self._stretch(reason, now, encounter=encounter)
        self._recorder.open_stretch(recording, ended=ended)
        self._running = Running(recording=recording, began_ms=now.monotonic_ms)

    def _stretch(self, reason: str, now: Reading, *, encounter: UUID | None = None) -> Recording:
        stretch = Stretch(
            site=self.place.site,
            staff=self.place.staff,
            channel=self.place.channel,
            reason=reason,
            started_at=now.moment,
            encounter=encounter,
        )
        return self._recorder.stretch(stretch)

    def _hear(self, encounter: OpenEncounter, *, how: str, now: Reading) -> None:
        who = Encounter(
            site=self.place.site,
            staff=self.place.staff,
            channel=self.place.channel,
            customer=encounter.customer,
            consent=ConsentState.GRANTED,
        )
        self._store()
        recording = self._recorder.begin(
            who,
            fingerprint=None,
            live=True,
            started_at=now.moment,
            conversation_id=encounter.id,
            how=how,
            ended=self._ended(now),
        )
        waiting_ms = sum(one.dictation.tap.waiting_ms for one in self._leaving if one.dictation is not None)
        capacity_ms = max(0, LIVE_BUFFER_MS - waiting_ms)
        tap = self._ear.tap(from_ms=now.monotonic_ms, capacity_ms=capacity_ms, late_too=True)
        dictation = Dictation(recording, tap)
        self._running = Running(recording=recording, began_ms=now.monotonic_ms, dictation=dictation)
        self._scribe.write(dictation)

    def _decline(self) -> None:
        if self._running is not None:
            changed = refused(self._running.recording, reason=CONSENT_DECLINED)
            self._running = replace(self._running, recording=changed)
            self._closings.append(partial(self._recorder.change_stretch, changed))
            self._try_to_store()

    def _withdraw(self, *, how: str, now: Reading) -> None:
        self._give_up(partial(self._recorder.withdraw, how=how, at=now.moment))
        self._try_to_store()

    def _give_up(self, erase: Callable[[Recording], None]) -> None:
        """Hear no more of what goes on, and have it erased."""
        if self._running is not None and self._running.dictation is not None:
            changed = withdrawn(self._running.dictation.give_up())
            self._running = replace(self._running, recording=changed, dictation=None)
            # Before all that waits for room: words are erased even where nothing can be stored.
            self._closings.insert(0, partial(erase, changed))

    def _ended(self, now: Reading) -> Ended | None:
        """Say how long what goes on has lasted; None of what is heard, which its dictation ends."""
        running = self._running
        if running is None or running.dictation is not None:
            return None
        return Ended(recording=running.recording, duration_ms=running.lasted_ms(now))

    def _leave(self, now: Reading) -> Reading:
        """End what is heard, and return when it ends; the scribe closes it when all of it is written down."""
        left = self._running
        if left is None or left.dictation is None:
            return now
        ended = now.at(left.dictation.tap.end(now.monotonic_ms))
        self._leaving.append(replace(left, ended_ms=ended.monotonic_ms))
        # Killed before the rest of it is written down, it has lasted until here.
        self._closings.append(partial(self._note_alive, left.recording.id, left.lasted_ms(ended)))
        return ended

    def _try_to_store(self) -> None:
        try:
            self._store()
        except OutboxError:
            # What is left is tried again by `tick`, which says so.
            return

    def _store(self) -> None:
        while self._closings:
            self._closings[0]()
            del self._closings[0]

    def _require(self, phase: Phase) -> None:
        if self.phase is not phase:
            raise AgentError(f"this can be done while {phase.value}, not while {self.phase.value}")
