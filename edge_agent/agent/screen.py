"""What people are shown: replaced as a whole by the desk, read by any thread."""

from dataclasses import replace
from datetime import datetime

from edge_agent.agent import today
from edge_agent.agent.first_texts import FirstTexts
from edge_agent.agent.history import History
from edge_agent.agent.parts import Seen
from edge_agent.agent.port import BacklogView, EncounterView, Phase
from edge_agent.agent.shift import Place, Shift
from edge_agent.heard import FirstText
from edge_agent.recordings import Recording
from edge_agent.voiceprint import Voiceprints
from hardware.signals import Battery, Link, Signal, Trouble
from models.errors import VoicetrailError


class Screen:
    """Keeps `seen` as things stand; used by the desk's thread, but for `seen`."""

    def __init__(self, place: Place, *, history: History, voiceprints: Voiceprints, named: today.Named) -> None:
        """Show nothing yet.

        Args:
            place: shown while no shift goes on.
            history: what is known of today.
            voiceprints: of the staff.
            named: knows customers by their id.
        """
        self.seen = Seen(place=place)
        self._place = place
        self._history = history
        self._voiceprints = voiceprints
        self._named = named
        self._first_texts = FirstTexts()

    def show(self, shift: Shift | None, *, backlog: BacklogView) -> None:
        """Show how it stands.

        Args:
            shift: the one that goes on.
            backlog: what is not delivered yet.

        Raises:
            OutboxError: what is known of today cannot be read.
        """
        recordings = self._history.today()
        running = None if shift is None else shift.running
        dictation = None if running is None else running.dictation
        going_on = None if dictation is None else dictation.recording
        self._first_texts.sealed({} if going_on is None else {going_on.id: going_on.blocks})
        place = self._place if shift is None else shift.place
        self.seen = replace(
            self.seen,
            place=place,
            voice_enrolled=self._voiceprints.of(place.staff) is not None,
            phase=Phase.OFF if shift is None else shift.phase,
            encounter=self._encounter(shift),
            today=today.encounters(recordings, named=self._named),
            totals=today.coverage(recordings),
            withheld_from_ms=None if running is None or dictation is not None else running.began_ms,
            backlog=backlog,
        )

    def draft(self, first: FirstText, *, of: Recording) -> None:
        """Show a first text, once all is shown again, until its block is sealed or it is forgotten."""
        self._first_texts.put(first, conversation=of.id)

    def forget_drafts(self) -> None:
        """Show first texts no more: words were taken back."""
        self._first_texts.forget()

    def answer_awaited(self, until: datetime | None, *, unclear: bool = False) -> None:
        """Show until when an answer is listened for, and whether the last one was unclear."""
        self.seen = replace(self.seen, answer_until=until, answer_unclear=unclear)

    def voice_learnt(self, share: float | None) -> None:
        """Show how much of a voice is learnt; None while none is."""
        self.seen = replace(self.seen, voice_progress=share)

    def trouble(self, error: VoicetrailError | None) -> None:
        """Show what keeps text from being written; None when that is over."""
        self.seen = replace(self.seen, trouble=error)

    def signalled(self, signal: Signal) -> None:
        """Show what the microphone says of itself."""
        if isinstance(signal, Battery):
            self.seen = replace(self.seen, battery_percent=signal.percent)
        elif isinstance(signal, Link) and signal.encrypted is not None:
            self.seen = replace(self.seen, encrypted=signal.encrypted)
        elif isinstance(signal, Trouble):
            self.seen = replace(self.seen, sound_trouble=signal if signal.code else None)

    def _encounter(self, shift: Shift | None) -> EncounterView | None:
        if shift is None or shift.encounter is None:
            return None
        open_ = shift.encounter
        sealed = self._history.captions(open_.id) if open_.phase is Phase.HEARING else ()
        drafted = self._first_texts.of(open_.id) if open_.phase is Phase.HEARING else ()
        return EncounterView(
            id=open_.id,
            customer=None if open_.customer is None else self._named(open_.customer),
            consent=open_.consent,
            started_at=open_.started_at,
            utterances=len(sealed),
            captions=(*sealed, *drafted)[-today.CAPTIONS_SHOWN :],
        )
