"""Every spoken conversation goes its whole way: device, server, events; the declined one leaves a withheld span."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.databases import rows
from support.programs import BIN, ServerProgram, enrol, run_json, running_server
from support.shared_data import shared

pytestmark = [pytest.mark.speech, pytest.mark.timeout(1800)]

TABLES = ("conversation", "utterance", "coverage_span", "consent", "experience_event")


@dataclass(frozen=True)
class Replayed:
    """One conversation after its replay."""

    gold: dict[str, Any]
    summary: dict[str, Any]


@dataclass(frozen=True)
class Branch:
    """A server and a device that have heard all conversations."""

    server: ServerProgram
    device: Path
    conversations: tuple[Replayed, ...]

    def counts(self) -> dict[str, int]:
        """Count the rows of each table."""
        folder, url = self.server.folder, self.server.database_url
        return {t: rows(f"SELECT count(*) FROM {t}", folder=folder, url=url)[0][0] for t in TABLES}  # noqa: S608 - words of this test


def replay(gold: dict[str, Any], audio: Path, device: Path) -> dict[str, Any]:
    """Replay one conversation as its gold file says it was held."""
    consent = "declined" if gold["consent"] == "declined" else "granted"
    who = ("--customer", f"C-{gold['id']}", "--staff", "S-1", "--site", gold["industry"], "--channel", gold["channel"])
    command = (BIN / "voicetrail-edge", "replay", audio, "--data", device, *who, "--consent", consent)
    return run_json(*command, "--pace", "fast", "--json", timeout_s=600)


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    """Replay every conversation once, and wait for the analysis."""
    folder = shared("conversations")
    base = tmp_path_factory.mktemp("branch")
    device = base / "device"
    with running_server(base / "server") as server:
        enrol(server, device)
        heard = []
        for path in sorted(folder.glob("*.json")):
            gold = json.loads(path.read_text(encoding="utf-8"))
            heard.append(Replayed(gold, replay(gold, folder / gold["audio"]["file"], device)))
        server.wait_for_analysis()
        yield Branch(server, device, tuple(heard))


def test_everything_is_uploaded_once(branch: Branch) -> None:
    """Each replay ends with an empty backlog, nothing rejected and nothing sent twice."""
    assert len(branch.conversations) >= 20
    for replayed in branch.conversations:
        summary = replayed.summary
        assert (summary["pending"], summary["rejected"], summary["duplicates"]) == (0, 0, 0), replayed.gold["id"]
        assert summary["uploaded"] > 0
    total = sum(replayed.summary["utterances"] for replayed in branch.conversations)
    assert branch.counts()["utterance"] == total > 300


def test_every_second_is_accounted_for(branch: Branch) -> None:
    """Heard, silent, lost and withheld seconds add up to the recording, within one frame at its end."""
    for replayed in branch.conversations:
        summary = replayed.summary
        parts = (summary["heard"], summary["silent"], summary["lost"], summary["withheld"])
        last_turn_s = replayed.gold["turns"][-1]["end"]
        assert last_turn_s - 0.1 <= sum(parts) <= last_turn_s + 5, replayed.gold["id"]


def test_replaying_the_same_outbox_stores_nothing_new(branch: Branch) -> None:
    """A second replay of the same recordings is answered with duplicates and leaves every table as it was."""
    folder = shared("conversations")
    before = branch.counts()
    for replayed in branch.conversations[:4]:
        again = replay(replayed.gold, folder / replayed.gold["audio"]["file"], branch.device)
        assert again["uploaded"] == 0
        assert again["duplicates"] == replayed.summary["uploaded"]
    everything = run_json(BIN / "voicetrail-edge", "outbox", "--data", branch.device, "--resend", "--json")
    assert everything["pending"] == 0
    branch.server.wait_for_analysis()
    assert branch.counts() == before


def test_each_event_quotes_words_that_stand_in_its_conversation(branch: Branch) -> None:
    """The feed holds events, and each quote is found in an utterance that the event names."""
    events = branch.server.events()
    assert len(events) >= len(branch.conversations)
    for event in events:
        conversation = branch.server.get(f"/v1/conversations/{event['conversation_id']}")
        texts = {u["id"]: u["text"] for u in conversation["utterances"]}
        assert event["quote"] in texts[event["utterance_ids"][0]]
        assert event["customer"] == conversation["customer"]


def test_the_declined_conversation_leaves_a_withheld_span_and_nothing_else(branch: Branch) -> None:
    """After a "no" neither device nor server holds the customer, a word, or a conversation: only withheld time."""
    declined = [r for r in branch.conversations if r.gold["consent"] == "declined"]
    assert declined
    folder, url = branch.server.folder, branch.server.database_url
    spans = rows(
        "SELECT conversation_id, reason, end_ms - start_ms FROM coverage_span WHERE state = 'withheld'",
        folder=folder,
        url=url,
    )
    assert len(spans) == len(declined)
    for replayed, (conversation, reason, length_ms) in zip(declined, spans, strict=True):
        summary = replayed.summary
        assert (summary["utterances"], summary["heard"], summary["uploaded"]) == (0, 0, 1)
        assert (conversation, reason) == (None, "consent_declined")
        assert length_ms / 1000 == pytest.approx(summary["withheld"], abs=0.1)
        customer = f"C-{replayed.gold['id']}".encode()
        kept = [p for place in (folder, branch.device) for p in place.rglob("*") if p.is_file()]
        assert kept
        assert not [p.name for p in kept if customer in p.read_bytes()]
