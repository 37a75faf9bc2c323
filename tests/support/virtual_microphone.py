"""Microphones without a sound card: null sinks of a PulseAudio of its own, whose monitors ALSA and PortAudio see."""

import ctypes.util
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.programs import wait_until

# The order in which ALSA's plug-in has the channels; another order, or none, would be mixed anew.
_CHANNEL_MAP = (
    "front-left",
    "front-right",
    "rear-left",
    "rear-right",
    "front-center",
    "lfe",
    "side-left",
    "side-right",
)
_ALSA_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"
_COMMAND = ("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no")


@dataclass(frozen=True)
class Jack:
    """Where a virtual microphone is plugged in; PortAudio knows it by its name."""

    name: str
    channels: int = 1

    @property
    def channel_map(self) -> str:
        """Where PulseAudio thinks that its channels are."""
        return ",".join(_CHANNEL_MAP[: self.channels]) if self.channels > 1 else "mono"

    @property
    def layout(self) -> str:
        """Its samples as PulseAudio's tools have it."""
        return f"rate=16000 channels={self.channels} format=s16le channel_map={self.channel_map}"


@dataclass
class VirtualMicrophone:
    """A sound server with microphones, which can be unplugged; the first is meant where none is named.

    They are heard by programs started with `environment`.
    """

    folder: Path
    jacks: tuple[Jack, ...]
    environment: dict[str, str]
    daemon: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        """Start the sound server with all microphones."""
        socket = self.folder / "native"
        modules = [f"module-native-protocol-unix auth-anonymous=1 socket={socket}"]
        modules += [f"module-null-sink sink_name={jack.name} {jack.layout}" for jack in self.jacks]
        self.daemon = subprocess.Popen(
            [*_COMMAND, *(word for module in modules for word in ("-L", module))],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: socket.exists() and self._answers(), what="PulseAudio answers")

    def kill(self) -> None:
        """Kill the sound server."""
        self.daemon.send_signal(signal.SIGCONT)
        self.daemon.kill()
        self.daemon.wait()
        (self.folder / "native").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let the sound server hang."""
        self.daemon.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.daemon.send_signal(signal.SIGCONT)

    def unplug(self, name: str = "") -> None:
        """Take a microphone away."""
        sink = name or self.jacks[0].name
        modules = (line.split("\t") for line in self._run("list", "short", "modules").splitlines())
        (index,) = [number for number, _, argument, *_ in modules if argument.startswith(f"sink_name={sink} ")]
        self._run("unload-module", index)

    def plug(self, name: str = "") -> None:
        """Bring it back."""
        jack = next(jack for jack in self.jacks if not name or jack.name == name)
        self._run("load-module", "module-null-sink", f"sink_name={jack.name}", *jack.layout.split())

    def publish(self, name: str, *, of: str = "", channel_map: str = "") -> None:
        """Let a microphone appear as a headset does: a source of the sound server's own, and no monitor.

        Its channels keep their order under the names of another map.
        """
        jack = next(jack for jack in self.jacks if not of or jack.name == of)
        words = {
            "master": f"{jack.name}.monitor",
            "source_name": name,
            "source_properties": "device.bus=bluetooth",
            "channels": jack.channels,
            "channel_map": channel_map or jack.channel_map,
            "master_channel_map": jack.channel_map,
            "remix": "no",
        }
        self._run("load-module", "module-remap-source", *(f"{key}={value}" for key, value in words.items()))

    def move_streams(self, to: str) -> None:
        """Let all that listen hear another microphone, as a person may in the sound settings."""
        for stream in self.pactl("list", "source-outputs"):
            self._run("move-source-output", str(stream["index"]), f"{to}.monitor")

    def heard_by_programs(self) -> list[str]:
        """Return the names of the sources that programs hear."""
        names = {source["index"]: source["name"] for source in self.pactl("list", "sources")}
        streams = self.pactl("list", "source-outputs")
        return [names[one["source"]] for one in streams if "application.process.id" in one["properties"]]

    def play(self, recording: Path, *, name: str = "") -> "subprocess.Popen[bytes]":
        """Let one hear raw 16-bit samples at 16 kHz, at the pace at which they were spoken."""
        jack = next(jack for jack in self.jacks if not name or jack.name == name)
        words = [f"--{word.replace('_', '-')}" for word in jack.layout.split()]
        # A long buffer, so that a busy machine puts no silence in between.
        command = ["paplay", f"--device={jack.name}", "--raw", "--latency-msec=2000", *words]
        return subprocess.Popen([*command, str(recording)], env=self.environment)

    def pactl(self, *words: str) -> list[dict[str, Any]]:
        """Ask PulseAudio for a list."""
        listed: list[dict[str, Any]] = json.loads(self._run("--format=json", *words))
        return listed

    def _answers(self) -> bool:
        return subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode == 0

    def _run(self, *words: str) -> str:
        return subprocess.run(
            ["pactl", *words], env=self.environment, capture_output=True, check=True, text=True, timeout=60
        ).stdout


@contextmanager
def virtual_microphone(folder: Path, *jacks: Jack) -> Iterator[VirtualMicrophone]:
    """Start a sound server with microphones (default: one with one channel, `vmic`).

    The test says so and ends where PulseAudio or PortAudio is missing.
    """
    missing = [name for name in ("pulseaudio", "paplay", "pactl") if shutil.which(name) is None]
    missing += [] if ctypes.util.find_library("portaudio") else ["libportaudio2"]
    missing += [] if any(Path("/usr/lib").glob(f"*/{_ALSA_PLUGIN}")) else ["libasound2-plugins"]
    if missing:
        pytest.skip(f"needs a virtual microphone: {', '.join(missing)} not installed")
    folder.mkdir()
    jacks = jacks or (Jack("vmic"),)
    (folder / "asound.conf").write_text(
        "".join(
            f'pcm.{jack.name} {{ type pulse; device "{jack.name}.monitor"; '
            f'hint {{ show on; description "virtual microphone" }} }}\n'
            for jack in jacks
        )
    )
    environment = os.environ | {
        "PULSE_SERVER": f"unix:{folder}/native",
        "PULSE_RUNTIME_PATH": str(folder),
        "HOME": str(folder),
        # The weights are where they always are; only the sound server gets a home of its own.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{folder}/asound.conf",
    }
    microphone = VirtualMicrophone(folder, jacks, environment)
    microphone.start()
    try:
        yield microphone
    finally:
        microphone.kill()
