"""Whatever order records arrive in, once or twice, in however many batches: the conversation ends as the same one."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from models.ids import new_id
from models.labels import RevisedBy, Role
from server.analysis.worker import Worker
from server.conversations.repository import ConversationView, read_conversation
from server.conversations.standing import Revision, standing_revisions
from server.store.database import Database
from support.device_client import Json, consent, coverage, customer_binding, role_revision, utterance
from support.received import NOW, QUIET, Sender, Words

ANGRY = "我排队等了两个小时，太差劲了。"
LEAVING = "以后再也不来你们家了。"


def minute(number: int) -> str:
    """Return a moment of the conversation."""
    return f"2026-11-20T02:{number:02}:00Z"


def told(sender: Sender, *, withdrawn: bool) -> tuple[UUID, list[Json]]:
    """Make the records of one conversation that was revised, bound and perhaps withdrawn."""
    talk = new_id()
    words = [utterance(talk, ANGRY), utterance(talk, LEAVING, start_ms=5000), utterance(talk, "嗯。", start_ms=9000)]
    angry, leaving, short = (one["body"]["id"] for one in words)
    records = [
        sender.opened(talk, ended=False, customer=None),
        sender.opened(talk, ended=True, customer="C-0"),
        *words,
        coverage(talk),
        consent(talk, at=minute(0)),
        customer_binding(talk, "C-1", at=minute(1)),
        customer_binding(talk, "C-2", at=minute(3)),
        customer_binding(talk, "C-3", at=minute(2)),
        role_revision(talk, angry, "staff", at=minute(1)),
        role_revision(talk, angry, "customer", by="staff", at=minute(2)),
        role_revision(talk, angry, "unknown", at=minute(4)),
        role_revision(talk, leaving, "customer", at=minute(1)),
        role_revision(talk, leaving, "staff", at=minute(3)),
        role_revision(talk, short, "staff", at=minute(1)),
    ]
    if withdrawn:
        records += [consent(talk, "withdrawn", at=minute(2)), consent(talk, at=minute(4))]
    return talk, records


def summary(view: ConversationView) -> dict[str, Any]:
    """Return what does not depend on the conversation's own ids and on when it was stored."""
    return {
        "customer": view.customer,
        "consent": view.consent,
        "erased": view.erased_at is not None,
        "utterances": [(one.text, one.role, one.role_confidence, one.role_revised) for one in view.utterances],
        "labelled": [bool(one.analysis) for one in view.utterances],
        "seconds": view.seconds,
        "events": sorted((event.kind, event.customer, event.quote) for event in view.events),
    }


async def outcome(url: str, *, withdrawn: bool, order: list[int], cuts: list[bool]) -> dict[str, Any]:
    """Send the records in an order, cut into batches, analysed in between, and return what came of it."""
    db = Database.open(url)
    try:
        sender = Sender(db)
        talk, records = told(sender, withdrawn=withdrawn)
        batch: list[Json] = []
        for place, cut in zip(order, cuts, strict=True):
            batch.append(records[place % len(records)])
            if cut:
                await sender.send(batch)
                await _analyse(db)
                batch = []
        await sender.send(batch + [record for at, record in enumerate(records) if at not in order])
        await _analyse(db)

        def read(conn: Connection) -> ConversationView:
            return read_conversation(conn, tenant="acme", conversation_id=talk)

        return summary(await db.read(read))
    finally:
        await db.close()


async def _analyse(db: Database) -> None:
    await Worker(db, load=Words, clock=lambda: NOW + QUIET + timedelta(seconds=1)).drain()


RECORDS = 18
ORDERS = st.permutations(range(RECORDS)).flatmap(
    lambda order: st.tuples(
        st.just(order),
        st.lists(st.integers(0, RECORDS - 1), max_size=8),
        st.lists(st.booleans(), min_size=RECORDS + 8, max_size=RECORDS + 8),
    )
)


@pytest.mark.parametrize("withdrawn", [False, True], ids=["kept", "withdrawn"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=ORDERS)
def test_any_order_gives_the_same_conversation(
    url: str, withdrawn: bool, drawn: tuple[list[int], list[int], list[bool]]
) -> None:
    """Permuted, some sent twice, cut into batches anywhere, analysed in between: customer, roles, words, events."""
    order, again, cuts = drawn
    size = RECORDS if withdrawn else RECORDS - 2
    arrived = [place for place in [*order, *again] if place < size]
    straight = asyncio.run(outcome(url, withdrawn=withdrawn, order=list(range(size)), cuts=[False] * size))
    assert asyncio.run(outcome(url, withdrawn=withdrawn, order=arrived, cuts=cuts[: len(arrived)])) == straight


def test_what_the_same_conversation_is(url: str) -> None:
    """The latest binding, staff before devices, the latest among equals; withdrawn, only what became of the time."""
    size = RECORDS - 2
    kept = asyncio.run(outcome(url, withdrawn=False, order=list(range(size)), cuts=[False] * size))
    assert (kept["customer"], kept["erased"]) == ("C-2", False)
    assert kept["utterances"] == [
        (ANGRY, Role.CUSTOMER, 0.8, RevisedBy.STAFF),
        (LEAVING, Role.STAFF, 0.8, RevisedBy.DEVICE),
        ("嗯。", Role.STAFF, 0.8, RevisedBy.DEVICE),
    ]
    assert kept["events"] == [("complaint", "C-2", "我排队等了两个小时")]
    gone = asyncio.run(outcome(url, withdrawn=True, order=list(range(RECORDS)), cuts=[False] * RECORDS))
    assert (gone["customer"], gone["consent"], gone["erased"]) == ("C-2", "withdrawn", True)
    assert (gone["utterances"], gone["events"], gone["seconds"]) == ([], [], kept["seconds"])


REVISIONS = st.lists(
    st.builds(
        Revision,
        record_id=st.uuids(),
        utterance_id=st.sampled_from([UUID(int=1), UUID(int=2)]),
        role=st.sampled_from(Role),
        role_confidence=st.just(0.5),
        by=st.sampled_from(RevisedBy),
        at=st.integers(0, 3).map(lambda after: NOW + timedelta(seconds=after)),
    ),
    max_size=8,
)


@given(revisions=REVISIONS, chance=st.randoms())
def test_the_revision_that_stands_is_one_whatever_the_order(revisions: list[Revision], chance: Any) -> None:
    """No revision that was given ranks above the one that stands, and the order of reading does not matter."""
    stands = standing_revisions(revisions)
    shuffled = [*revisions, *revisions]
    chance.shuffle(shuffled)
    assert standing_revisions(shuffled) == stands
    assert set(stands) == {one.utterance_id for one in revisions}
    for one in revisions:
        best = stands[one.utterance_id]
        assert (one.by is RevisedBy.STAFF) <= (best.by is RevisedBy.STAFF)
        if one.by is best.by:
            assert one.at <= best.at
