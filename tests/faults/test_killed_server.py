"""kill -9 of the server during ingest and analysis: what it acknowledged is there once, every event once."""

import base64
import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.conversation import Conversation, CoverageSpan, Recognition, Utterance
from models.ids import new_id
from models.labels import ConsentState, CoverageState, Role
from models.wire import (
    HEADER_DEVICE,
    HEADER_SIGNATURE,
    HEADER_TIMESTAMP,
    Enrolment,
    EnrolmentRequest,
    IngestBatch,
    IngestReceipt,
    Record,
    Verdict,
    signing_payload,
)
from nlp.redaction import redact
from support.databases import DATABASES, fresh_database, rows
from support.programs import ServerProgram

KILLS = 20
CONVERSATIONS = 60
PAUSE_S = (0.05, 0.8)
WORDS = (
    ("staff", "您好，请问有什么可以帮您？"),
    ("customer", "我等了一个多小时了，你们这服务也太差了，我要投诉。"),
    ("staff", "不好意思让您久等了，我马上给您办理。"),
    ("customer", "这个理财产品的手续费怎么收？"),
    ("staff", "我明天上午十点给您回电话。"),
    ("customer", "行，你态度倒是挺好的，谢谢你。"),
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@dataclass
class Device:
    """A device that offers each batch until it has a receipt, and remembers what was acknowledged."""

    server: ServerProgram
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    identity: Enrolment | None = None
    acknowledged: set[UUID] = field(default_factory=set)
    sequence: Iterator[int] = field(default_factory=itertools.count)

    def enrol(self) -> None:
        """Take the server's one-time code."""
        public = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
        request = EnrolmentRequest(code=self.server.keys["enrolment_code"], public_key=public)
        answer = httpx2.post(
            self.server.url + "/v1/enrol",
            content=request.model_dump_json(),
            headers={"Content-Type": "application/json"},
            trust_env=False,
        )
        assert answer.is_success, answer.text
        self.identity = Enrolment.model_validate_json(answer.content)

    def conversation(self, number: int) -> list[Record]:
        """Return the records of one short conversation, its end included."""
        assert self.identity is not None
        start = datetime.now(UTC) - timedelta(hours=1)
        about = Conversation(
            id=new_id(),
            tenant=self.identity.tenant,
            site="bank-01",
            device_id=self.identity.device_id,
            staff="S-1",
            channel="counter",
            customer=f"C-{number % 7}",
            consent=ConsentState.GRANTED,
            started_at=start,
        )
        bodies: list[Conversation | Utterance | CoverageSpan] = [about]
        recognition = Recognition(model="test", avg_logprob=-0.2, no_speech_prob=0.01, compression_ratio=1.0)
        for turn, (role, words) in enumerate(WORDS):
            times = {"start_ms": turn * 5000, "end_ms": turn * 5000 + 4000}
            utterance = {"id": new_id(), "conversation_id": about.id, "role": Role(role), "text": redact(words)}
            bodies.append(Utterance(**utterance, **times, recognition=recognition))
        span = {"conversation_id": about.id, "site": "bank-01", "staff": "S-1", "channel": "counter"}
        bodies.append(CoverageSpan(**span, state=CoverageState.HEARD, start_ms=0, end_ms=30_000))
        bodies.append(about.model_copy(update={"ended_at": start + timedelta(seconds=30)}))
        return [
            Record(id=new_id(), device_seq=next(self.sequence), monotonic_ms=n, occurred_at=start, body=body)
            for n, body in enumerate(bodies)
        ]

    def send_until_acknowledged(self, records: list[Record], stop: threading.Event) -> None:
        """Offer one batch again and again, as a device does, until every record has its verdict."""
        assert self.identity is not None
        identity = self.identity
        batch = IngestBatch(
            id=new_id(),
            tenant=identity.tenant,
            device_id=identity.device_id,
            sent_at=datetime.now(UTC),
            records=tuple(records),
        )
        body = batch.model_dump_json().encode()
        while not stop.is_set():
            timestamp = int(time.time())
            signature = self.key.sign(signing_payload(identity.device_id, timestamp, body))
            headers = {
                HEADER_DEVICE: str(identity.device_id),
                HEADER_TIMESTAMP: str(timestamp),
                HEADER_SIGNATURE: base64.b64encode(signature).decode(),
                "Content-Type": "application/json",
            }
            try:
                answer = httpx2.post(
                    self.server.url + "/v1/ingest", content=body, headers=headers, timeout=20, trust_env=False
                )
            except httpx2.TransportError:
                time.sleep(0.05)
                continue
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                receipt = IngestReceipt.model_validate_json(answer.content)
                assert all(v.verdict is not Verdict.REJECTED for v in receipt.verdicts), answer.text
                self.acknowledged |= {v.id for v in receipt.verdicts if v.id is not None}
                return


def send_all(device: Device, batches: list[list[Record]], stop: threading.Event) -> None:
    """Send the batches one after the other, slowly enough that every kill meets some of them."""
    for batch in batches:
        device.send_until_acknowledged(batch, stop)
        time.sleep(0.05)


def check_utterances(server: ServerProgram, device: Device, conversations: list[list[Record]]) -> None:
    """Each record was acknowledged, and each utterance is in the database exactly once."""
    sent = [record for records in conversations for record in records]
    assert device.acknowledged == {record.id for record in sent}
    stored = rows("SELECT record_id FROM utterance", folder=server.folder, url=server.database_url)
    found = sorted(UUID(str(record_id)) for (record_id,) in stored)
    assert found == sorted(record.id for record in sent if isinstance(record.body, Utterance))


def check_events(server: ServerProgram) -> None:
    """Each conversation has the same events, each once, in a feed without holes or repetitions."""
    feed = server.events()
    assert [event["sequence"] for event in feed] == list(range(1, len(feed) + 1))
    assert len({event["id"] for event in feed}) == len(feed)
    retracted = {event["supersedes"] for event in feed if event["supersedes"]}
    standing = [event for event in feed if event["id"] not in retracted and not event["retracted"]]
    of_conversation: dict[str, list[tuple[str, str]]] = {}
    for event in standing:
        of_conversation.setdefault(event["conversation_id"], []).append((event["kind"], event["quote"]))
    assert len(of_conversation) == CONVERSATIONS
    assert len({tuple(sorted(events)) for events in of_conversation.values()}) == 1


@pytest.mark.parametrize("kind", DATABASES)
def test_a_server_killed_twenty_times_keeps_each_acknowledged_utterance_and_event_once(
    tmp_path: Path, kind: str
) -> None:
    """Killed twenty times while records come in and are analysed, it ends with each of them exactly once."""
    dice = random.Random(9)
    stop = threading.Event()
    with fresh_database(kind) as url:
        server = ServerProgram(tmp_path / "server", url)
        server.set_up()
        server.start()
        device = Device(server)
        device.enrol()
        conversations = [device.conversation(number) for number in range(CONVERSATIONS)]
        batches = [records[at : at + 3] for records in conversations for at in range(0, len(records), 3)]
        sender = threading.Thread(target=send_all, args=(device, batches, stop))
        sender.start()
        try:
            for _ in range(KILLS):
                time.sleep(dice.uniform(*PAUSE_S))
                server.kill()
                server.start()
            sender.join(timeout=120)
            assert not sender.is_alive()
            server.wait_for_analysis()
            check_utterances(server, device, conversations)
            check_events(server)
        finally:
            stop.set()
            sender.join(timeout=30)
            server.stop()
