"""Whatever happens in whatever order, the outbox keeps each record exactly once."""

import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import RecordState, Settlement
from support.edge_device import NOW_MS, pending_ids, utterance_record
from support.edge_device import settings as edge_settings

RETENTION_MS = 1000


class OutboxLife(RuleBasedStateMachine):
    """Append, send, answer, lose the answer, crash, send again, purge: held against a model of three sets."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-life-"))
        self.now_ms = NOW_MS
        self.pending: list[UUID] = []
        self.acknowledged: dict[UUID, int] = {}
        self.dead: list[UUID] = []
        self.order: list[UUID] = []
        self.server: list[UUID] = []

    @initialize()
    def open(self) -> None:
        self.outbox = Outbox(self.folder, settings=edge_settings(reserve_kb=0))

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        records = [utterance_record() for _ in range(count)]
        self.outbox.append(records, now_ms=self.now_ms)
        self.pending += [record.id for record in records]
        self.order += [record.id for record in records]

    @rule(limit=st.integers(1, 5), answer_arrives=st.booleans(), dead=st.integers(0, 6))
    def send(self, limit: int, answer_arrives: bool, dead: int) -> None:
        batch = [item.record.id for item in self.outbox.due(now_ms=self.now_ms, limit=limit, max_bytes=1 << 20)]
        refused = batch[dead : dead + 1]
        self.server += [sent for sent in batch if sent not in refused and sent not in self.server]
        if not answer_arrives:
            return
        settlements = [
            Settlement(record_id=sent, state=RecordState.DEAD if sent in refused else RecordState.ACKNOWLEDGED)
            for sent in batch
        ]
        self.outbox.settle(settlements, now_ms=self.now_ms)
        self.pending = [kept for kept in self.pending if kept not in batch]
        self.dead += refused
        self.acknowledged |= {sent: self.now_ms for sent in batch if sent not in refused}

    @rule()
    def crash_and_reopen(self) -> None:
        self.outbox.close()
        self.outbox = Outbox(self.folder, settings=edge_settings(reserve_kb=0))

    @rule()
    def offer_again(self) -> None:
        assert self.outbox.offer_again() == len(self.acknowledged) + len(self.dead)
        self.pending = sorted([*self.pending, *self.acknowledged, *self.dead], key=self.order.index)
        self.acknowledged, self.dead = {}, []

    @rule(passed_ms=st.integers(0, 700))
    def purge_later(self, passed_ms: int) -> None:
        self.now_ms += passed_ms
        old = [sent for sent, at_ms in self.acknowledged.items() if at_ms <= self.now_ms - RETENTION_MS]
        assert self.outbox.purge(now_ms=self.now_ms, retention_ms=RETENTION_MS) == len(old)
        self.acknowledged = {sent: at_ms for sent, at_ms in self.acknowledged.items() if sent not in old}

    @invariant()
    def each_record_is_there_once(self) -> None:
        assert pending_ids(self.outbox, now_ms=self.now_ms) == self.pending
        backlog = self.outbox.backlog()
        assert (backlog.pending, backlog.acknowledged, backlog.dead) == (
            len(self.pending),
            len(self.acknowledged),
            len(self.dead),
        )

    @invariant()
    def what_was_acknowledged_is_on_the_server(self) -> None:
        assert set(self.acknowledged) <= set(self.server)

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.folder)


OutboxLife.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOutboxLife = OutboxLife.TestCase
