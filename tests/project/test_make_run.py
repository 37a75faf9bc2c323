"""What `make run` starts comes up by itself, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest

from hardware.audio import SAMPLE_RATE_HZ, AudioFrame
from hardware.media_file import MediaFileSource, Pace
from support.programs import DEMO_AUDIO, ROOT, wait_until

pytestmark = pytest.mark.speech

SECONDS = 20


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last 20 s of a demonstration conversation, as somebody's own recording."""
    source = MediaFileSource(DEMO_AUDIO / "02-third-trip.opus", pace=Pace.FAST)
    sound = np.concatenate([item.samples for item in source.frames() if isinstance(item, AudioFrame)])
    path = tmp_path_factory.mktemp("recording") / "visit.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((sound[-SECONDS * SAMPLE_RATE_HZ :] * 32_767).astype("<i2").tobytes())
    return path


def command(*options: object) -> list[str]:
    """Return what the Makefile calls."""
    return [str(word) for word in (sys.executable, "-m", "demo.run", *options)]


def test_once_it_ends_by_itself_with_a_summary(recording: Path, tmp_path: Path) -> None:
    """With --once it plays the recording, shows what came of it, and removes what it made."""
    done = subprocess.run(
        command("--once", "--audio", recording, "--customer", "C-77"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Dashboard" in done.stdout
    assert "/customers/C-77" in done.stdout
    assert re.search(r"\d+ events from \d+ conversation", done.stdout)
    assert not list(tmp_path.glob("voicetrail-run-*"))


@contextmanager
def running(tmp_path: Path, *options: object, until: str) -> Iterator[str]:
    """Run it until it has printed something; give what it printed, then end it with Ctrl-C."""
    log = tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command(*options),
            cwd=ROOT,
            stdout=sink,
            stderr=sink,
            env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    try:
        wait_until(lambda: until in log.read_text() or process.poll() is not None, what=until)
        yield log.read_text()
    finally:
        # One for what runs on this terminal, one for the dashboard that stays up after it.
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(2)
    assert process.returncode == 0, log.read_text()


def test_the_dashboard_stays_up_until_ctrl_c(recording: Path, tmp_path: Path) -> None:
    """The printed sign-in page and API call answer until Ctrl-C; then the server is gone and so is its data."""
    with running(tmp_path, "--audio", recording, until="stays up") as printed:
        address = re.search(r"http://\S+/sign-in\?token=\S+", printed)
        assert address is not None, printed
        assert httpx2.get(address[0], trust_env=False).status_code == 200
        line = re.search(r"curl -H '(\S+): ([^']+)' '(\S+)'", printed)
        assert line is not None, printed
        assert httpx2.get(line[3], headers={line[1]: line[2]}, trust_env=False).json()["next"] >= 0
        assert list(tmp_path.glob("voicetrail-run-*"))
    with pytest.raises(httpx2.TransportError):
        httpx2.get(address[0], trust_env=False)
    assert not list(tmp_path.glob("voicetrail-run-*"))


def test_the_console_of_the_staff_opens_beside_the_server(recording: Path, tmp_path: Path) -> None:
    """With --console an enrolled device shows its console, and its PIN once."""
    with running(tmp_path, "--console", "--audio", recording, until="The console is at") as printed:
        address = re.search(r"http://127\.0\.0\.1:\d+/", printed.partition("The console is at")[2])
        assert address is not None, printed
        assert re.search(r"PIN of the console: \d{6}", printed)
        assert httpx2.get(address[0], trust_env=False, follow_redirects=True).status_code == 200
    assert not list(tmp_path.glob("voicetrail-run-*"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong AUDIO= ends with one sentence and no traceback."""
    done = subprocess.run(command("--audio", tmp_path / "none.wav"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "none.wav" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
