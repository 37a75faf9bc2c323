"""What the charts draw, worked out from read models; the scripts only lay it out."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from models.analysis import ExperienceEvent
from models.journey import JourneyMap, Touchpoint
from models.labels import Sentiment
from models.noun import Noun
from models.words import Words
from server.journeys.repository import NamedVisit, TouchpointFigures
from server.web.net_sentiment import SMALL_N


class Bar(Noun):
    """One bar: what it counts and how many there are."""

    label: str
    n: int


class BarChart(Noun):
    """Horizontal bars, the longest first."""

    bars: tuple[Bar, ...]


class StageBand(Noun):
    """A stage and the columns [first, last] that it spans."""

    name: str
    first: int
    last: int


class JourneyColumn(Noun):
    """A touchpoint as one column of the journey chart."""

    code: str
    name: str
    mot: bool
    score: float | None
    n: int
    visits: int
    events: int
    counts: str
    """n and events in words."""
    quote: str
    quote_feeling: Sentiment | None
    url: str
    """Where its events and quotes are read."""


class JourneyChart(Noun):
    """Lanes and emotion curve of a journey map on one grid."""

    stages: tuple[StageBand, ...]
    columns: tuple[JourneyColumn, ...]
    small_n: int
    lanes: dict[str, str]
    """Names of the lanes."""


class CurvePoint(Noun):
    """One visit on a customer's emotion curve."""

    label: str
    day: str
    score: float | None
    n: int
    mot: bool
    url: str


class CurveChart(Noun):
    """A customer's visits in order of time."""

    points: tuple[CurvePoint, ...]
    small_n: int
    axis: str


def in_journey_order(journey: JourneyMap) -> list[Touchpoint]:
    """Return the touchpoints stage by stage, within a stage as the map lists them."""
    order = {stage.code: place for place, stage in enumerate(journey.stages)}
    return sorted(journey.touchpoints, key=lambda touchpoint: order[touchpoint.stage])


def journey_chart(
    journey: JourneyMap,
    *,
    figures: Mapping[str, TouchpointFigures],
    newest: Mapping[str, ExperienceEvent],
    words: Words,
) -> JourneyChart:
    """Lay a journey map out in columns; `figures` and `newest` event are by touchpoint code."""
    touchpoints = in_journey_order(journey)
    bands: list[StageBand] = []
    for stage in journey.stages:
        places = [place for place, touchpoint in enumerate(touchpoints) if touchpoint.stage == stage.code]
        if places:
            bands.append(StageBand(name=words.name(stage.name), first=places[0], last=places[-1]))
    columns = tuple(
        _column(touchpoint, journey=journey, figures=figures, newest=newest, words=words) for touchpoint in touchpoints
    )
    lanes = {lane: words(f"journey.lane_{lane}") for lane in ("stage", "touchpoint", "quote", "n", "curve")}
    return JourneyChart(stages=tuple(bands), columns=columns, small_n=SMALL_N, lanes=lanes)


def _column(
    touchpoint: Touchpoint,
    *,
    journey: JourneyMap,
    figures: Mapping[str, TouchpointFigures],
    newest: Mapping[str, ExperienceEvent],
    words: Words,
) -> JourneyColumn:
    found = figures.get(touchpoint.code)
    event = newest.get(touchpoint.code)
    n, events = (found.n, found.events) if found else (0, 0)
    return JourneyColumn(
        code=touchpoint.code,
        name=words.name(touchpoint.name),
        mot=touchpoint.mot,
        score=found.score if found else None,
        n=n,
        visits=found.visits if found else 0,
        events=events,
        counts=words("journey.lane_n_value", n=n, events=events),
        quote=event.quote if event else "",
        quote_feeling=event.sentiment if event else None,
        url=touchpoint_url(journey.name, touchpoint.code),
    )


def touchpoint_url(map_name: str, touchpoint: str) -> str:
    """Return where a touchpoint's events and quotes are read."""
    return f"/journeys/{quote(map_name, safe='')}/touchpoints/{quote(touchpoint, safe='')}"


def curve_chart(visits: Sequence[NamedVisit], *, days: Sequence[str], words: Words) -> CurveChart:
    """Lay a customer's visits out on a curve; `days` says when each was."""
    points = tuple(
        CurvePoint(
            label=words.name(named.touchpoint_name),
            day=day,
            score=named.visit.score,
            n=named.visit.n,
            mot=named.mot,
            url=f"/conversations/{named.visit.conversation_id}",
        )
        for named, day in zip(visits, days, strict=True)
    )
    return CurveChart(points=points, small_n=SMALL_N, axis=words("journey.lane_curve"))
