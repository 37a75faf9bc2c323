"""kill -9 of the device between recognition and upload, and of the server under it."""

import random
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from support.programs import (
    BIN,
    DEMO_AUDIO,
    ServerProgram,
    enrol,
    kill,
    replay_command,
    run,
    run_json,
    running_server,
    start,
    wait_until,
)

KILLS_BEFORE_UPLOAD = 12
KILLS_DURING_UPLOAD = 8
ATTEMPTS_DURING_UPLOAD = 40
RECORDING = DEMO_AUDIO / "01-wealth-advice.opus"

pytestmark = [pytest.mark.faults, pytest.mark.speech, pytest.mark.timeout(1500)]


def record_states(device: Path) -> Counter[str]:
    """Count the outbox's records by state, as another process sees them."""
    database = device / "outbox.db"
    if not database.exists():
        return Counter()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as db:
        try:
            return Counter(state for (state,) in db.execute("SELECT state FROM records"))
        except sqlite3.OperationalError:
            return Counter()  # the file stands, its tables do not yet


def server_utterances(server: ServerProgram) -> list[tuple[str, str, int, str]]:
    """Return (record, conversation, start, text) of every utterance on the server."""
    with sqlite3.connect(f"file:{server.folder / 'voicetrail.db'}?mode=ro", uri=True, timeout=30) as db:
        return db.execute("SELECT record_id, conversation_id, start_ms, text FROM utterance").fetchall()


def replay(device: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start replaying the recording."""
    return start(*replay_command(RECORDING, device, customer="C-9"), log=log)


def test_a_device_killed_twenty_times_delivers_every_utterance_and_every_event_once(tmp_path: Path) -> None:
    """Killed twenty times at random moments, a device ends with the text and the events of an undisturbed one."""
    dice = random.Random(20)
    with running_server(tmp_path / "server") as server:
        calm, killed = tmp_path / "calm", tmp_path / "killed"
        enrol(server, killed)
        more = run_json(BIN / "voicetrail-server", "enrolment-code", "--data", server.folder, "--json")
        enrol(server, calm, code=more["enrolment_code"])
        undisturbed = run_json(*replay_command(RECORDING, calm, customer="C-8"))
        assert undisturbed["utterances"] > 10

        server.stop()
        pending_at_kill = []
        for _ in range(KILLS_BEFORE_UPLOAD):
            before = record_states(killed).total()
            process = replay(killed, tmp_path / "device.log")
            # Once all is sealed, the device only waits for the server: then it is killed while it tries to upload.
            goal = min(before + 1, undisturbed["uploaded"])
            wait_until(lambda goal=goal: record_states(killed).total() >= goal, what="a block sealed", limit_s=90)
            time.sleep(dice.uniform(0, 1))
            kill(process)
            pending_at_kill.append(record_states(killed)["pending"])
        assert pending_at_kill[0] > 0
        assert pending_at_kill == sorted(pending_at_kill), "a sealed record was lost"

        server.start()
        kills = 0
        for _ in range(ATTEMPTS_DURING_UPLOAD):
            process = replay(killed, tmp_path / "device.log")
            try:
                # A replay that only sends again what is sealed ends after about a second.
                process.wait(timeout=dice.uniform(0.1, 1.2))
            except subprocess.TimeoutExpired:
                kill(process)
                kills += 1
            if kills == KILLS_DURING_UPLOAD:
                break
        assert kills == KILLS_DURING_UPLOAD, "too many replays ended before their kill"

        final = run_json(*replay_command(RECORDING, killed, customer="C-9"))
        assert final["pending"] == 0
        server.wait_for_analysis()

        rows = server_utterances(server)
        conversations = {conversation for _, conversation, _, _ in rows}
        assert len(conversations) == 2
        assert len({record for record, _, _, _ in rows}) == len(rows)
        texts = {c: sorted((s, t) for _, conv, s, t in rows if conv == c) for c in conversations}
        first, second = texts.values()
        assert first == second

        events = server.events()
        assert events
        assert len({event["id"] for event in events}) == len(events)
        by_customer = {c: [(e["kind"], e["quote"]) for e in events if e["customer"] == c] for c in ("C-8", "C-9")}
        assert sorted(by_customer["C-8"]) == sorted(by_customer["C-9"])
        assert run(BIN / "voicetrail-edge", "outbox", "--data", killed, "--json").returncode == 0
