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
from support.programs import ServerProgram, wait_until

KILLS = 20
CONVERSATIONS = 60
BATCHES_A_KILL = 9
"""Three conversations: the sender waits for the next kill when they are acknowledged."""
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
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=20, trust_env=False))
    in_flight: threading.Event = field(default_factory=threading.Event)
    """A batch is on its way."""
    broken: int = 0
    """Batches that the server took no longer: it died between their arrival and their receipt."""

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
            self.in_flight.set()
            try:
                answer = self.client.post(self.server.url + "/v1/ingest", content=body, headers=headers)
            except httpx2.TransportError as error:
                self.broken += not isinstance(error, httpx2.ConnectError)
                time.sleep(0.05)
                continue
            finally:
                self.in_flight.clear()
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                receipt = IngestReceipt.model_validate_json(answer.content)
                assert all(v.verdict is not Verdict.REJECTED for v in receipt.verdicts), answer.text
                self.acknowledged |= {v.id for v in receipt.verdicts if v.id is not None}
                return


@dataclass
class Sender:
    """Sends batches in a thread, as many as it is allowed."""

    device: Device
    batches: list[list[Record]]
    allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopped: threading.Event = field(default_factory=threading.Event)
    sent: int = 0

    def run(self) -> None:
        """Send the batches one after the other."""
        for batch in self.batches:
            self.allowed.acquire()
            if self.stopped.is_set():
                return
            self.device.send_until_acknowledged(batch, self.stopped)
            self.sent += 1


def kill_during_ingest(server: ServerProgram, sender: Sender, dice: random.Random) -> None:
    """Kill the server within a few milliseconds of a batch on its way to it."""
    some = sender.sent + dice.randrange(BATCHES_A_KILL - 1)
    wait_until(lambda: sender.sent >= some, what="some batches acknowledged", every_s=0.001)
    assert sender.device.in_flight.wait(timeout=60)
    time.sleep(dice.uniform(0, 0.006))
    server.kill()


def kill_during_analysis(server: ServerProgram, sender: Sender, *, upto: int) -> bool:
    """Kill the server when the last conversation was acknowledged; say whether some were left to analyse."""
    wait_until(lambda: sender.sent >= upto, what="all batches acknowledged", every_s=0.001)
    server.kill()
    waiting = rows("SELECT count(*) FROM analysis_queue", folder=server.folder, url=server.database_url)
    return bool(waiting[0][0])


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
    """Killed ten times during ingest and ten times during analysis, it ends with each of them exactly once."""
    dice = random.Random(9)
    with fresh_database(kind) as url:
        server = ServerProgram(tmp_path / "server", url)
        server.set_up()
        server.start()
        device = Device(server)
        device.enrol()
        conversations = [device.conversation(number) for number in range(CONVERSATIONS)]
        batches = [records[at : at + 3] for records in conversations for at in range(0, len(records), 3)]
        sender = Sender(device, batches)
        thread = threading.Thread(target=sender.run)
        thread.start()
        left_to_analyse = 0
        try:
            for kill in range(KILLS):
                sender.allowed.release(BATCHES_A_KILL)
                if kill % 2:
                    left_to_analyse += kill_during_analysis(server, sender, upto=(kill + 1) * BATCHES_A_KILL)
                else:
                    kill_during_ingest(server, sender, dice)
                server.start()
            thread.join(timeout=120)
            assert not thread.is_alive()
            server.wait_for_analysis()
            check_utterances(server, device, conversations)
            check_events(server)
            # A receipt may be on its way already when the server dies, and an analysis be done: most meet their moment.
            assert device.broken >= KILLS // 4
            assert left_to_analyse >= KILLS // 4
        finally:
            sender.stopped.set()
            sender.allowed.release(len(batches))
            thread.join(timeout=30)
            server.stop()
            device.client.close()
