"""A withdrawal erases: no word of the conversation is left in any table, nor in any byte of the database's files."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from models.analysis import ExperienceEvent
from models.ids import new_id
from nlp.events.rules import shipped_rules
from server.analysis.repository import claim, read_work, settle
from server.analysis.understand import understand
from server.analysis.worker import Worker
from server.conversations.afterwards import Spot, withdraw
from server.conversations.repository import UnknownConversationError, read_conversation
from server.events.repository import read_feed
from server.journeys.repository import customer_journey
from server.store.database import Database
from server.store.migrate import upgrade
from server.store.tables.analysis import analysis_queue
from server.store.tables.columns import metadata
from support.device_client import Json, consent, coverage, role_revision, utterance
from support.received import NOW, QUIET, Sender, Words, opened

CANARY = "金丝雀"
"""Stands in every word that is to be erased."""
ANGRY = f"我{CANARY}排队等了两个小时，{CANARY}太差劲了。"
LEAVING = f"{CANARY}以后再也不来你们家了。"
LATER = NOW + timedelta(hours=1)


async def analyse(db: Database, *, at: datetime = LATER) -> None:
    """Let the worker do what is due."""
    await Worker(db, load=Words, clock=lambda: at).drain()


async def everything(db: Database) -> str:
    """Return all that stands in any table."""

    def read(conn: Connection) -> str:
        return "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in conn.execute(select(table)))

    return await db.read(read)


async def feed(db: Database) -> tuple[ExperienceEvent, ...]:
    """Return all of the feed."""
    return (await db.read(lambda conn: read_feed(conn, tenant="acme", limit=1000))).events


def at(conversation_id: UUID, *, tenant: str = "acme") -> Spot:
    """Return where and when something is said afterwards."""
    return Spot(tenant=tenant, conversation_id=conversation_id, now=LATER, quiet_after=QUIET)


@pytest.mark.parametrize("by", ["device", "program"])
async def test_nothing_that_was_said_is_left(url: str, by: str) -> None:
    """Words, labels, visits and quotes go in the transaction of the withdrawal; events are taken back in the feed."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = await sender.talk(ANGRY, "嗯。", LEAVING)
        kept = await sender.talk("谢谢你，真好。")
        await analyse(db)
        before = await feed(db)
        taken_back = [event for event in before if event.conversation_id == talk]
        assert all(CANARY in event.quote for event in taken_back)
        if by == "device":
            assert await sender.send([consent(talk, "withdrawn")], now=LATER) == ["accepted"]
        else:
            assert await db.write(lambda conn: withdraw(conn, at(talk))) == LATER
        assert CANARY not in await everything(db)
        entries = (await feed(db))[len(before) :]
        assert [entry.sequence for entry in entries] == list(range(len(before) + 1, len(before) + 3))
        assert {entry.supersedes for entry in entries} == {event.id for event in taken_back}
        assert all(entry.retracted and entry.quote == "" for entry in entries)
        assert {event.quote for event in await feed(db) if event.conversation_id == talk} == {""}
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=talk))
        assert (view.consent, view.erased_at, view.utterances, view.events) == ("withdrawn", LATER, (), ())
        assert view.seconds.heard_s == 60.0
        journey = await db.read(lambda conn: customer_journey(conn, tenant="acme", customer="C-1"))
        assert {named.visit.conversation_id for named in journey.visits} <= {kept}
        assert {event.conversation_id for event in journey.events} <= {kept}
        other = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=kept))
        assert other.utterances[0].text == "谢谢你，真好。"


async def test_withdrawn_twice_is_withdrawn_once(url: str) -> None:
    """A second withdrawal, by whomever, adds nothing to the feed and leaves the moment of the first."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = await sender.talk(ANGRY)
        await analyse(db)
        await sender.send([consent(talk, "withdrawn")], now=LATER)
        before = await feed(db)
        assert await db.write(lambda conn: withdraw(conn, at(talk))) == LATER
        await sender.send([consent(talk, "withdrawn")], now=LATER + timedelta(hours=1))
        await analyse(db, at=LATER + timedelta(hours=2))
        assert await feed(db) == before
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=talk))
        assert view.erased_at == LATER


async def test_a_new_yes_brings_nothing_back(url: str) -> None:
    """After a later grant the words stay erased and those sent again are refused, before and after the analysis."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = new_id()
        said = utterance(talk, ANGRY)
        await sender.send([sender.opened(talk), said, coverage(talk)])
        await analyse(db)
        later = "2026-11-20T05:00:00Z"
        answers = [consent(talk, "withdrawn"), consent(talk, "granted", at=later)]
        assert await sender.send(answers, now=LATER) == ["accepted", "accepted"]
        for _ in range(2):
            assert await sender.send([said, utterance(talk, LEAVING)]) == ["consent_not_granted"] * 2
            await analyse(db, at=LATER + QUIET)
        assert CANARY not in await everything(db)


async def test_a_withdrawal_that_comes_first_bars_the_words(url: str) -> None:
    """Words that come after it are refused, also when the conversation itself comes last."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = new_id()
        assert await sender.send([consent(talk, "withdrawn")]) == ["accepted"]
        sent = [utterance(talk, ANGRY), role_revision(talk, new_id(), "staff"), sender.opened(talk)]
        assert await sender.send(sent) == ["consent_not_granted", "accepted", "accepted"]
        await analyse(db)
        view = await db.read(lambda conn: read_conversation(conn, tenant="acme", conversation_id=talk))
        assert (view.consent, view.erased_at, view.utterances) == ("withdrawn", NOW, ())
        assert await feed(db) == ()


async def test_words_beside_their_withdrawal_in_one_batch_are_not_kept(url: str) -> None:
    """Where both come together the withdrawal wins, whichever stands first."""
    async with opened(url) as db:
        sender = Sender(db)
        for turn in (1, -1):
            talk = new_id()
            records = [sender.opened(talk), utterance(talk, ANGRY), consent(talk, "withdrawn")]
            await sender.send(records[::turn])
        await analyse(db)
        assert CANARY not in await everything(db)


async def test_an_analysis_under_way_stores_nothing(url: str) -> None:
    """Consent that is withdrawn while the models think voids what they say."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = await sender.talk(ANGRY, LEAVING)
        claimed = await db.write(lambda conn: claim(conn, now=NOW, lease=timedelta(seconds=30)))
        assert claimed is not None
        work = await db.read(lambda conn: read_work(conn, claimed=claimed))
        assert work is not None
        understood = understand(
            work, understanding=Words(), rules=shipped_rules(), default_map="retail_store", zone=UTC, now=NOW
        )
        await db.write(lambda conn: withdraw(conn, at(talk)))
        assert not await db.write(lambda conn: settle(conn, claimed=claimed, understood=understood, now=LATER))
        await analyse(db)
        assert CANARY not in await everything(db)
        assert await feed(db) == ()


async def test_words_and_labels_that_race_with_the_withdrawal_lose(url: str) -> None:
    """Devices send, workers analyse and programs withdraw all at once: in the end no word is left."""
    async with opened(url) as db, opened(url) as beside:
        sender, other = Sender(db), Sender(beside)
        other.device_id = sender.device_id
        for _ in range(8):
            talk = await sender.talk(ANGRY, LEAVING)
            more = [other.send([utterance(talk, ANGRY, start_ms=9000 + n)]) for n in range(4)]
            await asyncio.gather(analyse(beside), db.write(partial(withdraw, at=at(talk))), *more)
        assert CANARY not in await everything(db)
        await analyse(db)
        assert CANARY not in await everything(db)


@pytest.mark.parametrize(
    ("first", "second"), [("words", "withdrawal"), ("withdrawal", "words"), ("labels", "withdrawal")]
)
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_transactions_that_overlap_wait_for_each_other(url: str, first: str, second: str) -> None:
    """On PostgreSQL a second transaction waits until the first is committed, and nothing slips between them."""
    async with opened(url) as db:
        sender = Sender(db)
        talk = await sender.talk(ANGRY, LEAVING)
        claimed = await db.write(lambda conn: claim(conn, now=NOW, lease=timedelta(seconds=30)))
        assert claimed is not None
        work = await db.read(lambda conn: read_work(conn, claimed=claimed))
        assert work is not None
        rules = shipped_rules()
        understood = understand(work, understanding=Words(), rules=rules, default_map="retail_store", zone=UTC, now=NOW)
        works = {
            "words": partial(sender.store, [utterance(talk, ANGRY, start_ms=9000)]),
            "withdrawal": partial(withdraw, at=at(talk)),
            "labels": partial(settle, claimed=claimed, understood=understood, now=NOW),
        }
        await _overlapping(db, url, works[first], works[second])
        assert CANARY not in await everything(db)


async def _overlapping(
    db: Database, url: str, first: Callable[[Connection], object], second: Callable[[Connection], object]
) -> None:
    """Begin the second while the first has done all but committed; let that go on when the second waits or is done."""
    done, go_on = threading.Event(), threading.Event()

    def held_back(conn: Connection) -> None:
        first(conn)
        done.set()
        assert go_on.wait(60)

    async def once(work: Callable[[Connection], object]) -> None:
        async with opened(url) as own:
            await own.write(work)

    def waits(conn: Connection) -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(conn.exec_driver_sql(query).scalar())

    # Threads with loops of their own: a function that waits inside a transaction stops its loop.
    ahead = asyncio.create_task(asyncio.to_thread(asyncio.run, once(held_back)))
    await asyncio.to_thread(done.wait, 60)
    behind = asyncio.create_task(asyncio.to_thread(asyncio.run, once(second)))
    while not behind.done() and not await db.read(waits):
        await asyncio.sleep(0.02)
    go_on.set()
    await asyncio.gather(ahead, behind)


async def test_no_byte_is_left_in_the_files(tmp_path: Path) -> None:
    """After the worker has passed, neither the database nor its log holds a word, in any way of writing it."""
    folder = tmp_path / "data"
    url = f"sqlite:///{folder / 'voicetrail.db'}"
    await upgrade(url)
    async with opened(url) as db:
        sender = Sender(db)
        gone = [new_id() for _ in range(90)]
        for number in range(0, len(gone), 15):
            records: list[Json] = []
            for talk in gone[number : number + 15]:
                said = [ANGRY * (1 + len(records) % 7), LEAVING]
                records += [sender.opened(talk), *(utterance(talk, text) for text in said)]
                # In between, what stays: pages are shared, and split at other places.
                kept = new_id()
                records += [sender.opened(kept), utterance(kept, "谢谢你，真好。" * (1 + len(records) % 5))]
            await sender.send(records)
            if number % 30 == 0:
                await analyse(db)
        assert any(trace in held(folder) for trace in traces())
        await sender.send([consent(talk, "withdrawn") for talk in gone], now=LATER)
        await analyse(db, at=LATER + QUIET)
        content = held(folder)
        assert [trace for trace in traces() if trace in content] == []
        assert "谢谢你".encode() in content
    assert await asyncio.to_thread(_waiting, folder / "voicetrail.db") == 0


def held(folder: Path) -> bytes:
    """Return every byte of every file."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def traces() -> list[bytes]:
    """Return the word as text and as JSON writes it."""
    return [CANARY.encode(), json.dumps(CANARY)[1:-1].encode(), CANARY.encode("utf-16-le")]


def _waiting(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return int(db.execute("SELECT count(*) FROM analysis_queue").fetchone()[0])


async def test_a_log_in_use_is_emptied_later(tmp_path: Path) -> None:
    """While somebody reads, the conversation stays in the queue and others are analysed; then it is done."""
    folder = tmp_path / "data"
    url = f"sqlite:///{folder / 'voicetrail.db'}"
    await upgrade(url)
    async with opened(url) as db:
        sender = Sender(db)
        talk = await sender.talk(ANGRY)
        await analyse(db)
        reader = sqlite3.connect(folder / "voicetrail.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM utterance").fetchone()
        await sender.send([consent(talk, "withdrawn")], now=LATER)
        await sender.talk("你们的服务太差劲了。", now=LATER)
        await analyse(db)
        assert await _queued(db) == [talk]
        assert (await feed(db))[-1].quote != ""
        reader.close()
        await analyse(db, at=LATER + QUIET)
        assert await _queued(db) == []
        assert [trace for trace in traces() if trace in held(folder)] == []


async def _queued(db: Database) -> list[UUID]:
    query = select(analysis_queue.c.conversation_id)
    return list(await db.read(lambda conn: conn.execute(query).scalars().all()))


async def test_another_tenants_conversation_is_unknown(url: str) -> None:
    """A withdrawal by another tenant finds no such conversation and erases nothing."""
    async with opened(url) as db:
        talk = await Sender(db).talk(ANGRY)
        with pytest.raises(UnknownConversationError):
            await db.write(lambda conn: withdraw(conn, at(talk, tenant="bold")))
        assert CANARY in await everything(db)
