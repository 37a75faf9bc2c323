"""A withdrawal over a real server: no word of the conversation stays on the device, in whatever state it was."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from edge_agent.clock import read_clock
from edge_agent.device import Device
from edge_agent.enrolment import enrol
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import RecordState, Settlement
from edge_agent.recorder import Ended, Recorder
from edge_agent.recordings import Recording, withdrawn
from edge_agent.server_link import ServerLink
from edge_agent.session import erase_withdrawn
from edge_agent.signed_request import SignedRequests
from edge_agent.upload import Tally
from edge_agent.withdrawals import FILE_NAME, Withdrawals
from models.conversation import Utterance
from models.ids import new_id
from nlp.redaction import redact_turns
from support.edge_device import encounter, heard_block, settings
from support.programs import free_port
from support.running_server import RunningServer


class Talk:
    """A conversation that one device records, six utterances of which three were delivered."""

    def __init__(self, device: Device, outbox: Outbox) -> None:
        self.device = device
        self.outbox = outbox
        self.recorder = Recorder(outbox, identity=device.identity, redact=redact_turns, on_sealed=lambda _records: None)
        self.recording = self.recorder.begin(encounter(), fingerprint=str(new_id()), live=True)
        self._hear("我想问一下利率", "能不能再低一点", "我再考虑考虑")
        assert self.deliver().accepted >= 3
        self._hear("下次再来吧", "真是麻烦", "谢谢你")

    def _hear(self, *texts: str) -> None:
        start_ms = self.recording.until_ms
        block = heard_block(self.recording.blocks, start_ms=start_ms, end_ms=start_ms + 4_000, texts=texts)
        self.recording: Recording = self.recorder.seal(block, self.recording)

    def deliver(self) -> Tally:
        """Send what is due until nothing is."""
        tally = Tally()
        with self.device.uploading() as uploader:
            while (sent := uploader.send_due()).sent:
                tally += sent
        return tally

    def utterances(self) -> list[UUID]:
        """Open every record on the device, whatever it belongs to; return the utterances of this conversation."""
        with sqlite3.connect(self.device.folder / "outbox.db") as db:
            ids = [UUID(row[0]) for row in db.execute("SELECT id FROM records")]
        db.close()
        letters = [self.outbox.letter(record) for record in ids]
        records = [letter.record for letter in letters if letter is not None]
        assert None not in records
        return [
            record.id
            for record in records
            if record is not None
            and isinstance(record.body, Utterance)
            and record.body.conversation_id == self.recording.id
        ]


@contextmanager
def talking(server: RunningServer, folder: Path) -> Iterator[Talk]:
    """Enrol a device and let it record."""
    code = server.post("/v1/devices/enrolment-codes").json()["enrolment_code"]
    with ServerLink(server.url, timeout_s=60) as link:
        enrol(folder, link=link, code=code, name="counter")
    device = Device.load(folder, settings=settings())
    outbox = device.open_outbox()
    try:
        yield Talk(device, outbox)
    finally:
        outbox.close()


def withdraw_on_the_server(server: RunningServer, conversation: UUID) -> None:
    """Take consent back as a program does."""
    assert server.post(f"/v1/conversations/{conversation}/withdraw").status_code == 200


def test_a_withdrawal_erases_pending_delivered_and_dead_words(server: RunningServer, tmp_path: Path) -> None:
    """Also those of which the answer was lost; offered to the server afterwards, nothing becomes a dead letter."""
    with talking(server, tmp_path) as talk:
        said = talk.utterances()
        assert len(said) == 6
        talk.outbox.offer_again(record=said[0])
        talk.outbox.settle([Settlement(record_id=said[5], state=RecordState.DEAD, code="x")], now_ms=1)
        changed = withdrawn(talk.recording)
        talk.recorder.withdraw(changed, how="button", at=read_clock().moment)
        assert talk.utterances() == []
        talk.recorder.end(Ended(recording=changed, duration_ms=9_000))
        talk.deliver()
        backlog = talk.outbox.backlog()
        assert (backlog.pending, backlog.dead, backlog.unreadable) == (0, 0, 0)
        assert server.of(talk.recording.id, "utterance", "text") == []


@pytest.mark.parametrize("answer_lost", [False, True])
def test_words_that_the_server_refuses_for_a_withdrawal_are_erased(
    server: RunningServer, tmp_path: Path, answer_lost: bool
) -> None:
    """The device learns of a withdrawal by a verdict: all words of the conversation go, the delivered ones too."""
    with talking(server, tmp_path) as talk:
        withdraw_on_the_server(server, talk.recording.id)
        if answer_lost:
            talk.outbox.offer_again(record=talk.utterances()[0])
        tally = talk.deliver()
        assert (tally.erased, tally.rejected, tally.accepted) == (4 if answer_lost else 3, 0, 2)
        assert talk.utterances() == []
        backlog = talk.outbox.backlog()
        assert (backlog.pending, backlog.dead, backlog.unreadable) == (0, 0, 0)
        assert server.of(talk.recording.id, "utterance", "text") == []


def test_other_conversations_keep_their_words(server: RunningServer, tmp_path: Path) -> None:
    """What is refused in one conversation says nothing of the next."""
    with talking(server, tmp_path) as refused:
        withdraw_on_the_server(server, refused.recording.id)
        kept = Talk(refused.device, refused.outbox)
        assert (len(refused.utterances()), len(kept.utterances())) == (0, 6)


@contextmanager
def asking(talk: Talk) -> Iterator[SignedRequests]:
    """Give a device's own requests."""
    with ServerLink(talk.device.identity.server, timeout_s=60) as link:
        yield SignedRequests(link, identity=talk.device.identity, key=talk.device.key)


def told(talk: Talk) -> list[UUID]:
    """Return what a device that starts is told, all of it taken."""
    with asking(talk) as requests:
        return [one for page in Withdrawals(talk.device).pages(requests) for one in page]


def test_a_command_that_ends_erases_what_was_withdrawn(server: RunningServer, tmp_path: Path) -> None:
    """Without anything to send it asks, erases delivered and waiting words, and is not told again."""
    with talking(server, tmp_path) as talk:
        kept = Talk(talk.device, talk.outbox)
        withdraw_on_the_server(server, talk.recording.id)
        erase_withdrawn(talk.device, talk.outbox)
        assert (talk.utterances(), len(kept.utterances())) == ([], 6)
        assert told(talk) == []


def test_without_a_network_nothing_is_lost(server: RunningServer, tmp_path: Path) -> None:
    """A command that ends while the server is away keeps what it has; the next one learns of it."""
    with talking(server, tmp_path) as talk:
        withdraw_on_the_server(server, talk.recording.id)
        away = talk.device.identity.model_copy(update={"server": f"http://127.0.0.1:{free_port()}"})
        erase_withdrawn(replace(talk.device, identity=away), talk.outbox)
        assert len(talk.utterances()) == 6
        erase_withdrawn(talk.device, talk.outbox)
        assert talk.utterances() == []


def test_what_failed_is_told_again(server: RunningServer, tmp_path: Path) -> None:
    """Killed or refused while it erases, a device is given the same conversations at the next time."""
    with talking(server, tmp_path) as talk:
        withdraw_on_the_server(server, talk.recording.id)
        with asking(talk) as requests:
            assert next(Withdrawals(talk.device).pages(requests)) == (talk.recording.id,)
        assert told(talk) == [talk.recording.id]
        assert told(talk) == []


@pytest.mark.parametrize("kept", ["damaged", "of another server", "after a restored database"])
def test_a_place_that_is_not_this_servers_counts_for_nothing(server: RunningServer, tmp_path: Path, kept: str) -> None:
    """A device is rather told twice than not at all."""
    with talking(server, tmp_path) as talk:
        withdraw_on_the_server(server, talk.recording.id)
        assert told(talk) == [talk.recording.id]
        file = tmp_path / FILE_NAME
        place = json.loads(file.read_text())
        changed = {
            "damaged": "{",
            "of another server": json.dumps(place | {"server": "https://elsewhere.example"}),
            "after a restored database": json.dumps(place | {"after": 10**9}),
        }
        file.write_text(changed[kept])
        assert told(talk) == [talk.recording.id]
        assert told(talk) == []
