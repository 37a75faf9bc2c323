"""A conversation that is bound to another customer, or whose speaker is corrected: the feed and the journeys follow."""

from datetime import timedelta
from uuid import UUID

import pytest

from models.analysis import ExperienceEvent
from models.labels import Role
from server.analysis.worker import Worker
from server.conversations.afterwards import Spot, bind_customer, correct_role
from server.conversations.repository import read_conversation
from server.events.repository import FeedFilter, read_feed
from server.journeys.repository import UnknownCustomerError, customer_journey
from server.store.database import Database
from support.received import NOW, QUIET, Sender, Words, opened

ANGRY = "我排队等了两个小时，太差劲了。"


async def analyse(db: Database) -> None:
    """Let the worker do what is due."""
    await Worker(db, load=Words, clock=lambda: NOW + timedelta(hours=9)).drain()


async def feed(db: Database, *, customer: str | None = None) -> tuple[ExperienceEvent, ...]:
    """Return the feed, or what a consumer of one customer's events gets of it."""
    wanted = FeedFilter(customer=customer)
    return (await db.read(lambda conn: read_feed(conn, tenant="acme", limit=1000, wanted=wanted))).events


def at(conversation_id: UUID, *, hours: int) -> Spot:
    """Return where and when something is said afterwards."""
    now = NOW + timedelta(hours=hours)
    return Spot(tenant="acme", conversation_id=conversation_id, now=now, quiet_after=QUIET)


async def test_events_move_from_customer_to_customer(url: str) -> None:
    """Each binding supersedes the event of the one before, none is edited, and the journey has moved."""
    async with opened(url) as db:
        talk = await Sender(db).talk(ANGRY, customer=None)
        await analyse(db)
        written = list(await feed(db))
        for hours, customer in enumerate(("C-1", "C-2"), start=1):
            await db.write(lambda conn: bind_customer(conn, at(talk, hours=hours), customer=customer))  # noqa: B023 - awaited here
            await analyse(db)
            entries = await feed(db)
            assert list(entries[: len(written)]) == written
            written = list(entries)
        first, second, third = written
        assert [one.customer for one in written] == [None, "C-1", "C-2"]
        assert (second.supersedes, third.supersedes) == (first.id, second.id)
        journey = await db.read(lambda conn: customer_journey(conn, tenant="acme", customer="C-2"))
        assert [event.id for event in journey.events] == [third.id]
        assert [named.visit.conversation_id for named in journey.visits] == [talk]
        with pytest.raises(UnknownCustomerError):
            await db.read(lambda conn: customer_journey(conn, tenant="acme", customer="C-1"))


async def test_a_consumer_of_one_customer_hears_that_an_event_left(url: str) -> None:
    """Narrowed to C-1 the feed has the event, and the one that took its place at C-2."""
    async with opened(url) as db:
        talk = await Sender(db).talk(ANGRY, customer="C-1")
        await Sender(db).talk(ANGRY, customer="C-3")
        await analyse(db)
        await db.write(lambda conn: bind_customer(conn, at(talk, hours=1), customer="C-2"))
        await analyse(db)
        mine, moved = await feed(db, customer="C-1")
        assert (mine.customer, moved.customer, moved.supersedes) == ("C-1", "C-2", mine.id)
        assert [event.customer for event in await feed(db, customer="C-2")] == ["C-2"]


async def test_what_staff_said_is_no_complaint(url: str) -> None:
    """The models are given the corrected role; the event is taken back, and comes back with the next correction."""
    async with opened(url) as db:
        talk = await Sender(db).talk(ANGRY)
        await analyse(db)
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=talk))
        (said,) = view.utterances
        (complaint,) = view.events
        standing: list[list[UUID]] = []
        for hours, role in enumerate((Role.STAFF, Role.CUSTOMER), start=1):
            await db.write(
                lambda conn: correct_role(conn, at(talk, hours=hours), utterance_id=said.id, role=role)  # noqa: B023 - awaited here
            )
            await analyse(db)
            view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=talk))
            assert view.utterances[0].analysis is not None
            assert view.utterances[0].analysis.role is role
            standing.append([event.id for event in view.events])
        assert standing == [[], [complaint.id]]
        taken_back, back = (await feed(db))[-2:]
        assert (taken_back.retracted, taken_back.supersedes) == (True, complaint.id)
        assert (back.retracted, back.id) == (False, complaint.id)
