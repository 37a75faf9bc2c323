"""From a whole conversation to labels, events and visits: pure, given what the models say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Protocol
from uuid import UUID

from models.analysis import Analysis, ExperienceEvent
from models.ids import derived_id
from models.journey import JourneyMap, TouchpointVisit
from models.noun import Moment, Name, Noun
from nlp.events.derive import EventDraft, Spoken, derive
from nlp.events.rules import EventRules
from nlp.journeys.attach import Journey, Placement
from nlp.understanding import Turn
from server.conversations.repository import SpanView, UtteranceView, seconds_of
from server.journeys.sites import map_for_site


class Understands(Protocol):
    """What the worker needs of `nlp.understanding.Understanding`."""

    @property
    def model(self) -> str:
        """Name and version of the models."""

    def analyse(self, turns: Sequence[Turn]) -> list[Analysis]:
        """Label the utterances of one conversation, whole and in order."""


class Facts(Noun):
    """What is known of a conversation besides its words."""

    tenant: Name
    id: UUID
    site: Name
    staff: Name
    channel: Name
    customer: Name | None
    started_at: Moment


@dataclass(frozen=True)
class Work:
    """One conversation as it lay in the database when it was claimed."""

    facts: Facts
    utterances: tuple[UtteranceView, ...]
    """In spoken order, quarantined ones included."""
    spans: tuple[SpanView, ...]
    maps: Mapping[str, JourneyMap]
    """All maps of the tenant by name."""


@dataclass(frozen=True)
class Understood:
    """What came of it."""

    analyses: tuple[Analysis, ...]
    events: tuple[ExperienceEvent, ...]
    """In the order they happened, without a sequence yet."""
    visits: tuple[TouchpointVisit, ...]


def understand(
    work: Work, *, understanding: Understands, rules: EventRules, default_map: str, zone: tzinfo, now: datetime
) -> Understood:
    """Analyse a conversation, derive its events and place them.

    What is promised is due by the clock of `zone`. Doing it again with the same words, models, rules and map gives the
    same events under the same ids.
    """
    heard = [one for one in work.utterances if one.quarantined is None]
    analyses = understanding.analyse([Turn(one.id, one.role, one.start_ms, one.end_ms, one.text) for one in heard])
    by_id = {analysis.utterance_id: analysis for analysis in analyses}
    spoken = [
        Spoken(
            id=one.id,
            start_ms=one.start_ms,
            end_ms=one.end_ms,
            text=one.text,
            role=one.role,
            quarantined=one.quarantined is not None,
            analysis=by_id.get(one.id),
        )
        for one in work.utterances
    ]
    chosen = map_for_site(work.maps, site=work.facts.site, default=default_map)
    journey = Journey(spoken, journey=chosen, channel=work.facts.channel)
    began = work.facts.started_at.astimezone(zone)
    placed = [(draft, journey.place_event(draft)) for draft in derive(spoken, rules=rules, at=began)]
    stamp = _Stamp(work.facts, chosen, model=understanding.model, rules=rules.version, now=now)
    events = {id(draft): stamp.event(draft, placement) for draft, placement in placed}
    coverage = seconds_of(work.spans).share
    visits = tuple(
        TouchpointVisit(
            tenant=work.facts.tenant,
            customer=work.facts.customer,
            conversation_id=work.facts.id,
            journey_map=chosen.name,
            journey_map_version=chosen.version,
            touchpoint=visit.touchpoint.code,
            occurred_at=stamp.moment(visit.start_ms),
            score=visit.score,
            n=visit.n,
            coverage=coverage,
            event_ids=tuple(events[id(draft)].id for draft in visit.events),
        )
        for visit in journey.visits(placed)
    )
    return Understood(tuple(analyses), tuple(events.values()), visits)


class _Stamp:
    """Turns drafts of one conversation into events."""

    def __init__(self, facts: Facts, journey: JourneyMap, *, model: str, rules: str, now: datetime) -> None:
        self._facts = facts
        self._journey = journey
        self._model = model
        self._rules = rules
        self._now = now

    def moment(self, start_ms: int) -> datetime:
        return self._facts.started_at + timedelta(milliseconds=start_ms)

    def event(self, draft: EventDraft, placement: Placement) -> ExperienceEvent:
        """Make the event; its id stands for all it says, but for times and probability."""
        facts, touchpoint = self._facts, placement.touchpoint
        identity = derived_id(
            facts.tenant,
            facts.id,
            draft.kind,
            ",".join(sorted(str(one) for one in draft.utterance_ids)),
            self._model,
            self._rules,
            facts.customer,
            (self._journey.name, self._journey.version, touchpoint.code, touchpoint.mot),
            (facts.site, facts.staff, facts.channel),
            (draft.quote, draft.aspect, draft.sentiment, draft.severity),
        )
        return ExperienceEvent(
            id=identity,
            tenant=facts.tenant,
            kind=draft.kind,
            customer=facts.customer,
            conversation_id=facts.id,
            utterance_ids=draft.utterance_ids,
            quote=draft.quote,
            aspect=draft.aspect,
            sentiment=draft.sentiment,
            severity=draft.severity,
            probability=draft.probability,
            journey_map=self._journey.name,
            journey_map_version=self._journey.version,
            stage=touchpoint.stage,
            touchpoint=touchpoint.code,
            mot=touchpoint.mot,
            site=facts.site,
            staff=facts.staff,
            channel=facts.channel,
            occurred_at=self.moment(draft.start_ms),
            recorded_at=self._now,
            model=self._model,
            rules=self._rules,
        )
