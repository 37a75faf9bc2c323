"""`voicetrail-edge outbox` and `voicetrail-edge voice` as people and scripts meet them."""

import base64
import json
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.voiceprint import VOICES_FILE
from models.ids import new_id
from support.programs import BIN, run, run_json
from support.scripted_server import ScriptedServer, reject, scripted_server

EDGE = BIN / "voicetrail-edge"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def device(tmp_path: Path, server: ScriptedServer) -> Path:
    """A device with a delivered span of 0.5 s, and one of 1 s that was refused for good."""
    folder = tmp_path / "device"
    run(EDGE, "enrol", "--server", server.url, "--code", server.CODE, "--data", folder)
    who = ("--staff", "S-1", "--site", "bank-01", "--consent", "declined", "--data", folder)
    run(EDGE, "replay", silence(tmp_path / "half.wav", samples=8_000), *who)
    server.script = [reject("text_invalid", permanent=True)]
    run(EDGE, "replay", silence(tmp_path / "one.wav", samples=16_000), *who)
    return folder


def silence(path: Path, *, samples: int) -> Path:
    """Write a recording in which nothing is said."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * samples))
    return path


def the_dead_letter(device: Path) -> dict[str, Any]:
    """Return the one record that was refused for good."""
    (letter,) = run_json(EDGE, "outbox", "--data", device, "--json")["dead_letters"]
    found: dict[str, Any] = letter
    return found


def refused(*command: object, status: int) -> str:
    """Run a command that must end with a status and a message; return the message."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    return done.stderr


def test_a_dead_letter_is_shown_as_it_would_leave(device: Path) -> None:
    """Its code, its attempts, and the record; an id that is not there is refused by name."""
    letter = the_dead_letter(device)
    shown = run_json(EDGE, "outbox", "--show", letter["record_id"], "--data", device)
    assert (shown["state"], shown["code"], shown["attempts"]) == ("dead", "text_invalid", 1)
    assert (shown["record"]["id"], shown["record"]["body"]["end_ms"]) == (letter["record_id"], 1_000)
    absent = new_id()
    assert str(absent) in refused(EDGE, "outbox", "--show", absent, "--data", device, status=2)


def test_people_read_the_whole_id_of_a_dead_letter(device: Path) -> None:
    """In a pipe and in a narrow terminal; with its code, and what can be done."""
    letter = the_dead_letter(device)
    shown = run(EDGE, "outbox", "--data", device, "--lang", "zh")
    (line,) = [line for line in shown.stdout.splitlines() if letter["record_id"] in line]
    assert "text_invalid" in line
    assert "--resend --record" in shown.stderr


def test_one_record_is_offered_again_and_no_other(server: ScriptedServer, device: Path) -> None:
    """The refused one arrives; the delivered one is not sent a second time."""
    letter = the_dead_letter(device)
    sent = run_json(EDGE, "outbox", "--resend", "--record", letter["record_id"], "--data", device, "--json")
    assert (sent["uploaded"], sent["duplicates"], sent["dead"], sent["pending"]) == (1, 0, 0, 0)
    assert letter["record_id"] in {str(record) for record in server.stored}
    assert "--resend" in refused(EDGE, "outbox", "--record", letter["record_id"], "--data", device, status=2)


def test_the_data_key_is_changed_by_command(device: Path) -> None:
    """Another key lies in the folder, and everything opens under it."""
    former, letter = (device / "data.key").read_bytes(), the_dead_letter(device)
    assert "2" in run(EDGE, "outbox", "--rotate-key", "--data", device, "--lang", "en").stdout.splitlines()[0]
    assert (device / "data.key").read_bytes() != former
    assert run_json(EDGE, "outbox", "--resend", "--data", device, "--json")["unreadable"] == 0
    shown = run_json(EDGE, "outbox", "--show", letter["record_id"], "--data", device)
    assert (shown["state"], shown["record"]["body"]["body"]) == ("acknowledged", "coverage")


def test_voices_that_do_not_open_can_be_forgotten(tmp_path: Path) -> None:
    """`show` says that they do not open and what to do; `forget --all` does it."""
    (tmp_path / "data.key").write_bytes(base64.b64encode(bytes(32)))
    (tmp_path / VOICES_FILE).write_bytes(b"no voiceprint")
    assert "voice forget --all" in refused(EDGE, "voice", "show", "--data", tmp_path, "--lang", "en", status=1)
    run(EDGE, "voice", "forget", "--all", "--data", tmp_path)
    assert json.loads(run(EDGE, "voice", "show", "--data", tmp_path, "--json").stdout) == []


@pytest.mark.parametrize("options", [("forget",), ("forget", "--all", "--staff", "S-1"), ("enrol", "--staff", "S-1")])
def test_a_voice_command_that_leaves_a_choice_open_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Nothing is guessed: whose voice, and what it is learnt from, have to be said."""
    assert refused(EDGE, "voice", *options, "--data", tmp_path, status=2).startswith("bad_input")
