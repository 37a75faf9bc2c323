"""`voicetrail-edge console`: ended politely, and watched over by a service manager of real sockets."""

import configparser
import shlex
import shutil
import socket
import string
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardware.audio import SAMPLE_RATE_HZ
from support.console_program import ConsoleProgram
from support.counter import Counter
from support.programs import BIN, DEMO_AUDIO, ROOT, free_port, wait_until
from support.simulated_microphone import still

pytestmark = pytest.mark.faults

WATCHDOG_S = 3
UNIT = ROOT / "packaging" / "voicetrail-edge.service"


class Manager:
    """What systemd is to a program of Type=notify: the other end of its NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        self.told: list[str] = []

    def hear(self) -> list[str]:
        """Return what was told since the last time."""
        news = []
        while True:
            try:
                news.append(self._socket.recv(100).decode())
            except BlockingIOError:
                self.told += news
                return news

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    yield made
    made.close()


@contextmanager
def running(counter: Counter, microphone: Path, **environment: str) -> Iterator[ConsoleProgram]:
    """Run the program on a recording, played at the pace of speech."""
    program = ConsoleProgram(counter.folder, microphone=f"file:{microphone}", environment=environment)
    program.start()
    try:
        yield program
    finally:
        if program.process is not None:
            program.kill()


def quiet_room(path: Path, *, seconds: float) -> Path:
    """Write a recording of a quiet room."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes((still(seconds=seconds) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.speech
def test_sigterm_closes_the_encounter_and_delivers(counter: Counter) -> None:
    """Exit status 0; the conversation has its end, and nothing is left to deliver."""
    with running(counter, DEMO_AUDIO / "01-wealth-advice.opus") as program:
        program.act("/shift/begin", staff="S-7")
        program.act("/encounter/start", customer="C-1")
        program.act("/encounter/answer", state="granted", encounter=program.encounter())
        wait_until(lambda: bool(counter.bodies("utterance")), what="something was said")
        assert program.stop() == 0, program.log.read_text()
    assert [c["ended_at"] is not None for c in counter.bodies("conversation")] == [False, True]
    assert {c["staff"] for c in counter.bodies("conversation")} == {"S-7"}


def test_a_service_manager_is_fed_only_while_frames_advance(counter: Counter, manager: Manager, tmp_path: Path) -> None:
    """Ready once; signs of life without a shift and with sound; silence when the microphone gives nothing."""
    room = quiet_room(tmp_path / "room.wav", seconds=8)
    with running(counter, room, **manager.environment) as program:
        wait_until(lambda: "READY=1" in manager.told or "READY=1" in manager.hear(), what="it is ready")
        wait_until(lambda: "WATCHDOG=1" in manager.hear(), what="a sign of life without a shift")
        program.act("/shift/begin", staff="S-1")
        manager.hear()
        wait_until(lambda: "WATCHDOG=1" in manager.hear(), what="a sign of life with frames")
        # The file is over: the program lives, its microphone gives nothing.
        wait_until(lambda: "WATCHDOG=1" not in heard_for(manager, seconds=WATCHDOG_S), what="silence")
        assert program.process is not None
        assert program.process.poll() is None
        program.act("/shift/end")
        wait_until(lambda: "WATCHDOG=1" in manager.hear(), what="signs of life without a shift")
    assert manager.told.count("READY=1") == 1


def heard_for(manager: Manager, *, seconds: float) -> list[str]:
    manager.hear()
    time.sleep(seconds)
    return manager.hear()


def as_the_unit_starts_it(folder: Path, **changes: object) -> list[str]:
    """Return the command of the service unit, for a program and a folder that are elsewhere.

    Args:
        folder: in the place of /var/lib/voicetrail.
        changes: of the unit's environment, as `systemctl edit` makes them.
    """
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(UNIT)
    service = unit["Service"]
    given = dict(one.split("=", 1) for one in shlex.split(service["Environment"]))
    assert set(changes) <= set(given)
    words = [string.Template(word).substitute(given | changes) for word in shlex.split(service["ExecStart"])]
    state = f"/var/lib/{service['StateDirectory']}"
    return [str(BIN / "voicetrail-edge"), *(str(folder) if word == state else word for word in words[1:])]


def test_the_service_units_own_command_is_ready_watched_and_ends_politely(
    counter: Counter, manager: Manager, tmp_path: Path
) -> None:
    """Its line, its variables: the console answers there, a shift begins, signs of life come, SIGTERM ends it well."""
    room, port = quiet_room(tmp_path / "room.wav", seconds=300), free_port()
    command = as_the_unit_starts_it(counter.folder, SITE="bank-07", MICROPHONE=f"file:{room}", CONSOLE_PORT=port)
    assert str(counter.folder) in command
    program = ConsoleProgram(counter.folder, microphone="", environment=manager.environment, port=port, command=command)
    program.start()
    try:
        wait_until(lambda: "READY=1" in manager.told or "READY=1" in manager.hear(), what="it is ready")
        program.act("/shift/begin", staff="S-1")
        manager.hear()
        wait_until(lambda: "WATCHDOG=1" in manager.hear(), what="a sign of life with frames")
        assert program.stop() == 0, program.log.read_text()
    finally:
        if program.process is not None:
            program.kill()
    assert "STOPPING=1" in manager.hear()
    assert {span["site"] for span in counter.bodies("coverage")} == {"bank-07"}


def test_systemd_knows_every_word_of_the_unit(tmp_path: Path) -> None:
    """Its own checker finds nothing to say, but that the program is elsewhere on this machine."""
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("systemd-analyze is not on this machine")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/voicetrail/bin", str(BIN)))
    checked = subprocess.run([checker, "verify", str(unit)], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
