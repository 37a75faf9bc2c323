"""Journey maps and the visits that customers make to their touchpoints."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from models.labels import EventKind, Intent
from models.noun import Moment, Name, Noun


class Bilingual(Noun):
    """A name in Chinese and English."""

    zh: str
    en: str


class Stage(Noun):
    """A phase of the journey; touchpoints stand in it in their order."""

    code: Name
    name: Bilingual


class Touchpoint(Noun):
    """A place or moment where customer and business meet."""

    code: Name
    name: Bilingual
    stage: Name
    mot: bool = False
    """A moment of truth 关键时刻: it decides whether the customer stays."""


class PlacementRule(Noun):
    """Evidence that an event belongs to a touchpoint; the touchpoint with the most weight wins.

    Every condition that is given must hold; `words` holds when any of its words occurs nearby.
    """

    touchpoint: Name
    channels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    intents: tuple[Intent, ...] = ()
    kinds: tuple[EventKind, ...] = ()
    position: tuple[float, float] | None = None
    """Part of the conversation, 0 its start and 1 its end."""
    weight: float = Field(default=1.0, gt=0, le=100)


class JourneyMap(Noun):
    """Stages, touchpoints, which are moments of truth, and the rules that place an event."""

    name: Name
    version: int = Field(default=1, ge=1)
    title: Bilingual
    sites: tuple[str, ...] = ()
    """Glob patterns of the sites it holds for, such as bank-*."""
    stages: tuple[Stage, ...] = Field(min_length=1)
    touchpoints: tuple[Touchpoint, ...] = Field(min_length=1)
    rules: tuple[PlacementRule, ...] = ()
    default_touchpoint: Name

    @model_validator(mode="after")
    def _refers_to_what_it_declares(self) -> Self:
        stages = [stage.code for stage in self.stages]
        codes = [touchpoint.code for touchpoint in self.touchpoints]
        if len(set(stages)) != len(stages):
            raise ValueError("two stages have the same code")
        if len(set(codes)) != len(codes):
            raise ValueError("two touchpoints have the same code")
        for touchpoint in self.touchpoints:
            if touchpoint.stage not in stages:
                raise ValueError(f"touchpoint {touchpoint.code} stands in no declared stage: {touchpoint.stage}")
        for rule in self.rules:
            if rule.touchpoint not in codes:
                raise ValueError(f"a rule places into an undeclared touchpoint: {rule.touchpoint}")
        if self.default_touchpoint not in codes:
            raise ValueError(f"default_touchpoint is not declared: {self.default_touchpoint}")
        return self

    def touchpoint(self, code: str) -> Touchpoint:
        """Return the touchpoint of that code.

        Raises:
            KeyError: the map has none.
        """
        for touchpoint in self.touchpoints:
            if touchpoint.code == code:
                return touchpoint
        raise KeyError(code)


class TouchpointVisit(Noun):
    """One customer at one touchpoint in one conversation, with its score."""

    tenant: Name
    customer: Name | None
    conversation_id: UUID
    journey_map: Name
    journey_map_version: int
    touchpoint: Name
    occurred_at: Moment
    score: float | None = Field(default=None, ge=-2, le=2)
    """Mean feeling −2…+2 of the customer's utterances there; None when none was certain."""
    n: int = Field(ge=0)
    """Utterances that the score stands on."""
    coverage: float | None = Field(default=None, ge=0, le=1)
    """Share of the conversation's time that was heard or silent, not lost or withheld."""
    event_ids: tuple[UUID, ...] = ()
