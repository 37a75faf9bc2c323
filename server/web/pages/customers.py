"""Customers: the list, and one over all their conversations."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from models.analysis import ExperienceEvent
from server.conversations.repository import (
    ConversationSummary,
    CoverageSeconds,
    list_conversations,
    read_spans,
    seconds_of,
)
from server.journeys.repository import CustomerJourney, NamedVisit, UnknownCustomerError, customer_journey
from server.store.database import Database
from server.web.charts import curve_chart
from server.web.failures import PageNotFoundError
from server.web.pages.conversations import PAGE_ROWS, PlaceMs, from_ms, to_ms
from server.web.rendering import SignedInPage
from server.web.repository import customer_lines

router = APIRouter()

CONVERSATIONS_SHOWN = 100
"""Conversations on one time line; a customer with more than that is read through the API."""


@router.get("/customers")
async def show_customers(
    request: Request,
    page: SignedInPage,
    before_ms: PlaceMs = None,
    before_name: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """List customers, the one seen last first."""
    database: Database = request.app.state.db
    before = None if before_ms is None or before_name is None else (from_ms(before_ms), before_name)
    rows = await database.read(
        lambda conn: customer_lines(conn, tenant=page.tenant, limit=PAGE_ROWS + 1, before=before)
    )
    shown, last = rows[:PAGE_ROWS], rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    following = page.here_with(before_ms=str(to_ms(last.last_seen)), before_name=last.customer) if last else None
    return page.render("customers.html", rows=shown, following=following, first=before is None)


@dataclass(frozen=True, kw_only=True)
class Encounter:
    """One conversation on a customer's time line."""

    conversation: ConversationSummary
    seconds: CoverageSeconds
    visits: tuple[NamedVisit, ...]
    events: tuple[ExperienceEvent, ...]


@dataclass(frozen=True, kw_only=True)
class TimeLine:
    """A customer's journey and their conversations, the newest first."""

    journey: CustomerJourney
    encounters: tuple[Encounter, ...]


def read_time_line(conn: Connection, *, tenant: str, customer: str) -> TimeLine:
    """Read a customer's time line.

    Raises:
        UnknownCustomerError: no conversation names the customer.
    """
    journey = customer_journey(conn, tenant=tenant, customer=customer)
    encounters = tuple(
        Encounter(
            conversation=one,
            seconds=seconds_of(read_spans(conn, tenant=tenant, conversation_id=one.id)),
            visits=tuple(named for named in journey.visits if named.visit.conversation_id == one.id),
            events=tuple(event for event in journey.events if event.conversation_id == one.id),
        )
        for one in list_conversations(conn, tenant=tenant, customer=customer, limit=CONVERSATIONS_SHOWN)
    )
    return TimeLine(journey=journey, encounters=encounters)


# A customer's id may hold a slash, hence the path converter.
@router.get("/customers/{customer:path}")
async def show_customer(request: Request, page: SignedInPage, customer: str) -> HTMLResponse:
    """Show a customer's emotion curve and time line."""
    database: Database = request.app.state.db
    try:
        found = await database.read(lambda conn: read_time_line(conn, tenant=page.tenant, customer=customer))
    except UnknownCustomerError as error:
        raise PageNotFoundError(error.message) from error
    days = [f"{named.visit.occurred_at.astimezone(page.zone):%m-%d %H:%M}" for named in found.journey.visits]
    return page.render(
        "customer.html",
        customer=customer,
        found=found,
        chart=curve_chart(found.journey.visits, days=days, words=page.words),
    )
