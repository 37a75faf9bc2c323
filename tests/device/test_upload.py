"""Delivery over real sockets: whatever the server or the network does, each record arrives once or says why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.clock import read_clock
from edge_agent.delivery import Delivered
from edge_agent.device import Device
from edge_agent.enrolment import enrol
from edge_agent.outbox import Outbox
from edge_agent.server_link import ServerBusyError, ServerLink
from edge_agent.settings import EdgeSettings
from edge_agent.upload import Uploader
from models.errors import UploadError
from models.wire import IngestBatch, Record
from support.edge_device import opened_outbox, settings, utterance_record
from support.programs import wait_until
from support.scripted_server import (
    Exchange,
    ScriptedServer,
    Step,
    accept,
    garbage,
    hang,
    hang_up,
    hang_up_after_storing,
    receipt,
    refuse,
    reject,
    reset,
    scripted_server,
)


@dataclass
class Line:
    """A device with its outbox, and the server it is enrolled at."""

    server: ScriptedServer
    device: Device
    outbox: Outbox
    uploader: Uploader
    troubles: list[UploadError]

    def append(self, count: int, *, text: str = "你好") -> list[Record]:
        records = [utterance_record(text) for _ in range(count)]
        self.outbox.append(records, now_ms=read_clock().wall_ms)
        return records

    def deliver(self, *script: Step, wait_s: float = 20) -> Delivered:
        self.server.script = list(script)
        delivery = self.device.delivery(on_trouble=self.troubles.append)
        delivery.start()
        return delivery.finish(wait_s=wait_s)


@contextmanager
def connected(folder: Path, chosen: EdgeSettings) -> Iterator[Line]:
    with scripted_server() as server, ServerLink(server.url, timeout_s=5) as link:
        enrol(folder, link=link, code=server.CODE, name="test")
        device = Device.load(folder, settings=chosen)
        with opened_outbox(folder) as outbox:
            uploader = Uploader(outbox, link=link, identity=device.identity, key=device.key, settings=chosen)
            yield Line(server, device, outbox, uploader, [])


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with connected(tmp_path, settings(request_timeout_s=2)) as line:
        yield line


def test_everything_arrives_signed_in_batches(line: Line) -> None:
    """45 records go in three batches of at most 20, each signed over the bytes as sent."""
    records = line.append(45)
    delivered = line.deliver()
    assert (delivered.tally.accepted, delivered.error) == (45, None)
    assert list(line.server.stored) == [record.id for record in records]
    assert line.server.signed == [True] * 3
    assert line.outbox.backlog().acknowledged == 45


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (refuse(503, "store_away", Retry_After="0"), "store_away"),
        (refuse(429, "too_many", Retry_After="0"), "too_many"),
        (refuse(500, "internal_error"), "internal_error"),
        (refuse(408, "too_slow"), "too_slow"),
        (hang_up, "server_unreachable"),
        (reset, "server_unreachable"),
        (hang, "server_unreachable"),
        (garbage, "bad_receipt"),
    ],
)
def test_trouble_that_passes_loses_nothing(line: Line, step: Step, code: str) -> None:
    """After the trouble everything is delivered once, and the trouble was told once."""
    line.append(3)
    delivered = line.deliver(step, step)
    assert delivered.tally.accepted == 3
    assert len(line.server.stored) == 3
    assert [trouble.code for trouble in line.troubles] == [code]
    assert delivered.error is None


def test_an_answer_that_got_lost_makes_duplicates_and_not_copies(line: Line) -> None:
    """The server stored the batch and the connection broke: sent again, the records are duplicates, and settled."""
    line.append(3)
    delivered = line.deliver(hang_up_after_storing)
    assert (delivered.tally.accepted, delivered.tally.duplicates) == (0, 3)
    assert len(line.server.stored) == 3
    assert line.outbox.backlog().acknowledged == 3


def test_retry_after_is_waited_for(line: Line) -> None:
    """The wait that the server asks for is handed on to whoever waits."""
    line.append(1)
    line.server.script = [refuse(503, "store_away", Retry_After="7")]
    with pytest.raises(UploadError) as busy:
        line.uploader.send_due()
    assert isinstance(busy.value, ServerBusyError)
    assert busy.value.retry_after_s == 7.0
    assert not busy.value.permanent


def test_a_wrong_clock_is_corrected_by_the_servers_date_and_the_batch_signed_again(line: Line) -> None:
    """Two hours behind, the first signature is refused and the second accepted; the offset is kept."""
    line.append(2)
    line.server.clock_ahead_s = 7200.0
    delivered = line.deliver(refuse(401, "signature_expired"))
    assert delivered.tally.accepted == 2
    assert line.outbox.server_clock().offset_at(read_clock()) == pytest.approx(7_200_000, abs=3000)
    assert len(line.server.bodies) == 2


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (refuse(401, "device_revoked"), "device_revoked"),
        (refuse(403, "tenant_mismatch"), "tenant_mismatch"),
        (refuse(400, "batch_invalid"), "batch_invalid"),
        (refuse(404, "not_found"), "not_found"),
    ],
)
def test_a_refused_batch_stops_delivery_with_its_code_and_keeps_the_records(line: Line, step: Step, code: str) -> None:
    """What cannot go well by trying again is not tried again, and nothing is thrown away."""
    line.append(2)
    delivered = line.deliver(step)
    assert delivered.error is not None
    assert (delivered.error.code, delivered.error.permanent) == (code, True)
    assert line.outbox.backlog().pending == 2
    assert len(line.server.bodies) == 1


def test_a_second_expired_signature_is_not_tried_for_ever(line: Line) -> None:
    """One correction per batch: a server that refuses again is reported."""
    line.append(1)
    delivered = line.deliver(refuse(401, "signature_expired"), refuse(401, "signature_expired"))
    assert delivered.error is not None
    assert delivered.error.code == "signature_expired"
    assert len(line.server.bodies) == 2


def test_a_batch_that_is_too_large_is_halved_until_it_fits(line: Line) -> None:
    """413 makes smaller batches; all records arrive, in their order."""
    records = line.append(8)

    too_large = refuse(413, "too_large")
    delivered = line.deliver(too_large, too_large)
    assert delivered.tally.accepted == 8
    assert list(line.server.stored) == [record.id for record in records]


def test_a_single_record_that_is_too_large_is_a_dead_letter(line: Line) -> None:
    """It cannot be halved; it is put aside with its reason, and the next one goes out."""
    line.append(1, text="长" * 2000)
    line.append(1)
    too_large = refuse(413, "too_large")
    delivered = line.deliver(too_large, too_large)
    backlog = line.outbox.backlog()
    assert (delivered.tally.accepted, delivered.tally.rejected) == (1, 1)
    assert [letter.code for letter in backlog.dead_letters] == ["record_too_large"]


def test_one_rejected_record_is_a_dead_letter_and_its_batch_goes_through(line: Line) -> None:
    """The verdict counts per record: one is dead with the server's code, the others are acknowledged."""
    records = line.append(5)
    delivered = line.deliver(reject("text_invalid", permanent=True, which=2))
    assert (delivered.tally.accepted, delivered.tally.rejected) == (4, 1)
    (letter,) = line.outbox.backlog().dead_letters
    assert (letter.record_id, letter.code) == (records[2].id, "text_invalid")


def test_a_record_rejected_for_now_is_offered_again(line: Line) -> None:
    """Not permanent: it is postponed, offered again and taken."""
    line.append(3)
    delivered = line.deliver(reject("busy", permanent=False))
    assert (delivered.tally.accepted, delivered.tally.postponed) == (3, 1)
    assert line.outbox.backlog().acknowledged == 3


def test_a_record_rejected_for_now_too_often_is_a_dead_letter(tmp_path: Path) -> None:
    """After the last attempt it is visible as dead instead of going round for ever."""
    with connected(tmp_path, settings(max_attempts=3)) as line:
        line.append(1)
        delivered = line.deliver(*[reject("busy", permanent=False)] * 3)
        assert delivered.tally.rejected == 1
        (letter,) = line.outbox.backlog().dead_letters
    assert (letter.code, letter.attempts) == ("busy", 3)


def test_a_record_that_the_server_stumbles_over_does_not_keep_the_others_back(line: Line) -> None:
    """Its batch fails with 500; sent one by one, the others arrive, and it stays pending and visible."""
    poison, *others = line.append(4)

    def stumble(exchange: Exchange, batch: IngestBatch) -> None:
        line.server.script = [stumble]
        poisoned = any(record.id == poison.id for record in batch.records)
        (refuse(500, "internal_error") if poisoned else accept)(exchange, batch)

    line.server.script = [stumble]
    delivery = line.device.delivery(on_trouble=line.troubles.append)
    delivery.start()
    wait_until(lambda: set(line.server.stored) == {record.id for record in others}, what="the others arrived")
    wait_until(lambda: line.outbox.backlog().most_attempts > 1, what="the one was tried again")
    delivery.stop()
    backlog = line.outbox.backlog()
    assert (backlog.pending, backlog.dead) == (1, 0)
    assert backlog.most_attempts > 1


def test_a_receipt_without_a_record_leaves_that_record_pending(line: Line) -> None:
    """What got no verdict was not judged: it is offered again, never taken for delivered."""
    records = line.append(2)

    def judges_the_first(exchange: Exchange, batch: IngestBatch) -> None:
        receipt(exchange, batch, [{"id": str(batch.records[0].id), "verdict": "accepted"}])

    line.server.script = [judges_the_first]
    assert line.uploader.send_due().accepted == 1
    assert line.outbox.backlog().pending == 1
    assert line.deliver().tally.accepted == 1
    assert records[1].id in line.server.stored


def test_without_a_server_the_records_stay_and_the_trouble_is_named(line: Line) -> None:
    """Nothing listens: delivery gives up after its time, and says how it stands."""
    line.append(2)
    line.server.shutdown()
    line.server.server_close()
    delivered = line.deliver(wait_s=0)
    assert delivered.error is not None
    assert (delivered.error.code, delivered.error.permanent) == ("server_unreachable", False)
    assert line.outbox.backlog().pending == 2


def test_a_batch_reads_back_as_text_only(line: Line) -> None:
    """What went over the wire is the batch of models.wire and holds the masked text."""
    line.append(1, text="我的手机号是13912345678")
    line.deliver()
    (stored,) = line.server.stored.values()
    assert stored["body"]["text"]["text"] == "我的手机号是〔手机号〕"
    moment = datetime.fromisoformat(stored["occurred_at"])
    assert moment.tzinfo is not None
    assert moment.astimezone(UTC) == moment
