"""On PostgreSQL everybody locks in one order: nobody waits in a circle, as the database's own statistics say."""

import asyncio
import random
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from models.ids import new_id
from server.analysis.worker import Worker
from server.conversations.afterwards import Spot, bind_customer, withdraw
from server.devices.repository import add_device
from server.store.database import Database
from server.store.migrate import upgrade
from support.databases import fresh_database, rows
from support.device_client import Json, consent, coverage, customer_binding, role_revision, utterance
from support.received import NOW, QUIET, Sender, Words, opened

ROUNDS = 25
LATER = NOW + timedelta(hours=1)


async def senders(*databases: Database) -> list[Sender]:
    """Return one enrolled device as often as there are ways to the database."""
    device = new_id()
    enrolled = partial(
        add_device, tenant="acme", device_id=device, name="d", public_key=str(device), software="", now=NOW
    )
    await databases[0].write(enrolled)
    return [Sender(db, device_id=device) for db in databases]


def spot(talk: UUID) -> Spot:
    """Return where something is said afterwards."""
    return Spot(tenant="acme", conversation_id=talk, now=LATER, quiet_after=QUIET)


def batch(sender: Sender, talks: list[UUID], said: list[Json], *, chance: random.Random) -> list[Json]:
    """Return what a device may send at once, in any order: ends, words, customers, roles and, now and then, a no."""
    records = [sender.opened(talk) for talk in talks] + said
    records += [customer_binding(talk, f"C-{chance.randrange(3)}") for talk in talks if chance.random() < 0.5]
    records += [role_revision(talk, new_id(), "staff") for talk in talks if chance.random() < 0.5]
    records += [coverage(talk) for talk in talks]
    records += [consent(talk, "withdrawn") for talk in talks if chance.random() < 0.2]
    chance.shuffle(records)
    return records


async def hammer(url: str) -> None:
    """Send two batches of one device at a time, while programs speak of its conversations and workers analyse them."""
    chance = random.Random(5)
    async with opened(url) as one, opened(url) as other, opened(url) as third:
        first, second = await senders(one, other)
        for _ in range(ROUNDS):
            begun = [await first.talk("我排队等了两个小时，太差劲了。", ended=False) for _ in range(3)]
            talks = [*begun, new_id(), new_id()]
            said = [utterance(talk, "谢谢你。", start_ms=9000 + n) for n, talk in enumerate(talks * 3)]
            await asyncio.gather(
                first.send(batch(first, talks, said, chance=chance)),
                second.send(batch(second, talks, said, chance=chance)),
                third.write(partial(bind_customer, at=spot(begun[0]), customer="C-9")),
                third.write(partial(withdraw, at=spot(begun[1]))),
                Worker(third, load=Words, clock=lambda: LATER).drain(),
                Worker(other, load=Words, clock=lambda: LATER).drain(),
            )


def test_two_batches_of_one_device_never_wait_in_a_circle(tmp_path: Path) -> None:
    """Sent at the same time, with the same words and conversations in other orders, beside all others that write."""
    with fresh_database("postgresql") as url:
        assert url is not None
        asyncio.run(upgrade(url))
        asyncio.run(hammer(url))
        # The connections are closed, so their counts are in.
        told = rows(
            "SELECT deadlocks, xact_commit > 0 FROM pg_stat_database WHERE datname = current_database()",
            folder=tmp_path,
            url=url,
        )
        assert told == [(0, True)]
