"""What an agent is made of, and what its desk last saw."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from edge_agent.agent.port import BacklogView, EncounterView, Phase
from edge_agent.agent.shift import Place
from edge_agent.clock import Reading, read_clock
from edge_agent.device import Device
from edge_agent.recordings import Totals
from edge_agent.sides import Sides
from hardware.audio import AudioSource
from hardware.signals import OnSignal, Trouble
from models.errors import VoicetrailError

if TYPE_CHECKING:
    from edge_agent.answer_scoring import AnswerScoring
    from edge_agent.hearing import Hearing

Later = Callable[[Callable[[], object]], None]
"""Has the desk do something when it comes to it; from any thread, without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """What an agent is made of."""

    device: Device
    place: Place
    """Staff, site and channel of the shifts; another member of staff can begin one."""
    microphone: str
    """Its address."""
    open_source: Callable[[OnSignal], AudioSource]
    """Gives the microphone, not yet opened; called for each shift."""
    hearing: "Callable[[], Hearing]"
    """Loads the recogniser; called after a customer consented or was asked to answer aloud."""
    scoring: "Callable[[], AnswerScoring]"
    """Prepares the same recogniser for spoken answers; called after `hearing`."""
    clock: Callable[[], Reading] = read_clock
    sides: Sides | None = None
    """Where people are about the microphone; None when it is no array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the desk last made of it; replaced as a whole, so that any thread may read it."""

    place: Place
    phase: Phase = Phase.OFF
    encounter: EncounterView | None = None
    today: tuple[EncounterView, ...] = ()
    totals: Totals = field(default_factory=Totals)
    """Of today, as far as it is sealed."""
    withheld_from_ms: int | None = None
    """Since when the stretch that goes on is withheld, by the monotonic clock."""
    backlog: BacklogView = field(default_factory=lambda: BacklogView(pending=0, dead=0))
    battery_percent: int | None = None
    encrypted: bool = True
    """As the microphone's last link was."""
    voice_enrolled: bool = False
    voice_progress: float | None = None
    answer_until: datetime | None = None
    answer_unclear: bool = False
    sound_trouble: Trouble | None = None
    """What the microphone says of its sound."""
    trouble: VoicetrailError | None = None
    """What keeps text from being written."""
