"""The overview: how much was heard, how it felt, what was said last."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from models.analysis import ExperienceEvent
from models.journey import JourneyMap
from models.labels import Intent
from models.words import Words
from server.journeys.repository import Overview, TouchpointFigures, journey_maps, overview
from server.store.database import Database
from server.web.charts import Bar, BarChart
from server.web.formatting import start_of_day
from server.web.net_sentiment import net_sentiment
from server.web.rendering import SignedInPage
from server.web.repository import event_lines, intent_counts, unbound_conversations, waiting_conversations

router = APIRouter()

LATEST_EVENTS = 8
TOP_BARS = 8
"""Bars that stay readable beside each other; the tables behind the charts have all."""


@dataclass(frozen=True, kw_only=True)
class OverviewFigures:
    """Everything the overview shows, read in one snapshot."""

    total: Overview
    today: Overview
    intents: dict[Intent, int]
    latest: tuple[ExperienceEvent, ...]
    maps: dict[str, JourneyMap]
    waiting: int
    unbound: int


def read_overview(conn: Connection, *, tenant: str, today: datetime) -> OverviewFigures:
    """Read a tenant's overview; `today` is when the day began."""
    return OverviewFigures(
        total=overview(conn, tenant=tenant),
        today=overview(conn, tenant=tenant, since=today),
        intents=intent_counts(conn, tenant=tenant),
        latest=event_lines(conn, tenant=tenant, limit=LATEST_EVENTS),
        maps=journey_maps(conn, tenant=tenant),
        waiting=waiting_conversations(conn, tenant=tenant),
        unbound=unbound_conversations(conn, tenant=tenant),
    )


@router.get("/")
async def show_overview(request: Request, page: SignedInPage) -> HTMLResponse:
    """Show the overview."""
    database: Database = request.app.state.db
    today = start_of_day(page.now, zone=page.zone)
    found = await database.read(lambda conn: read_overview(conn, tenant=page.tenant, today=today))
    split = found.total.sentiment
    return page.render(
        "overview.html",
        found=found,
        net=net_sentiment(positive=split.positive, neutral=split.neutral, negative=split.negative),
        kinds=_bars({kind.value: n for kind, n in found.total.events_by_kind.items()}, group="kind", words=page.words),
        intents=_bars({intent.value: n for intent, n in found.intents.items()}, group="intent", words=page.words),
        mots=_moments_of_truth(found),
    )


def _bars(counts: dict[str, int], *, group: str, words: Words) -> BarChart:
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:TOP_BARS]
    return BarChart(bars=tuple(Bar(label=words(f"{group}.{name}"), n=n) for name, n in ranked))


def _moments_of_truth(found: OverviewFigures) -> list[tuple[JourneyMap, TouchpointFigures]]:
    """Return the visited moments of truth, the worst feeling first, those without a score last."""
    places = [
        (found.maps[figures.journey_map], figures)
        for figures in found.total.touchpoints
        if figures.journey_map in found.maps
        and any(one.code == figures.touchpoint and one.mot for one in found.maps[figures.journey_map].touchpoints)
    ]
    return sorted(places, key=lambda place: (place[1].score is None, place[1].score or 0.0))
