"""`voicetrail-edge` as people and scripts meet it: a process, its output and its exit status."""

import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.programs import BIN, run, run_json
from support.scripted_server import ScriptedServer, refuse, scripted_server

WHO = ("--staff", "S-1", "--site", "bank-01")
EDGE = BIN / "voicetrail-edge"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def device(tmp_path: Path, server: ScriptedServer) -> Path:
    """An enrolled device."""
    run(EDGE, "enrol", "--server", server.url, "--code", server.CODE, "--data", tmp_path / "device")
    return tmp_path / "device"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a second of silence."""
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(16_000))
    return path


def refused(*command: object, status: int, environment: dict[str, str] | None = None) -> str:
    """Run a command that must end with a status, a message and no traceback; return the message."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=os.environ | (environment or {})
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_every_command_teaches_by_an_example() -> None:
    """--help of each command shows how it is used."""
    plain = ("enrol", "replay", "run", "console", "console-pin", "microphone-token", "devices", "outbox", "doctor")
    for command in (*plain, "voice enrol", "voice show", "voice forget", "eval asr", "eval conversations"):
        shown = run(EDGE, *command.split(), "--help").stdout
        assert "Example" in shown
        assert f"voicetrail-edge {command}" in shown


def test_a_device_that_is_not_enrolled_says_how_to_enrol(tmp_path: Path, recording: Path) -> None:
    """The message names the code and the command to run, in the user's language."""
    command = (EDGE, "replay", recording, "--data", tmp_path / "new", *WHO, "--consent", "granted")
    english = refused(*command, status=1, environment={"LC_ALL": "C.UTF-8"})
    chinese = refused(*command, status=1, environment={"LC_ALL": "zh_CN.UTF-8"})
    assert english.startswith("not_enrolled: ")
    assert "voicetrail-edge enrol" in english
    assert chinese.startswith("not_enrolled: 这台设备尚未注册")
    assert refused(*command, "--lang", "zh", status=1, environment={"LC_ALL": "C.UTF-8"}) == chinese


def test_a_declined_replay_sends_one_span_and_a_second_one_nothing_new(
    server: ScriptedServer, device: Path, recording: Path
) -> None:
    """The summary is one JSON object; replayed again, the span is a duplicate; --again makes another."""
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined", "--json")
    first, second = run_json(*command), run_json(*command)
    assert (first["withheld"], first["uploaded"], first["duplicates"], first["conversations"]) == (0.5, 1, 0, [])
    assert (second["uploaded"], second["duplicates"], second["known"]) == (0, 1, 1)
    assert run_json(*command, "--again")["uploaded"] == 1
    assert len(server.stored) == 2


def test_the_customer_of_a_declined_conversation_is_named_nowhere(
    server: ScriptedServer, device: Path, recording: Path
) -> None:
    """Not on the wire, not on the disk, not in what the program says."""
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined", "--customer", "C-GEHEIM")
    done = run(*command)
    assert "C-GEHEIM" not in done.stdout + done.stderr + json.dumps(list(server.stored.values()))
    assert not [path for path in device.iterdir() if b"C-GEHEIM" in path.read_bytes()]


def test_without_a_server_the_command_ends_with_status_3_and_the_next_one_delivers(
    server: ScriptedServer, device: Path, recording: Path
) -> None:
    """Records stay sealed; the message says how many, and `outbox --send` brings them when the server is back."""
    server.script = [refuse(503, "store_away")] * 1000
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined", "--wait-s", "0.3")
    message = refused(*command, status=3)
    assert "1 records are still on this device" in message
    assert "store_away" in message
    assert run_json(EDGE, "outbox", "--data", device, "--json")["pending"] == 1
    server.script = []
    sent = run_json(EDGE, "outbox", "--send", "--data", device, "--json")
    assert (sent["pending"], sent["uploaded"]) == (0, 1)
    assert run_json(EDGE, "outbox", "--resend", "--data", device, "--json")["duplicates"] == 1


def test_a_refused_batch_ends_with_status_1_and_its_code(server: ScriptedServer, device: Path, recording: Path) -> None:
    """Waiting cannot help, so the command does not wait."""
    server.script = [refuse(401, "device_revoked")]
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined")
    assert "device_revoked" in refused(*command, status=1)


def test_a_bad_file_stops_nothing_else(server: ScriptedServer, device: Path, recording: Path, tmp_path: Path) -> None:
    """Missing, empty and broken files are named in the summary; the good one among them is recorded; status 2."""
    empty, broken = tmp_path / "empty.wav", tmp_path / "broken.opus"
    empty.touch()
    broken.write_bytes(b"OggS" + os.urandom(500))
    files = (tmp_path / "absent.wav", empty, recording, broken)
    summary = run_json(EDGE, "replay", *files, "--data", device, *WHO, "--consent", "declined", "--json", expect=2)
    assert [failed["code"] for failed in summary["failed"]] == ["media_not_found", "media_empty", "media_unreadable"]
    assert (summary["uploaded"], summary["pending"]) == (1, 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--site", ""), "--site"),
        (("--staff", "x" * 201), "--staff"),
        (("--customer", b"\xff\xfe"), "--customer"),
        (("--started-at", "yesterday"), "--started-at"),
        (("--started-at", "0001-01-01"), "--started-at"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_name(
    device: Path, recording: Path, options: tuple[str, str | bytes], says: str
) -> None:
    """Status 2, the option named, nothing recorded."""
    command = [EDGE, "replay", recording, "--data", device, *WHO, "--consent", "granted", *options]
    done = subprocess.run([os.fsencode(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("bad_input: ")
    assert says in done.stderr
    assert not (device / "outbox.db").exists()


@pytest.mark.parametrize("year", ["1970", "2100"])
def test_times_far_away_are_carried_as_given(server: ScriptedServer, device: Path, recording: Path, year: str) -> None:
    """The device judges no time: the server flags it."""
    moment = f"{year}-06-01T08:00:00+08:00"
    run(EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined", "--started-at", moment)
    (stored,) = server.stored.values()
    assert stored["occurred_at"] == f"{year}-06-01T00:00:00Z"


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Status 2 and the variable's name, without its value."""
    message = refused(EDGE, "outbox", status=2, environment={"VOICETRAIL_EDGE_BATCH_RECORDS": "many"})
    assert message.startswith("bad_setting: VOICETRAIL_EDGE_BATCH_RECORDS")
    assert "many" not in message


def test_the_data_key_may_come_from_a_secret_file(server: ScriptedServer, device: Path, recording: Path) -> None:
    """With a key in the secrets folder none is made in the data folder, and only that key opens the outbox."""
    secrets = device.parent / "secrets"
    secrets.mkdir()
    (secrets / "voicetrail_edge_data_key").write_text("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined")
    environment = os.environ | {"VOICETRAIL_EDGE_SECRETS_DIR": str(secrets)}
    subprocess.run([str(word) for word in command], env=environment, check=True, capture_output=True)
    assert not (device / "data.key").exists()
    assert "data_key_missing" in refused(EDGE, "outbox", "--data", device, status=1)


def test_two_programs_do_not_record_into_one_folder(device: Path, recording: Path) -> None:
    """The second says so at once; reading the outbox stays possible."""
    hold = "import sys; from pathlib import Path; from edge_agent.device import recording_alone\n"
    hold += "with recording_alone(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(device)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    command = (EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined")
    assert refused(*command, status=1).startswith("recorder_busy")
    assert run_json(EDGE, "outbox", "--data", device, "--json")["pending"] == 0
    holder.communicate()
    run(*command)


def test_the_doctor_names_every_file_and_finds_a_foreign_one(
    server: ScriptedServer, device: Path, recording: Path
) -> None:
    """Audio on disk: none, with each file explained; a recording laid beside them is found, and that is a failure."""
    run(EDGE, "replay", recording, "--data", device, *WHO, "--consent", "declined")
    checks = {check["name"]: check for check in _examined(device)}
    assert checks["audio_on_disk"]["status"] == "ok"
    assert checks["audio_on_disk"]["detail"].startswith("none")
    for path in device.iterdir():
        assert f"{path.name} (" in checks["audio_on_disk"]["detail"]
    assert {checks[name]["status"] for name in ("enrolment", "outbox", "server", "clock")} == {"ok"}
    (device / "leak.wav").write_bytes(recording.read_bytes())
    found = next(check for check in _examined(device) if check["name"] == "audio_on_disk")
    assert found["status"] == "failed"
    assert "leak.wav" in found["detail"].splitlines()[0]


def _examined(device: Path) -> list[dict[str, str]]:
    """Return the doctor's checks; without weights the doctor ends with a failure, which is not the question here."""
    done = subprocess.run(
        [EDGE, "doctor", "--data", device, "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"VOICETRAIL_EDGE_MODEL": str(device.parent)},
    )
    checks: list[dict[str, str]] = json.loads(done.stdout)["checks"]
    return checks


def test_a_recording_that_nobody_dated_ended_before_it_was_replayed(
    server: ScriptedServer, device: Path, tmp_path: Path
) -> None:
    """An hour replayed in a second lies in the past, not in the future."""
    path = tmp_path / "hour.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x80" * 8_000 * 3_600)
    who = (*WHO, "--customer", "C-1", "--consent", "declined")
    run_json(EDGE, "replay", path, "--data", device, *who, "--channel", "counter", "--json")
    (stored,) = server.stored.values()
    began = datetime.fromisoformat(stored["occurred_at"])
    assert stored["body"]["end_ms"] == pytest.approx(3_600_000, abs=100)
    assert began + timedelta(hours=1) <= datetime.now(UTC)
