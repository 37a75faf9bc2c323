"""What the console sees of the agent and asks of it."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from models.labels import ConsentState, Role
from models.noun import Moment, Noun


class Phase(StrEnum):
    """Where a shift stands."""

    OFF = "off"
    """No shift: the microphone is closed."""
    READY = "ready"
    """A shift without an encounter: sound is metered and thrown away, its time is withheld (no_encounter)."""
    ASKING = "asking"
    """An encounter whose customer has not answered: nothing is recognised, its time is withheld (consent_pending)."""
    HEARING = "hearing"
    WITHHOLDING = "withholding"
    """The customer declined or withdrew: nothing is recognised until the encounter ends."""


class CustomerView(Noun):
    """A customer as the list of the device knows them; `name` is empty for one that is not on it."""

    ref: str
    name: str = ""
    phone_tail: str = ""


class CaptionView(Noun):
    """An utterance on the screen."""

    id: UUID
    start_ms: int
    role: Role
    role_confidence: float
    text: str
    provisional: bool = False
    """A first text; a better one with the same id replaces it."""
    quarantined: bool = False


class EncounterView(Noun):
    """The encounter that goes on, or one of today's."""

    id: UUID
    customer: CustomerView | None
    consent: ConsentState | None
    started_at: Moment
    ended_at: Moment | None = None
    utterances: int = 0
    captions: tuple[CaptionView, ...] = ()
    """The latest, at most 200; empty in a list of encounters."""


class MicrophoneView(Noun):
    """The microphone as it is now."""

    address: str
    """As in `voicetrail-edge devices`."""
    name: str
    hearing: bool
    """Frames come: the last one came within 1.5 s."""
    trouble: str = ""
    """Code of what is wrong; empty when it hears."""
    advice: str = ""
    level_dbfs: float | None = None
    """Root mean square of the last frame, dB below full scale."""
    battery_percent: int | None = None
    encrypted: bool = True
    """False for a radio link that anybody near can listen to."""


class BacklogView(Noun):
    """What is not delivered yet."""

    pending: int
    dead: int
    oldest_age_s: float | None = None
    trouble: str = ""
    """Code of the last failure; empty while delivery goes well."""


class CoverageView(Noun):
    """What became of today's time on this device, seconds."""

    heard_s: float = 0
    silent_s: float = 0
    withheld_s: float = 0
    lost_s: float = 0


class SidesView(Noun):
    """Where staff and customer stand, degrees counter-clockwise from the array's zero; None while unknown."""

    staff_deg: float | None = None
    customer_deg: float | None = None


class Snapshot(Noun):
    """Everything that the console shows, as of one moment."""

    revision: int
    """Grows with every change."""
    phase: Phase
    staff: str
    site: str
    channel: str
    microphone: MicrophoneView
    encounter: EncounterView | None
    today: tuple[EncounterView, ...]
    """Today's encounters, the latest first."""
    backlog: BacklogView
    coverage: CoverageView
    voice_enrolled: bool = False
    voice_progress: float | None = None
    """Share 0…1 of the speech that a voiceprint needs, while one is learnt; otherwise None."""
    sides: SidesView | None = None
    """None when the microphone is no array."""
    spoken_consent_until: Moment | None = None
    """While the answer to the question may be spoken."""
    spoken_consent_unclear: bool = False
    """What was said was neither yes nor no: the question is still open."""


class Agent(Protocol):
    """The running agent; every method may be called from any thread.

    Methods raise VoicetrailError (`agent_phase` when the phase does not allow it) and change nothing then.
    """

    def snapshot(self) -> Snapshot:
        """Return how it stands."""

    def wait_for_change(self, revision: int, *, timeout_s: float) -> Snapshot:
        """Return how it stands as soon as that is newer than a revision, or after the timeout."""

    def begin_shift(self, *, staff: str) -> None:
        """Open the microphone."""

    def end_shift(self) -> None:
        """End the encounter, if one goes on, and close the microphone."""

    def start(self, *, customer: str | None) -> UUID:
        """Begin an encounter; consent is open. Return its id."""

    def answer(self, state: ConsentState, *, how: str, encounter: UUID) -> None:
        """Record the customer's answer (granted, declined, withdrawn); how: button, qr.

        An answer to an encounter that no longer goes on is refused (`agent_phase`), never taken for the next one.
        """

    def listen_for_answer(self) -> None:
        """Recognise what is said in the next seconds, for the spoken answer and nothing else."""

    def stop(self) -> None:
        """End the encounter."""

    def bind(self, encounter: UUID, *, customer: str) -> None:
        """Say who the customer of an encounter of today was."""

    def correct_role(self, utterance: UUID, *, role: Role) -> None:
        """Say who spoke an utterance of today."""

    def captions(self, encounter: UUID) -> tuple[CaptionView, ...]:
        """Return the utterances of an encounter of today."""

    def find_customers(self, text: str, *, limit: int = 20) -> tuple[CustomerView, ...]:
        """Search the device's customer list by name, id, card number or the end of a phone number."""

    def enrol_voice(self, *, seconds: float) -> None:
        """Begin to learn the staff member's voice from the next seconds of speech (at least 12); return at once.

        `voice_progress` tells how far it is. The voiceprint never leaves the device.
        """

    def forget_voice(self) -> None:
        """Delete the staff member's voiceprint."""

    def set_sides(self, *, staff_deg: float | None, customer_deg: float | None) -> None:
        """Say on which side of an array staff and customer stand; None when unknown."""
