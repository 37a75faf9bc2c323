"""`voicetrail-edge run`: a real stream through PortAudio, ended politely, by force, or by the device going away."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardware.audio import AudioFrame
from hardware.media_file import MediaFileSource, Pace
from support.programs import BIN, DEMO_AUDIO, run, wait_until
from support.scripted_server import ScriptedServer, scripted_server
from support.virtual_microphone import VirtualMicrophone, virtual_microphone

pytestmark = [pytest.mark.speech, pytest.mark.faults]

RECORDING = DEMO_AUDIO / "01-wealth-advice.opus"
HEARD_S = 20


@dataclass
class Counter:
    """A device at a counter: its microphone, its server, its folder."""

    microphone: VirtualMicrophone
    server: ScriptedServer
    device: Path
    speech: Path

    def run(self, *options: str) -> "subprocess.Popen[str]":
        """Start listening."""
        who = ["--customer", "C-1", "--staff", "S-1", "--site", "bank-01", "--device", "vmic", "--json"]
        command = [str(BIN / "voicetrail-edge"), "run", "--data", str(self.device), *who, *options]
        return subprocess.Popen(
            command,
            env=self.microphone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """Return what of a kind the server has."""
        return [r["body"] for r in list(self.server.stored.values()) if r["body"]["body"] == kind]

    def alive_ms(self) -> int:
        """Return until when the open recording is known to run, by its own note."""
        with sqlite3.connect(f"file:{self.device / 'outbox.db'}?mode=ro", uri=True, timeout=10) as db:
            return int(db.execute("SELECT coalesce(max(alive_ms), 0) FROM recordings WHERE complete = 0").fetchone()[0])


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with virtual_microphone(tmp_path / "pulse") as microphone, scripted_server() as server:
        device = tmp_path / "device"
        run(BIN / "voicetrail-edge", "enrol", "--server", server.url, "--code", server.CODE, "--data", device)
        yield Counter(microphone, server, device, _raw_speech(tmp_path / "speech.raw"))


def test_sigterm_ends_the_conversation_properly(counter: Counter) -> None:
    """What was heard so far is delivered, the conversation is closed, every second accounted for, status 0."""
    program = counter.run("--consent", "granted")
    wait_until(lambda: bool(counter.bodies("conversation")), what="the conversation began")
    player = counter.microphone.play(counter.speech)
    wait_until(lambda: len(counter.bodies("utterance")) > 1, what="something was heard")
    program.send_signal(signal.SIGTERM)
    output, errors = program.communicate(timeout=120)
    player.terminate()
    player.wait()
    assert program.returncode == 0, errors
    summary = json.loads(output)
    assert summary["pending"] == 0
    assert summary["utterances"] == len(counter.bodies("utterance")) > 1
    began, ended = counter.bodies("conversation")
    assert (began["id"], began["ended_at"]) == (ended["id"], None)
    spans = sorted((b["start_ms"], b["end_ms"]) for b in counter.bodies("coverage"))
    assert spans[0][0] == 0
    assert [one[1] for one in spans[:-1]] == [two[0] for two in spans[1:]]
    assert spans[-1][1] / 1000 == pytest.approx(summary["heard"] + summary["silent"] + summary["lost"])


def test_a_killed_run_is_closed_by_the_next_and_says_what_was_lost(counter: Counter) -> None:
    """After kill -9 the next start closes the conversation with a lost span; then it begins its own."""
    program = counter.run("--consent", "granted")
    wait_until(lambda: bool(counter.bodies("conversation")), what="the conversation began")
    wait_until(lambda: counter.alive_ms() > 0, what="the running program noted that it runs")
    program.kill()
    program.communicate()
    second = counter.run("--consent", "granted", "--seconds", "2")
    output, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert json.loads(output)["pending"] == 0
    first_id = counter.bodies("conversation")[0]["id"]
    ends = {b["id"]: b["ended_at"] for b in counter.bodies("conversation") if b["ended_at"]}
    assert len(ends) == 2
    assert first_id in ends
    lost = [b for b in counter.bodies("coverage") if b["conversation_id"] == first_id]
    assert [(b["state"], b["reason"]) for b in lost] == [("lost", "interrupted")]


def test_a_microphone_that_goes_away_is_waited_for_and_its_loss_is_recorded(counter: Counter) -> None:
    """The sound server dies and comes back: the conversation goes on, and the time between is lost, with its reason."""
    program = counter.run("--consent", "granted", "--lang", "en")
    wait_until(lambda: bool(counter.bodies("conversation")), what="the conversation began")
    wait_until(lambda: counter.alive_ms() > 0, what="the running program noted that it runs")
    counter.microphone.kill()
    assert program.stderr is not None
    assert said(program.stderr, "NOT HEARING: the microphone is gone (device_lost)")
    counter.microphone.start()
    assert said(program.stderr, "Hearing again.")
    program.send_signal(signal.SIGTERM)
    output, errors = program.communicate(timeout=120)
    assert program.returncode == 0, errors
    summary = json.loads(output)
    assert summary["failed"] == []
    spans = sorted((b["start_ms"], b["end_ms"], b["state"], b["reason"]) for b in counter.bodies("coverage"))
    assert "device_lost" in [reason for *_, reason in spans]
    assert [one[1] for one in spans[:-1]] == [two[0] for two in spans[1:]]
    assert summary["lost"] > 0
    assert counter.bodies("conversation")[-1]["ended_at"] is not None


def test_after_a_no_time_is_counted_and_nothing_is_heard(counter: Counter) -> None:
    """Consent declined: one withheld span of the time that passed."""
    program = counter.run("--consent", "declined", "--seconds", "2")
    player = counter.microphone.play(counter.speech)
    output, errors = program.communicate(timeout=120)
    player.terminate()
    player.wait()
    assert program.returncode == 0, errors
    summary = json.loads(output)
    assert (summary["utterances"], summary["uploaded"]) == (0, 1)
    assert summary["withheld"] > 0
    (only,) = [r["body"] for r in counter.server.stored.values()]
    assert (only["state"], only["conversation_id"]) == ("withheld", None)


def said(lines: Iterable[str], words: str) -> bool:
    """Read on until a line has these words; False at the end."""
    return any(words in line for line in lines)


def _raw_speech(path: Path) -> Path:
    """Write the recording's first seconds as raw 16-bit samples, as a player takes them."""
    with path.open("wb") as file:
        for item in MediaFileSource(RECORDING, pace=Pace.FAST).frames():
            if isinstance(item, AudioFrame) and item.start_ms < HEARD_S * 1000:
                file.write((item.samples * 32767).astype("<i2").tobytes())
    return path
