"""What PulseAudio, or PipeWire in its place, says through `pactl`: its sources, and which of them a stream hears.

PortAudio knows the sound server as one device; which microphone it gives is the sound server's own matter, and it
moves a stream to another one without a word when the first is unplugged.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.errors import AudioError

_ANSWER_WITHIN_S = 2.0


# The order that ALSA's plug-in asks for, and the numbers of channels that it has an order for.
_ALSA_CHANNELS = (
    *("front-left", "front-right", "rear-left", "rear-right"),
    *("front-center", "lfe", "side-left", "side-right"),
)
_ALSA_NUMBERS = (2, 4, 5, 6, 8)


class SoundServerError(AudioError):
    """It is not there, does not answer, or is too old to answer in JSON (before PulseAudio 16)."""

    code = "sound_server_silent"
    permanent = False


@dataclass(frozen=True, slots=True)
class Source:
    """A microphone as the sound server knows it."""

    index: int
    """New each time it is plugged in."""
    name: str
    description: str
    is_monitor: bool
    """It gives what a loudspeaker plays."""
    channel_map: tuple[str, ...]
    """Where the sound server thinks that its channels are: mono, front-left, aux0, …"""
    is_bluetooth: bool

    def gives(self, channels: int) -> bool:
        """Say whether so many channels come as they are; others would be mixed of all, without a word."""
        if channels == 1:
            return True
        return channels in _ALSA_NUMBERS and self.channel_map == _ALSA_CHANNELS[:channels]


@dataclass(frozen=True, slots=True)
class Recording:
    """A stream that hears a source."""

    index: int
    source: int


def sources() -> list[Source]:
    """Return every source.

    Raises:
        SoundServerError: see there.
    """
    return [
        Source(
            index=item["index"],
            name=item["name"],
            description=item["description"],
            is_monitor=item["properties"].get("device.class") == "monitor",
            channel_map=tuple(item["channel_map"].split(",")),
            # PulseAudio says the bus, PipeWire the interface (bluez5).
            is_bluetooth=item["properties"].get("device.bus") == "bluetooth"
            or item["properties"].get("device.api", "").startswith("bluez"),
        )
        for item in _listed("sources")
    ]


def recording_of(pid: int) -> Recording | None:
    """Return the stream of a process; None while it has none.

    Raises:
        SoundServerError: see there.
    """
    for item in _listed("source-outputs"):
        if item["properties"].get("application.process.id") == str(pid):
            return Recording(index=item["index"], source=item["source"])
    return None


def move(recording: Recording, source: str) -> None:
    """Let a stream hear another source.

    Raises:
        SoundServerError: it refuses, or see there.
    """
    _pactl("move-source-output", str(recording.index), source)


def changes() -> Iterator[None]:
    """Give one for each change to its sources and to the streams that hear them, until it goes away.

    Raises:
        SoundServerError: `pactl` is not there.
    """
    try:
        watching = subprocess.Popen(
            ["pactl", "subscribe"],  # noqa: S607 - the system's own, wherever it is installed
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise SoundServerError(str(error)) from error
    for line in watching.stdout or ():
        if b" on source" in line:
            yield


def _environment() -> dict[str, str]:
    # Its JSON would have the locale's decimal comma, its events the locale's words.
    return os.environ | {"LC_ALL": "C.UTF-8"}


def _listed(what: str) -> list[dict[str, Any]]:
    try:
        listed: list[dict[str, Any]] = json.loads(_pactl("--format=json", "list", what))
    except ValueError as error:
        raise SoundServerError(f"pactl list {what}: {error}") from error
    return listed


def _pactl(*arguments: str) -> str:
    try:
        return subprocess.run(  # noqa: S603 - the only word that is not ours is a source's name, one argument
            ["pactl", *arguments],  # noqa: S607 - the system's own, wherever it is installed
            env=_environment(),
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_WITHIN_S,
        ).stdout
    except FileNotFoundError as error:
        advice = "Install pactl (Debian and Ubuntu: apt install pulseaudio-utils)."
        raise SoundServerError("pactl is not installed", advice=advice) from error
    except subprocess.TimeoutExpired as error:
        raise SoundServerError("the sound server does not answer", advice="Restart it.") from error
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise SoundServerError(said or "the sound server refuses") from error
