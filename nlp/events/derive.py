"""Derives experience events from the analysed utterances of one conversation: a pure function over rules as data."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import Field

from models.analysis import Analysis
from models.labels import Aspect, EventKind, Role, Sentiment, StaffAct
from models.noun import Noun
from nlp.commitments.detect import find_promise
from nlp.events.clauses import Span, around, clauses, neighbourhood, quote
from nlp.events.rules import Cue, EventRules, KindRule

_CERTAIN_MOST = 0.99
# Feelings under 0.7 were wrong in every fifth turn of the written conversations.
_SURELY_FELT = 0.7
# An utterance repeated about the same matter weighs more: severity rises by one from this many on.
_REPEATED = 3


class Spoken(Noun):
    """One utterance as far as events need it, with its analysis if it has one."""

    id: UUID
    start_ms: int
    end_ms: int
    text: str
    """Redacted text."""
    role: Role
    """As the device gave it; when unknown, the analysis says it from the words."""
    quarantined: bool = False
    analysis: Analysis | None = None

    @property
    def speaker(self) -> Role:
        """Who speaks, as far as anyone knows."""
        if self.role is not Role.UNKNOWN or self.analysis is None:
            return self.role
        return self.analysis.role


class EventDraft(Noun):
    """An event before it is placed on a journey."""

    kind: EventKind
    utterance_ids: tuple[UUID, ...] = Field(min_length=1)
    """In spoken order."""
    quote: str
    """Exact substring of the text of the first utterance."""
    aspect: Aspect | None
    sentiment: Sentiment
    severity: int
    probability: float
    start_ms: int
    """When its first utterance starts, in milliseconds since the conversation did."""


class _Sign(NamedTuple):
    """One utterance that speaks for one kind of event."""

    position: int
    spoken: Spoken
    rule: KindRule
    probability: float
    severity: int
    aspect: Aspect | None
    span: Span


class _Match(NamedTuple):
    cue: Cue
    span: Span


def spoken_order(conversation: Iterable[Spoken]) -> list[Spoken]:
    """Return utterances by start, end and id, whatever order they came in."""
    return sorted(conversation, key=lambda one: (one.start_ms, one.end_ms, one.id))


def derive(conversation: Iterable[Spoken], *, rules: EventRules, at: datetime) -> list[EventDraft]:
    """Return the events of one conversation, in the order they happened.

    Quarantined utterances, utterances without an analysis and those of the wrong speaker raise nothing.

    Args:
        conversation: its utterances, in any order.
        rules: what makes an event.
        at: when it began, in the time zone of the place: 明天 and 下班前 count from there.
    """
    ordered = spoken_order(conversation)
    drafts = []
    for rule in rules.kinds:
        signs = [sign for position, spoken in enumerate(ordered) if (sign := _sign(position, spoken, rule, at))]
        drafts += [_draft(group) for group in _grouped(signs)]
    return sorted(drafts, key=lambda draft: (draft.start_ms, draft.utterance_ids, draft.kind))


def _sign(position: int, spoken: Spoken, rule: KindRule, at: datetime) -> _Sign | None:
    """Weigh one utterance for one kind."""
    analysis = spoken.analysis
    if spoken.quarantined or analysis is None or spoken.speaker is not rule.speaker:
        return None
    if rule.kind is EventKind.PROMISE:
        return _promise(position, spoken, analysis, rule, at + timedelta(milliseconds=spoken.start_ms))
    matches = _matches(spoken.text, rule)
    labels = {label.name: label.probability for label in (*analysis.intents, *analysis.acts)}
    if not matches:
        return _unworded(position, spoken, analysis, rule, labels)
    doubt = 1.0
    for name, weight in rule.labels.items():
        doubt *= 1 - weight * labels.get(name, 0.0)
    for match in matches:
        doubt *= 1 - match.cue.weight
    factor = 1.0 if analysis.sentiment_uncertain else rule.feelings.get(analysis.sentiment, 1.0)
    probability = min(_CERTAIN_MOST, (1 - doubt) * factor)
    if probability < rule.threshold:
        return None
    best = max(matches, key=lambda match: (match.cue.weight, -match.span.start))
    return _Sign(
        position=position,
        spoken=spoken,
        rule=rule,
        probability=probability,
        severity=max(match.cue.severity for match in matches),
        aspect=best.cue.aspect or _surest_aspect(analysis),
        span=best.span,
    )


def _promise(position: int, spoken: Spoken, analysis: Analysis, rule: KindRule, at: datetime) -> _Sign | None:
    """A promise is what `nlp.commitments` finds: the event and the commitment are of the same words."""
    promise = find_promise(spoken.text, at=at, labelled=analysis.act_probability(StaffAct.PROMISE))
    if promise is None or promise.probability < rule.threshold:
        return None
    return _Sign(
        position=position,
        spoken=spoken,
        rule=rule,
        probability=min(_CERTAIN_MOST, promise.probability),
        severity=1,
        aspect=None,
        span=Span(promise.start, promise.end),
    )


def _unworded(
    position: int, spoken: Spoken, analysis: Analysis, rule: KindRule, labels: Mapping[str, float]
) -> _Sign | None:
    """Weigh an utterance without a cue: a sure label may speak for itself, if the feeling is there."""
    sure = [labels[name] for name, least in rule.alone.items() if labels.get(name, 0.0) >= least]
    felt = rule.alone_feeling is None or (
        not analysis.sentiment_uncertain
        and analysis.sentiment is rule.alone_feeling
        and analysis.sentiment_probability >= _SURELY_FELT
    )
    told = clauses(spoken.text)
    if not sure or not felt or not told or (rule.veto and rule.veto.search(spoken.text)):
        return None
    return _Sign(
        position=position,
        spoken=spoken,
        rule=rule,
        probability=min(_CERTAIN_MOST, max(sure)),
        severity=1,
        aspect=_surest_aspect(analysis),
        # No words to point at: the longest clause says most.
        span=max(told, key=lambda clause: clause.end - clause.start),
    )


def _matches(text: str, rule: KindRule) -> list[_Match]:
    """Return the first place of each cue that no veto silences."""
    found = []
    for cue in rule.cues:
        for hit in cue.regex.finditer(text):
            span = _joined(text, Span(*hit.span()), cue)
            if span is not None and not _vetoed(text, span, rule):
                found.append(_Match(cue, span))
                break
    return found


def _joined(text: str, span: Span, cue: Cue) -> Span | None:
    """Widen a hit to the second expression that its cue needs nearby; None when that is missing."""
    if not cue.near:
        return span
    area = neighbourhood(text, span)
    inner = around(text, span)
    # The same clause first: a quote should be no longer than it must.
    for within in (inner, area):
        near = cue.near_regex.search(text, within.start, within.end)
        if near:
            return Span(min(span.start, near.start()), max(span.end, near.end()))
    return None


def _vetoed(text: str, span: Span, rule: KindRule) -> bool:
    if rule.veto is None:
        return False
    touched = around(text, span)
    inside = [clause for clause in clauses(text) if touched.start <= clause.start and clause.end <= touched.end]
    # The mark that ends a clause says whether it is a question.
    return any(rule.veto.search(text[clause.start : clause.end]) for clause in inside) or bool(
        rule.veto.search(text[touched.start : touched.end + 1])
    )


def _surest_aspect(analysis: Analysis) -> Aspect | None:
    surest = max(analysis.aspects, key=lambda label: (label.probability, label.name), default=None)
    return None if surest is None else Aspect(surest.name)


def _grouped(signs: Sequence[_Sign]) -> list[list[_Sign]]:
    """Join neighbouring signs about the same matter."""
    groups: list[list[_Sign]] = []
    for sign in signs:
        fitting = [group for group in groups if _same_matter(group, sign)]
        if fitting:
            fitting[-1].append(sign)
        else:
            groups.append([sign])
    return groups


def _same_matter(group: list[_Sign], sign: _Sign) -> bool:
    if sign.position - group[-1].position > sign.rule.merge_turns:
        return False
    known = {sign.rule.matter(member.aspect) for member in group if member.aspect is not None}
    return sign.aspect is None or not known or sign.rule.matter(sign.aspect) in known


def _draft(group: list[_Sign]) -> EventDraft:
    first = group[0]
    surest = max(group, key=lambda sign: sign.probability)
    severity = max(sign.severity for sign in group) + (1 if len(group) >= _REPEATED else 0)
    aspects = [sign.aspect for sign in group if sign.aspect is not None]
    analysis = first.spoken.analysis
    return EventDraft(
        kind=first.rule.kind,
        utterance_ids=tuple(sign.spoken.id for sign in group),
        quote=quote(first.spoken.text, first.span),
        aspect=aspects[0] if aspects else None,
        sentiment=Sentiment.NEUTRAL if analysis is None or analysis.sentiment_uncertain else analysis.sentiment,
        severity=min(severity, 3),
        probability=round(surest.probability, 4),
        start_ms=first.spoken.start_ms,
    )
