"""The worker on both databases: each conversation is understood once, whatever comes between."""

import asyncio
from collections import Counter
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from models.analysis import ExperienceEvent
from models.errors import StoreError, UnderstandingError
from models.ids import new_id
from models.labels import EventKind
from nlp.events.rules import shipped_rules
from server.analysis.repository import claim, read_backlog, read_work, settle
from server.analysis.understand import understand
from server.analysis.worker import Worker, WorkerOptions
from server.conversations.repository import read_conversation
from server.events.repository import FeedFilter, read_feed
from server.journeys.repository import customer_journey, overview
from server.store.database import Database
from server.store.tables.analysis import analysis, analysis_queue, dead_letter
from server.store.tables.events import experience_event
from server.store.tables.journeys import touchpoint_visit
from support.device_client import consent, utterance
from support.received import NOW, QUIET, Sender, Words, opened

ANGRY = "我排队等了两个小时，太差劲了。"
LEAVING = "以后再也不来你们家了。"


def worker(db: Database, *, words: Words | None = None, at: Any = NOW, **options: Any) -> Worker:
    """Return a worker whose clock stands still."""
    return Worker(db, load=lambda: words or Words(), options=WorkerOptions(**options), clock=lambda: at)


async def feed(db: Database, *, tenant: str = "acme", after: int = 0) -> tuple[ExperienceEvent, ...]:
    """Return all of a tenant's feed."""
    return (await db.read(lambda conn: read_feed(conn, tenant=tenant, after=after, limit=10_000))).events


async def count(db: Database, table: Any) -> int:
    """Return how many rows a table has."""
    return await db.read(lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one())


async def test_a_closed_conversation_becomes_labels_events_and_visits(url: str) -> None:
    """One pass stores an analysis per utterance, the events with their quotes, the visits, and empties the queue."""
    async with opened(url) as db:
        conversation_id = await Sender(db).talk(ANGRY, "嗯。", LEAVING)
        assert await worker(db).drain() == 1
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=conversation_id))
        assert [bool(one.analysis) for one in view.utterances] == [True, True, True]
        assert [(event.kind, event.quote) for event in view.events] == [
            (EventKind.COMPLAINT, "我排队等了两个小时"),
            (EventKind.CHURN_SIGNAL, "以后再也不来你们家了"),
        ]
        assert [event.sequence for event in view.events] == [1, 2]
        assert (view.seconds.heard_s, view.seconds.share) == (60.0, 1.0)
        journey = await db.read(lambda conn: customer_journey(conn, tenant="acme", customer="C-1"))
        assert {event for visit in journey.visits for event in visit.visit.event_ids} == {one.id for one in view.events}
        assert await count(db, analysis_queue) == 0


async def test_a_conversation_is_left_alone_until_it_is_quiet(url: str) -> None:
    """What has not ended is analysed only when nothing came for the quiet time."""
    async with opened(url) as db:
        await Sender(db).talk(ANGRY, ended=False)
        assert await worker(db).drain() == 0
        assert await worker(db, at=NOW + QUIET).drain() == 1


async def test_doing_it_again_changes_nothing(url: str) -> None:
    """A second pass over the same words gives the same events and adds nothing to the feed."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY, LEAVING)
        await worker(db).drain()
        before = await feed(db)
        await sender.send([consent(conversation_id)])
        assert await worker(db, at=NOW + timedelta(hours=1)).drain() == 1
        assert await feed(db) == before


async def test_a_ring_during_inference_voids_the_result(url: str) -> None:
    """Records that arrive while the models think are seen by another pass; the first stores nothing."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY)
        claimed = await db.write(lambda conn: claim(conn, now=NOW, lease=timedelta(seconds=30)))
        assert claimed is not None
        work = await db.read(lambda conn: read_work(conn, claimed=claimed))
        assert work is not None
        understood = understand(
            work, understanding=Words(), rules=shipped_rules(), default_map="retail_store", zone=UTC, now=NOW
        )
        await sender.send([utterance(conversation_id, LEAVING, start_ms=9000)])
        assert not await db.write(lambda conn: settle(conn, claimed=claimed, understood=understood, now=NOW))
        assert (await count(db, experience_event), await count(db, analysis)) == (0, 0)
        assert await worker(db).drain() == 1
        assert [event.kind for event in await feed(db)] == [EventKind.COMPLAINT, EventKind.CHURN_SIGNAL]


async def test_a_late_result_is_void_after_another_worker_settled(url: str) -> None:
    """A worker whose lease ran out cannot store over the one that took its place, not even when it rang again since."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY)
        claimed = await db.write(lambda conn: claim(conn, now=NOW, lease=timedelta(seconds=30)))
        assert claimed is not None
        assert await worker(db, at=NOW + timedelta(seconds=31)).drain() == 1
        later = NOW + timedelta(seconds=32)
        await sender.send([utterance(conversation_id, LEAVING, start_ms=9000)], now=later)
        assert not await db.write(lambda conn: settle(conn, claimed=claimed, understood=None, now=later))
        assert await count(db, analysis_queue) == 1


async def test_poison_goes_to_the_dead_letters_and_the_rest_flows(url: str) -> None:
    """A conversation that fails every time is put aside after its attempts, with no word of it in the reason."""
    async with opened(url) as db:
        sender = Sender(db)
        poisoned = await sender.talk("毒", now=NOW - timedelta(seconds=5))
        await sender.talk(ANGRY)
        for hour in range(6):
            await worker(db, at=NOW + timedelta(hours=hour)).drain()
        assert [event.kind for event in await feed(db)] == [EventKind.COMPLAINT]
        (letter,) = await db.read(lambda conn: conn.execute(select(dead_letter)).all())
        assert (letter.conversation_id, letter.code, letter.attempts) == (poisoned, "analysis_failed", 5)
        assert "ZeroDivisionError" in letter.detail
        assert "毒" not in letter.detail
        assert await count(db, analysis_queue) == 0


async def test_a_failure_waits_longer_each_time(url: str) -> None:
    """After a failure the conversation is not due at once, and after the next one later still."""
    async with opened(url) as db:
        await Sender(db).talk("毒")
        assert await worker(db).drain() == 1
        assert await worker(db).drain() == 0
        assert await worker(db, at=NOW + timedelta(seconds=2)).drain() == 1
        assert await worker(db, at=NOW + timedelta(seconds=4)).drain() == 0
        assert await worker(db, at=NOW + timedelta(seconds=6)).drain() == 1


async def test_a_new_model_supersedes(url: str) -> None:
    """Events of a new model version take the place of the old ones in the feed, which still tells of both."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY)
        await worker(db).drain()
        await sender.send([consent(conversation_id)])
        await worker(db, words=Words(model="words-2")).drain()
        old, new = await feed(db)
        assert (new.supersedes, new.model, new.sequence) == (old.id, "words-2", 2)
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=conversation_id))
        assert view.events == (new,)
        assert await count(db, analysis) == 2


async def test_what_nothing_replaces_is_retracted(url: str) -> None:
    """Words that arrive late and turn an event into another kind of talk take it back openly; a return revives it."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(LEAVING)
        await worker(db).drain()
        (churn,) = await feed(db)
        silent = Words(model="words-1")
        rules = shipped_rules().model_copy(update={"kinds": ()})
        await sender.send([consent(conversation_id)])
        await Worker(db, load=lambda: silent, rules=rules, clock=lambda: NOW).drain()
        retraction = (await feed(db))[-1]
        assert (retraction.retracted, retraction.supersedes, retraction.sequence) == (True, churn.id, 2)
        figures = await db.read(lambda conn: overview(conn, tenant="acme"))
        assert figures.events == 0
        await sender.send([consent(conversation_id)])
        await worker(db).drain()
        assert [(event.id, event.sequence) for event in await feed(db)] == [(retraction.id, 2), (churn.id, 3)]


async def test_a_customer_named_at_the_end_is_on_the_events(url: str) -> None:
    """Events told before the customer was known are superseded by ones that name the customer."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY, ended=False, customer=None)
        await worker(db, at=NOW + QUIET).drain()
        await sender.send([sender.opened(conversation_id, customer="C-7")])
        await worker(db).drain()
        before, after = await feed(db)
        assert (before.customer, after.customer, after.supersedes) == (None, "C-7", before.id)


async def test_a_conversation_without_its_record_waits(url: str) -> None:
    """Utterances that arrive before their conversation's own record are analysed when that comes."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = new_id()
        await sender.send([utterance(conversation_id, ANGRY)])
        await worker(db, at=NOW + QUIET).drain()
        assert await count(db, experience_event) == 0
        await sender.send([sender.opened(conversation_id)])
        await worker(db).drain()
        assert await count(db, experience_event) == 1


async def test_suspect_text_is_not_analysed(url: str) -> None:
    """A quarantined utterance has no labels and no events."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = new_id()
        await sender.send([utterance(conversation_id, ANGRY, quarantined="repetition"), sender.opened(conversation_id)])
        await worker(db).drain()
        assert (await count(db, analysis), await count(db, experience_event)) == (0, 0)


async def test_a_withdrawn_conversation_is_not_analysed(url: str) -> None:
    """After consent was withdrawn nothing is derived any more."""
    async with opened(url) as db:
        sender = Sender(db)
        conversation_id = await sender.talk(ANGRY)
        await sender.send([consent(conversation_id, "withdrawn")])
        await worker(db).drain()
        assert (await count(db, analysis), await count(db, experience_event)) == (0, 0)


async def test_workers_side_by_side_give_each_event_once(url: str) -> None:
    """Three workers over sixty conversations: each event once, sequences without a gap."""
    async with opened(url) as db:
        sender = Sender(db)
        told = {await sender.talk(ANGRY, LEAVING) for _ in range(60)}
        others = [Database.open(url) for _ in range(2)]
        await asyncio.gather(*(worker(one).drain() for one in (db, *others)))
        events = await feed(db)
        assert [event.sequence for event in events] == list(range(1, 121))
        assert Counter(event.conversation_id for event in events) == dict.fromkeys(told, 2)
        assert await count(db, touchpoint_visit) > 0
        assert await count(db, analysis_queue) == 0
        for other in others:
            await other.close()


async def test_the_feed_skips_nothing_while_many_write(url: str) -> None:
    """A consumer that follows the cursor while workers write gets every event once, in order, filtered or not."""
    async with opened(url) as db:
        sender = Sender(db)
        done = asyncio.Event()

        async def follow(wanted: FeedFilter) -> list[int]:
            seen, after = [], 0
            while True:
                finished = done.is_set()
                page = await db.read(
                    lambda conn: read_feed(conn, tenant="acme", after=after, limit=3, wanted=wanted)  # noqa: B023 - run before the next turn of the loop
                )
                seen += [event.sequence for event in page.events]
                assert page.next >= after
                after = page.next
                if finished and not page.has_more:
                    return seen
                await asyncio.sleep(0)

        async def write() -> None:
            others = [Database.open(url) for _ in range(2)]
            for _ in range(12):
                await asyncio.gather(*(sender.talk(ANGRY, LEAVING) for _ in range(4)))
                await asyncio.gather(*(worker(one).drain() for one in (db, *others)))
            for other in others:
                await other.close()
            done.set()

        everything, churn, _ = await asyncio.gather(
            follow(FeedFilter()), follow(FeedFilter(kind=EventKind.CHURN_SIGNAL)), write()
        )
        assert everything == list(range(1, 97))
        by_sequence = {event.sequence: event.kind for event in await feed(db)}
        assert churn == [place for place in everything if by_sequence[place] is EventKind.CHURN_SIGNAL]


async def test_tenants_have_feeds_of_their_own(url: str) -> None:
    """Two tenants with the same conversation in mind see only their own, each from sequence 1."""
    async with opened(url) as db:
        ids: dict[str, UUID] = {name: await Sender(db, tenant=name).talk(ANGRY) for name in ("acme", "bold")}
        await worker(db).drain()
        for name, conversation_id in ids.items():
            (event,) = await feed(db, tenant=name)
            assert (event.tenant, event.conversation_id, event.sequence) == (name, conversation_id, 1)


async def test_the_bell_wakes_the_worker(url: str) -> None:
    """A ring starts work long before the next sweep, and a stop ends it."""
    async with opened(url) as db:
        stop, busy = asyncio.Event(), worker(db, sweep_s=3600)
        running = asyncio.create_task(busy.run(stop))
        await asyncio.sleep(0.1)
        await Sender(db).talk(ANGRY)
        busy.ring()
        while await count(db, analysis_queue):
            await asyncio.sleep(0.01)
        stop.set()
        await running
        assert len(await feed(db)) == 1


async def test_models_that_do_not_load_blame_no_conversation(url: str) -> None:
    """Without models the worker ends with their error, and the queue is as it was."""
    async with opened(url) as db:

        def missing() -> Words:
            raise UnderstandingError("weights are missing")

        await Sender(db).talk(ANGRY)
        with pytest.raises(UnderstandingError):
            await Worker(db, load=missing, clock=lambda: NOW).run(asyncio.Event())
        attempts = await db.read(lambda conn: conn.execute(select(analysis_queue.c.attempts)).scalar_one())
        assert attempts == 0


@pytest.mark.parametrize("away", ["sqlite:///{folder}/none.db", "postgresql://postgres@127.0.0.1:1/none"])
async def test_a_database_that_is_away_stops_no_worker(away: str, tmp_path: Path) -> None:
    """When the database cannot be used the worker says so, waits and asks again, until it is told to stop."""
    async with opened(away.format(folder=tmp_path)) as db:
        with pytest.raises(StoreError):
            await worker(db).drain()
        stop, busy = asyncio.Event(), worker(db, sweep_s=0.01)
        running = asyncio.create_task(busy.run(stop))
        with capture_logs() as logs:
            while len(logs) < 3:
                await asyncio.sleep(0.01)
        stop.set()
        await running
        assert {entry["event"] for entry in logs} == {"database_unavailable"}


async def test_the_backlog_counts_what_waits_for_its_own_tenant(url: str) -> None:
    """A conversation waits until it is analysed; another tenant's never counts."""
    async with opened(url) as db:
        await Sender(db, tenant="other").talk(ANGRY)
        assert (await db.read(lambda conn: read_backlog(conn, tenant="acme"))).waiting == 0
        await Sender(db).talk(ANGRY)
        before = await db.read(lambda conn: read_backlog(conn, tenant="acme"))
        assert (before.waiting, before.oldest, before.dead) == (1, NOW, 0)
        await worker(db).drain()
        after = await db.read(lambda conn: read_backlog(conn, tenant="acme"))
        assert (after.waiting, after.oldest) == (0, None)
