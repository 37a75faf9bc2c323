"""Claims about the queries that only pages ask, on both databases."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert

from models.labels import EventKind, Intent
from server.conversations.repository import list_conversations
from server.store.database import Database
from server.store.migrate import upgrade
from server.store.tables.analysis import analysis, analysis_queue, dead_letter
from server.store.tables.conversations import conversation, utterance
from server.store.tables.events import experience_event
from server.store.tables.journeys import touchpoint_visit
from server.web.repository import (
    AnalysisProgress,
    EventPlace,
    TextOrigins,
    analysis_progress,
    customer_lines,
    event_lines,
    intent_counts,
    text_origins,
    unbound_conversations,
    waiting_conversations,
)
from support.databases import DATABASES, fresh_database

T0 = datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    with fresh_database(request.param) as given:
        yield given or f"sqlite:///{tmp_path / 'voicetrail.db'}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A new database with this version's schema."""
    await upgrade(url)
    opened = Database.open(url)
    yield opened
    await opened.close()


def at(minutes: int) -> datetime:
    """Return a moment after the first one."""
    return T0 + timedelta(minutes=minutes)


def add_conversation(conn: Connection, *, minutes: int, customer: str | None = "C-1", tenant: str = "a") -> UUID:
    """Store a conversation."""
    made = uuid4()
    row = {
        "tenant": tenant,
        "id": made,
        "site": "bank-1",
        "device_id": uuid4(),
        "staff": "S",
        "channel": "counter",
        "customer": customer,
        "consent": "granted",
        "started_at": at(minutes),
        "ended_at": None,
        "recorded_at": at(minutes),
        "flags": "",
    }
    conn.execute(insert(conversation).values(row))
    return made


def add_utterance(conn: Connection, talk: UUID, *, tenant: str = "a", recognition: str = "base") -> UUID:
    """Store an utterance."""
    made = uuid4()
    row = {
        "tenant": tenant,
        "record_id": uuid4(),
        "device_id": uuid4(),
        "device_seq": 1,
        "monotonic_ms": 1,
        "clock_offset_ms": 0,
        "occurred_at": T0,
        "recorded_at": T0,
        "flags": "",
        "id": made,
        "conversation_id": talk,
        "role": "customer",
        "role_confidence": 1.0,
        "start_ms": 0,
        "end_ms": 1,
        "text": "你好",
        "masks": [],
        "redaction": "r-1",
        "recognition": {"model": recognition, "avg_logprob": -0.1, "no_speech_prob": 0.0, "compression_ratio": 1.0},
    }
    conn.execute(insert(utterance).values(row))
    return made


def analyse(
    conn: Connection, talk: UUID, said: UUID, *intents: str, role: str = "customer", model: str = "m-1"
) -> None:
    """Store an analysis; a later model's is the newer one."""
    labels = [{"name": name, "probability": 0.9} for name in intents]
    body = {"role": role, "intents": labels, "sentiment": "neutral", "sentiment_uncertain": False}
    row = {"tenant": "a", "utterance_id": said, "model": model, "conversation_id": talk, "body": body}
    conn.execute(insert(analysis).values(row | {"analysed_at": at(len(model) + int(model[-1]))}))


def add_event(conn: Connection, *, minutes: int, sequence: int, **changes: Any) -> UUID:
    """Store an event."""
    made = uuid4()
    row = {
        "tenant": "a",
        "id": made,
        "sequence": sequence,
        "kind": "complaint",
        "customer": "C-1",
        "conversation_id": uuid4(),
        "utterance_ids": [str(uuid4())],
        "quote": "等太久了",
        "aspect": None,
        "sentiment": "negative",
        "severity": 2,
        "probability": 0.9,
        "journey_map": "bank_branch",
        "journey_map_version": 1,
        "stage": "handle",
        "touchpoint": "counter",
        "mot": True,
        "site": "bank-1",
        "staff": "S",
        "channel": "counter",
        "occurred_at": at(minutes),
        "recorded_at": at(minutes),
        "supersedes": None,
        "retracted": False,
        "superseded_at": None,
        "model": "m",
        "rules": "r",
    }
    conn.execute(insert(experience_event).values(row | changes))
    return made


async def test_customers_come_page_by_page(database: Database) -> None:
    """Read in pages of any size, the list has every customer once, the one seen last first, and no other tenant's."""

    def work(conn: Connection) -> list[list[str]]:
        for minutes, name in [(1, "早"), (9, "晚"), (5, "同时甲"), (5, "同时乙"), (7, "早"), (3, "C/3")]:
            add_conversation(conn, minutes=minutes, customer=name)
        add_conversation(conn, minutes=20, customer="外人", tenant="b")
        add_conversation(conn, minutes=30, customer=None)
        lists = []
        for size in (1, 2, 10):
            names: list[str] = []
            before = None
            while page := customer_lines(conn, tenant="a", limit=size, before=before):
                names += [line.customer for line in page]
                before = (page[-1].last_seen, page[-1].customer)
            lists.append(names)
        return lists

    lists = await database.write(work)
    assert lists[0] == lists[1] == lists[2]
    assert lists[0][:2] == ["晚", "早"]
    assert sorted(lists[0]) == sorted(["晚", "早", "同时甲", "同时乙", "C/3"])


async def test_a_customers_score_weighs_visits_by_their_utterances(database: Database) -> None:
    """Three utterances at −2 and one at +2 make −1; a visit without a score counts nothing."""

    def work(conn: Connection) -> tuple[float | None, int, int]:
        talk = add_conversation(conn, minutes=1)
        for touchpoint, score, n in [("a", -2.0, 3), ("b", 2.0, 1), ("c", None, 0)]:
            row = {"tenant": "a", "conversation_id": talk, "touchpoint": touchpoint, "customer": "C-1", "n": n}
            more = {"journey_map": "m", "journey_map_version": 1, "occurred_at": T0, "event_ids": [], "score": score}
            conn.execute(insert(touchpoint_visit).values(row | more))
        line = customer_lines(conn, tenant="a", limit=5)[0]
        return line.score, line.n, line.conversations

    assert await database.write(work) == (-1.0, 4, 1)


async def test_conversations_come_page_by_page(database: Database) -> None:
    """Conversations that began in the same millisecond are neither skipped nor shown twice."""

    def work(conn: Connection) -> tuple[list[UUID], set[UUID]]:
        stored = {add_conversation(conn, minutes=minutes) for minutes in (4, 4, 4, 1, 9)}
        add_conversation(conn, minutes=4, tenant="b")
        found: list[UUID] = []
        before = None
        while page := list_conversations(conn, tenant="a", limit=2, before=before):
            found += [line.id for line in page]
            before = (page[-1].started_at, page[-1].id)
        return found, stored

    found, stored = await database.write(work)
    assert len(found) == len(stored)
    assert set(found) == stored


async def test_events_come_page_by_page_and_only_those_that_stand(database: Database) -> None:
    """Newest first, same moments by sequence; what was superseded or is another tenant's stays out."""

    def work(conn: Connection) -> list[int]:
        for sequence, minutes in enumerate((3, 8, 8, 1), start=1):
            add_event(conn, minutes=minutes, sequence=sequence)
        add_event(conn, minutes=9, sequence=5, superseded_at=T0)
        add_event(conn, minutes=9, sequence=1, tenant="b")
        found: list[int] = []
        place = None
        while page := event_lines(conn, tenant="a", limit=2, before=place):
            found += [event.sequence for event in page]
            place = EventPlace(occurred_at=page[-1].occurred_at, sequence=page[-1].sequence)
        return found

    assert await database.write(work) == [3, 2, 1, 4]


async def test_events_are_narrowed(database: Database) -> None:
    """Kind, map and touchpoint each narrow the list."""

    def work(conn: Connection) -> list[list[int]]:
        add_event(conn, minutes=1, sequence=1)
        add_event(conn, minutes=2, sequence=2, kind="praise")
        add_event(conn, minutes=3, sequence=3, touchpoint="wait")
        add_event(conn, minutes=4, sequence=4, journey_map="auto_dealer")
        wanted: list[dict[str, Any]] = [
            {"kind": EventKind.PRAISE},
            {"map_name": "bank_branch", "touchpoint": "counter"},
            {"map_name": "auto_dealer"},
        ]
        return [[event.sequence for event in event_lines(conn, tenant="a", limit=9, **one)] for one in wanted]

    assert await database.write(work) == [[2], [2, 1], [4]]


async def test_intents_are_counted_by_the_newest_analysis_of_customers(database: Database) -> None:
    """An older model's labels, staff's words and other tenants count nothing; one utterance may count twice."""

    def work(conn: Connection) -> tuple[dict[Intent, int], dict[Intent, int]]:
        talk = add_conversation(conn, minutes=1)
        first, second, staff = (add_utterance(conn, talk) for _ in range(3))
        analyse(conn, talk, first, "complain", model="m-1")
        analyse(conn, talk, first, "progress", "complain", model="m-2")
        analyse(conn, talk, second, "complain")
        analyse(conn, talk, staff, "chitchat", role="staff")
        return intent_counts(conn, tenant="a"), intent_counts(conn, tenant="a", since=at(1))

    counted, later = await database.write(work)
    assert list(counted.items()) == [(Intent.COMPLAIN, 2), (Intent.PROGRESS, 1)]
    assert later == {}


async def test_what_is_still_to_come_is_told(database: Database) -> None:
    """A queued conversation waits, a buried one has failed, one that is done is neither."""

    def work(conn: Connection) -> tuple[int, int, list[AnalysisProgress]]:
        queued, buried, done = (add_conversation(conn, minutes=minute, customer=None) for minute in range(3))
        ring = {"tenant": "a", "conversation_id": queued, "ring": 1, "rung_at": T0, "due_at": T0}
        conn.execute(insert(analysis_queue).values(ring | {"attempts": 0, "last_error": ""}))
        for code, resolved in [("model_failed", None), ("old", T0)]:
            letter = {
                "tenant": "a",
                "id": uuid4(),
                "conversation_id": buried,
                "code": code,
                "detail": "",
                "attempts": 5,
            }
            conn.execute(insert(dead_letter).values(letter | {"created_at": T0, "resolved_at": resolved}))
        progress = [analysis_progress(conn, tenant="a", conversation_id=one) for one in (queued, buried, done)]
        return waiting_conversations(conn, tenant="a"), unbound_conversations(conn, tenant="a"), progress

    waiting, unbound, progress = await database.write(work)
    assert (waiting, unbound) == (1, 3)
    assert [(one.waiting, one.failure) for one in progress] == [(True, None), (False, "model_failed"), (False, None)]


async def test_texts_name_what_made_them(database: Database) -> None:
    """Each version is named once."""

    def work(conn: Connection) -> TextOrigins:
        talk = add_conversation(conn, minutes=1)
        for model in ("base", "base", "small"):
            add_utterance(conn, talk, recognition=model)
        add_utterance(conn, talk, tenant="b", recognition="foreign")
        return text_origins(conn, tenant="a", conversation_id=talk)

    assert await database.write(work) == TextOrigins(recognition=("base", "small"), redaction=("r-1",))
