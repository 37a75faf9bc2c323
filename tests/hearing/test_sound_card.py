"""A microphone of the operating system is heard, and its loss is said. Needs PulseAudio's programs; no sound card."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.sound_card import SoundCardSource
from models.errors import AudioError

# Captures for some seconds and prints: end in ms, loudest frequency, then the gaps and the error's code.
CAPTURES = """
import sys
import numpy as np
from hardware.audio import AudioFrame
from hardware.sound_card import SoundCardSource
from models.errors import AudioError
source, now_ms, parts = SoundCardSource("vmic"), 0, []
try:
    for item in source.frames():
        assert item.start_ms == now_ms, (item, now_ms)
        now_ms = item.end_ms
        if isinstance(item, AudioFrame):
            parts.append(item.samples)
            print("frame", now_ms, flush=True)
        else:
            print("gap", item.reason, item.end_ms - item.start_ms, flush=True)
        if now_ms >= int(sys.argv[1]):
            source.close()
except AudioError as error:
    print("error", error.code, flush=True)
samples = np.concatenate(parts)
spectrum = np.abs(np.fft.rfft(samples[-16_000:]))
print("loudest", int(np.argmax(spectrum)), flush=True)
"""


@pytest.fixture
def sound_server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """PulseAudio with one null sink whose monitor is the microphone `vmic`, and the environment that leads to it."""
    if not shutil.which("pulseaudio") or not shutil.which("paplay"):
        pytest.skip("needs pulseaudio, pulseaudio-utils, libasound2-plugins and libportaudio2")
    if not Path("/usr/share/alsa/alsa.conf").exists():
        pytest.skip("needs ALSA's configuration (libasound2-data)")
    socket = tmp_path / "native"
    (tmp_path / "asound.conf").write_text(
        'pcm.vmic { type pulse; device "vmic.monitor"; hint { show on; description "virtual microphone" } }\n'
    )
    environment = os.environ | {
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{tmp_path}/asound.conf",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    modules = [
        f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
        "module-null-sink sink_name=vmic rate=16000 channels=1 format=s16le",
    ]
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *(f"-L{module}" for module in modules)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            assert server.poll() is None and time.monotonic() < deadline, "PulseAudio did not start"
            time.sleep(0.05)
        yield server, environment
    finally:
        server.kill()
        server.wait()


def capturing(environment: dict[str, str], *, until_ms: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CAPTURES, str(until_ms)], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_what_is_played_is_heard(sound_server: tuple[subprocess.Popen[bytes], dict[str, str]], tmp_path: Path) -> None:
    """A tone of 440 Hz played into the virtual microphone comes out at 16 kHz, in continuous time."""
    _, environment = sound_server
    tone = tmp_path / "tone.raw"
    period = [round(12_000 * part) for part in (0, 0.7, 1, 0.7, 0, -0.7, -1, -0.7)]
    # 8 samples per period at 3520 Hz are 440 Hz.
    tone.write_bytes(b"".join(value.to_bytes(2, "little", signed=True) for value in period) * 440 * 15)
    player = subprocess.Popen(
        ["paplay", "--device=vmic", "--raw", "--rate=3520", "--format=s16le", "--channels=1", str(tone)],
        env=environment,
    )
    try:
        captured, _ = capturing(environment, until_ms=6000).communicate(timeout=60)
    finally:
        player.kill()
        player.wait()
    lines = captured.splitlines()
    assert "error" not in captured
    assert lines[-1].startswith("loudest ")
    assert abs(int(lines[-1].split()[1]) - 440) <= 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["sound server gone", "sound server frozen"])
def test_a_microphone_that_falls_silent_is_an_error(
    sound_server: tuple[subprocess.Popen[bytes], dict[str, str]], how: signal.Signals
) -> None:
    """When the sound server dies or hangs, hearing ends in an error and does not say that it listens."""
    server, environment = sound_server
    capture = capturing(environment, until_ms=60_000)
    assert capture.stdout is not None
    for line in capture.stdout:
        if line.startswith("frame") and int(line.split()[1]) >= 500:
            break
    server.send_signal(how)
    rest, _ = capture.communicate(timeout=60)
    assert "error microphone_lost" in rest
    if how is signal.SIGSTOP:
        assert "gap device_lost 2000" in rest


def test_a_device_that_is_not_there_is_an_error() -> None:
    """An unknown name, or a machine without PortAudio, is said with advice."""
    with pytest.raises(AudioError) as caught:
        next(SoundCardSource("no such microphone").frames())
    assert caught.value.code in {"microphone_not_opened", "portaudio_missing"}
    assert caught.value.advice
