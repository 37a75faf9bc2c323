"""Conversations as the server received them: stored by the real ingest, without HTTP."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from models.analysis import Analysis, Label
from models.ids import new_id
from models.labels import Role, Sentiment
from models.wire import Record
from nlp.understanding import Turn
from server.ingest import repository
from server.ingest.judging import Judged, judge
from server.ingest.lines import line_of
from server.store.database import Database
from server.store.moment import milliseconds
from support.databases import fresh_database
from support.device_client import Json, conversation, coverage, utterance

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
QUIET = timedelta(seconds=60)


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database of a kind."""
    with fresh_database(kind) as url:
        yield url or f"sqlite:///{folder / 'voicetrail.db'}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Give an open database."""
    db = Database.open(url)
    try:
        yield db
    finally:
        await db.close()


@dataclass
class Sender:
    """A device of one tenant whose records are stored at once."""

    db: Database
    tenant: str = "acme"
    device_id: UUID = field(default_factory=new_id)

    async def send(self, records: list[Json], *, now: datetime = NOW) -> list[str]:
        """Store records as the ingest route does and return what became of each."""
        return await self.db.write(lambda conn: self.store(records, conn, now=now))

    def store(self, records: list[Json], conn: Connection, *, now: datetime = NOW) -> list[str]:
        """Store records in a transaction."""
        judged = [
            judge(Record.model_validate_json(json.dumps(one)), tenant=self.tenant, device_id=self.device_id, now=now)
            for one in records
        ]
        assert all(isinstance(one, Judged) for one in judged), judged
        lines = [
            line_of(one, tenant=self.tenant, device=self.device_id.hex, recorded_ms=milliseconds(now))
            for one in judged
            if isinstance(one, Judged)
        ]
        device = self.device_id.hex
        return repository.store(conn, lines, tenant=self.tenant, device=device, now=now, quiet_after=QUIET)

    def opened(self, conversation_id: UUID, *, ended: bool = True, **changes: Any) -> Json:
        """Return the record that opens or closes a conversation."""
        return conversation(conversation_id, tenant=self.tenant, device_id=self.device_id, ended=ended, **changes)

    async def talk(self, *texts: str, ended: bool = True, now: datetime = NOW, **changes: Any) -> UUID:
        """Store a whole conversation of a customer's utterances, five seconds apart, and return its id."""
        conversation_id = new_id()
        spoken = [utterance(conversation_id, text, start_ms=at * 5000) for at, text in enumerate(texts)]
        records = [*spoken, coverage(conversation_id), self.opened(conversation_id, ended=ended, **changes)]
        assert set(await self.send(records, now=now)) == {"accepted"}
        return conversation_id


@dataclass
class Words:
    """Models that know three words, in the place of real ones: the worker is under test, not they."""

    model: str = "words-1"
    poison: str = "毒"
    """An utterance with this word makes them fail."""
    knows: tuple[tuple[str, str], ...] = (("差劲", "complain"), ("谢谢", "praise"))

    def analyse(self, turns: Any) -> list[Analysis]:
        """Label what they know and fail at poison."""
        return [self._of(turn) for turn in turns]

    def _of(self, turn: Turn) -> Analysis:
        if self.poison in turn.text:
            raise ZeroDivisionError(turn.text)
        return Analysis(
            utterance_id=turn.utterance_id,
            role=Role.CUSTOMER if turn.role is Role.UNKNOWN else turn.role,
            sentiment=Sentiment.NEGATIVE if "差劲" in turn.text else Sentiment.NEUTRAL,
            sentiment_probability=0.9,
            sentiment_uncertain=False,
            intents=tuple(Label(name=name, probability=0.9) for word, name in self.knows if word in turn.text),
            model=self.model,
        )
