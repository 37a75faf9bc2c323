"""A microphone without a sound card: a PulseAudio null sink of its own, whose monitor ALSA and PortAudio see."""

import ctypes.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_ASOUND = """
pcm.vmic { type pulse; device "vmic.monitor"; hint { show on; description "virtual microphone" } }
"""
_ALSA_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"


@dataclass(frozen=True)
class VirtualMicrophone:
    """A device named `vmic` for programs started with `environment`."""

    environment: dict[str, str]
    daemon: "subprocess.Popen[bytes]"

    def play(self, recording: Path) -> "subprocess.Popen[bytes]":
        """Let it hear a recording, at the pace at which it was spoken."""
        command = ["paplay", "--device=vmic", "--raw", "--rate=16000", "--channels=1", "--format=s16le"]
        return subprocess.Popen([*command, str(recording)], env=self.environment)


@contextmanager
def virtual_microphone(folder: Path) -> Iterator[VirtualMicrophone]:
    """Start one; the test says so and ends where PulseAudio or PortAudio is missing."""
    missing = [name for name in ("pulseaudio", "paplay") if shutil.which(name) is None]
    missing += [] if ctypes.util.find_library("portaudio") else ["libportaudio2"]
    missing += [] if any(Path("/usr/lib").glob(f"*/{_ALSA_PLUGIN}")) else ["libasound2-plugins"]
    if missing:
        pytest.skip(f"needs a virtual microphone: {', '.join(missing)} not installed")
    folder.mkdir()
    (folder / "asound.conf").write_text(_ASOUND)
    environment = os.environ | {
        "PULSE_SERVER": f"unix:{folder}/native",
        "PULSE_RUNTIME_PATH": str(folder),
        "HOME": str(folder),
        # The weights are where they always are; only the sound server gets a home of its own.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{folder}/asound.conf",
    }
    modules = (
        f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native",
        "module-null-sink sink_name=vmic rate=16000 channels=1 format=s16le",
    )
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    daemon = subprocess.Popen(
        [*command, *(word for module in modules for word in ("-L", module))],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if (folder / "native").exists():
                break
            time.sleep(0.1)
        yield VirtualMicrophone(environment, daemon)
    finally:
        daemon.terminate()
        daemon.wait()
