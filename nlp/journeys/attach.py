"""Places events and utterances on a journey map, and scores the visits: pure functions.

Placement. An event is where its first utterance is. Every rule of the map that holds there gives its weight to its
touchpoint. `words` are sought near the place (two utterances on either side, whoever spoke) at full weight, and in
the rest of the conversation at 0.3 of it. The default touchpoint has a weight of 0.5 to begin with, so that it wins
where nothing speaks. The heaviest touchpoint is taken, the earlier of the map when two are equal; its share of all
weight is its probability.

Score. A feeling counts on −2…+2: a neutral utterance 0; a negative or positive one −(2p) or +(2p), p its calibrated
probability, so that a sure one is ±2 and a doubtful one about ±1. A visit's score is the mean over the certain,
unquarantined utterances of the customer there, n their number; without one the score is unknown, not 0.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from models.journey import JourneyMap, PlacementRule, Touchpoint
from models.labels import EventKind, Role, Sentiment
from nlp.events.derive import EventDraft, Spoken, spoken_order

_NEAR_UTTERANCES = 2
_FAR_WEIGHT = 0.3
_DEFAULT_WEIGHT = 0.5


class Placement(NamedTuple):
    """Where something happened."""

    touchpoint: Touchpoint
    probability: float


class VisitDraft(NamedTuple):
    """What is known of one touchpoint in one conversation."""

    touchpoint: Touchpoint
    start_ms: int
    """When the conversation first touched it, in milliseconds since its start."""
    score: float | None
    n: int
    events: tuple[EventDraft, ...]


class _Scene(NamedTuple):
    """What the rules look at."""

    channel: str
    near: str
    far: str
    intents: frozenset[str]
    kind: EventKind | None
    position: float


class Journey:
    """One conversation on one map."""

    def __init__(self, conversation: Sequence[Spoken], *, journey: JourneyMap, channel: str) -> None:
        """Look at a conversation through a map.

        Args:
            conversation: all its utterances, in any order; quarantined ones say nothing.
            journey: the map of its site.
            channel: counter, advisor, sales, broker, home_service …
        """
        self._spoken = [one for one in spoken_order(conversation) if not one.quarantined]
        self._index = {one.id: position for position, one in enumerate(self._spoken)}
        self._map = journey
        self._channel = channel
        self._end_ms = max((one.end_ms for one in self._spoken), default=0)

    def place_event(self, draft: EventDraft) -> Placement:
        """Return where an event happened."""
        places = [self._index[draft.utterance_ids[0]]]
        return self._weighed(self._scene(places, kind=draft.kind))

    def visits(self, placed: Sequence[tuple[EventDraft, Placement]]) -> list[VisitDraft]:
        """Return the touchpoints that the events and the customer's utterances touched, in the map's order.

        An utterance that no word places stays where the conversation was before it.
        """
        start_ms: dict[str, int] = {}
        feelings: dict[str, list[float]] = defaultdict(list)
        events: dict[str, list[EventDraft]] = defaultdict(list)
        of_utterance: dict[int, str] = {}
        for draft, placement in placed:
            code = placement.touchpoint.code
            events[code].append(draft)
            start_ms[code] = min(start_ms.get(code, draft.start_ms), draft.start_ms)
            of_utterance |= {self._index[one]: code for one in draft.utterance_ids}
        current: str | None = None
        for position, spoken in enumerate(self._spoken):
            if spoken.speaker is not Role.CUSTOMER:
                continue
            current = of_utterance.get(position) or self._worded(position) or current
            feeling = _feeling(spoken)
            if current is None or feeling is None:
                continue
            start_ms[current] = min(start_ms.get(current, spoken.start_ms), spoken.start_ms)
            feelings[current].append(feeling)
        return [
            VisitDraft(
                touchpoint=touchpoint,
                start_ms=start_ms[touchpoint.code],
                score=_mean(feelings[touchpoint.code]),
                n=len(feelings[touchpoint.code]),
                events=tuple(events[touchpoint.code]),
            )
            for touchpoint in self._map.touchpoints
            if touchpoint.code in start_ms
        ]

    def _worded(self, position: int) -> str | None:
        """Return where the words right here place an utterance, if they do."""
        scene = self._scene([position], kind=None)
        here = scene._replace(near=self._spoken[position].text, far="")
        if any(rule.words and _holds(rule, here) for rule in self._map.rules):
            return self._weighed(scene).touchpoint.code
        return None

    def _scene(self, places: Sequence[int], *, kind: EventKind | None) -> _Scene:
        near = {
            other
            for place in places
            for other in range(place - _NEAR_UTTERANCES, place + _NEAR_UTTERANCES + 1)
            if 0 <= other < len(self._spoken)
        }
        far = [one.text for position, one in enumerate(self._spoken) if position not in near]
        analyses = [self._spoken[place].analysis for place in places]
        return _Scene(
            channel=self._channel,
            near="\n".join(self._spoken[position].text for position in sorted(near)),
            far="\n".join(far),
            intents=frozenset(label.name for one in analyses if one is not None for label in one.intents),
            kind=kind,
            position=self._spoken[places[0]].start_ms / self._end_ms if self._end_ms else 0.0,
        )

    def _weighed(self, scene: _Scene) -> Placement:
        weights = dict.fromkeys((touchpoint.code for touchpoint in self._map.touchpoints), 0.0)
        weights[self._map.default_touchpoint] += _DEFAULT_WEIGHT
        for rule in self._map.rules:
            if _holds(rule, scene):
                weights[rule.touchpoint] += rule.weight
            elif rule.words and _holds(rule, scene._replace(near=scene.far)):
                weights[rule.touchpoint] += rule.weight * _FAR_WEIGHT
        best = max(self._map.touchpoints, key=lambda touchpoint: weights[touchpoint.code])
        return Placement(best, round(weights[best.code] / sum(weights.values()), 4))


def _holds(rule: PlacementRule, scene: _Scene) -> bool:
    """Whether every condition of a rule is met; a rule without conditions holds everywhere."""
    return (
        (not rule.channels or scene.channel in rule.channels)
        and (not rule.kinds or scene.kind in rule.kinds)
        and (not rule.intents or any(intent.value in scene.intents for intent in rule.intents))
        and (rule.position is None or rule.position[0] <= scene.position <= rule.position[1])
        and (not rule.words or any(word in scene.near for word in rule.words))
    )


def _feeling(spoken: Spoken) -> float | None:
    """Return an utterance's feeling on −2…+2; None when it is uncertain."""
    analysis = spoken.analysis
    if analysis is None or analysis.sentiment_uncertain:
        return None
    signs = {Sentiment.NEGATIVE: -2.0, Sentiment.NEUTRAL: 0.0, Sentiment.POSITIVE: 2.0}
    return signs[analysis.sentiment] * analysis.sentiment_probability


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
