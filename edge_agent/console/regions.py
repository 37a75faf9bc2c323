"""The parts of a page that follow the agent: what each shows of a snapshot.

A part is rendered anew when what it shows has changed, so nothing in it may change all the time: ages are rounded,
the level is told apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from edge_agent.agent.port import (
    BacklogView,
    CoverageView,
    EncounterView,
    MicrophoneView,
    Phase,
    SidesView,
    Snapshot,
)
from edge_agent.console.moods import Mood, mood_of
from models.labels import ConsentState
from models.noun import Moment, Noun

_AGE_STEP_S: Final = 60
_NO: Final = (ConsentState.DECLINED, ConsentState.WITHDRAWN)


class Status(Noun):
    """The line at the top."""

    mood: Mood
    microphone: str
    trouble: str
    advice: str
    battery_percent: int | None
    encrypted: bool
    pending: int
    undeliverable: int


class Controls(Noun):
    """What staff can do now."""

    phase: Phase
    staff: str
    encounter: EncounterView | None
    """Without its captions and without how many there are."""
    consent_url: str
    """Address for the customer's own phone; empty where there is none."""
    answer_until: Moment | None
    answer_unclear: bool


class Heard(Noun):
    """What stands where captions would, while there are none."""

    phase: Phase
    empty: bool


class Backlog(Noun):
    """What is not delivered yet."""

    pending: int
    dead: int
    oldest_age_s: int | None
    """Whole minutes."""
    trouble: str


class Today(Noun):
    """Today's encounters, and how many of them still have no customer."""

    encounters: tuple[EncounterView, ...]
    unbound: int
    running: UUID | None
    """The encounter that goes on; another one without an end is still being written down."""


class Voice(Noun):
    """The staff member's voiceprint."""

    enrolled: bool
    progress_percent: int | None
    """None while none is learnt."""
    phase: Phase


class Machine(Noun):
    """The microphone and where the device stands, for the page about the device."""

    microphone: MicrophoneView
    """Without its level."""
    name: str
    staff: str
    site: str
    channel: str
    off: bool


class Shares(Noun):
    """Today's time, whole seconds."""

    heard_s: int
    silent_s: int
    withheld_s: int
    lost_s: int

    @property
    def total_s(self) -> int:
        """All of it."""
        return self.heard_s + self.silent_s + self.withheld_s + self.lost_s

    @property
    def parts(self) -> tuple[tuple[str, int, float, float], ...]:
        """Name, seconds, and start and width in percent of each part of the bar."""
        total, at = max(self.total_s, 1), 0
        parts = []
        for name in ("heard", "silent", "withheld", "lost"):
            seconds = getattr(self, f"{name}_s")
            parts.append((name, seconds, round(100 * at / total, 2), round(100 * seconds / total, 2)))
            at += seconds
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Situation:
    """A snapshot together with what only the console knows."""

    snapshot: Snapshot
    consent_url: str


def _status(now: Situation) -> Status:
    microphone, backlog = now.snapshot.microphone, now.snapshot.backlog
    return Status(
        mood=mood_of(now.snapshot),
        microphone=microphone.name or microphone.address,
        trouble=microphone.trouble,
        advice=microphone.advice,
        battery_percent=microphone.battery_percent,
        encrypted=microphone.encrypted,
        pending=backlog.pending,
        undeliverable=backlog.dead,
    )


def _controls(now: Situation) -> Controls:
    encounter = now.snapshot.encounter
    return Controls(
        phase=now.snapshot.phase,
        staff=now.snapshot.staff,
        encounter=encounter and encounter.model_copy(update={"captions": (), "utterances": 0}),
        consent_url=now.consent_url,
        answer_until=now.snapshot.spoken_consent_until,
        answer_unclear=now.snapshot.spoken_consent_unclear,
    )


def _heard(now: Situation) -> Heard:
    encounter = now.snapshot.encounter
    return Heard(phase=now.snapshot.phase, empty=encounter is None or not encounter.captions)


def backlog_of(view: BacklogView) -> Backlog:
    """Round what changes all the time."""
    age_s = view.oldest_age_s
    return Backlog(
        pending=view.pending,
        dead=view.dead,
        oldest_age_s=None if age_s is None else int(age_s // _AGE_STEP_S) * _AGE_STEP_S,
        trouble=view.trouble,
    )


def shares_of(view: CoverageView) -> Shares:
    """Round to seconds."""
    return Shares(
        heard_s=round(view.heard_s),
        silent_s=round(view.silent_s),
        withheld_s=round(view.withheld_s),
        lost_s=round(view.lost_s),
    )


def _today(now: Situation) -> Today:
    today, encounter = now.snapshot.today, now.snapshot.encounter
    return Today(
        encounters=today,
        unbound=sum(1 for one in today if one.customer is None and one.consent not in _NO),
        running=encounter.id if encounter else None,
    )


def _voice(now: Situation) -> Voice:
    progress = now.snapshot.voice_progress
    return Voice(
        enrolled=now.snapshot.voice_enrolled,
        progress_percent=None if progress is None else round(progress * 100),
        phase=now.snapshot.phase,
    )


def _machine(now: Situation) -> Machine:
    snapshot = now.snapshot
    return Machine(
        microphone=snapshot.microphone.model_copy(update={"level_dbfs": None}),
        name=snapshot.microphone.name or snapshot.microphone.address,
        staff=snapshot.staff,
        site=snapshot.site,
        channel=snapshot.channel,
        off=snapshot.phase is Phase.OFF,
    )


def _sides(now: Situation) -> SidesView | None:
    return now.snapshot.sides


Shows = Callable[[Situation], object]

REGIONS: Final[Mapping[str, Shows]] = MappingProxyType(
    {
        "status": _status,
        "controls": _controls,
        "heard": _heard,
        "backlog": lambda now: backlog_of(now.snapshot.backlog),
        "coverage": lambda now: shares_of(now.snapshot.coverage),
        "today": _today,
        "voice": _voice,
        "machine": _machine,
        "sides": _sides,
    }
)
"""Each part by its name; `templates/regions/NAME.html` is given what it shows as `it`."""
