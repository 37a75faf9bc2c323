"""Media files as a source of audio: whatever FFmpeg decodes, at any rate and channel count."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame as DecodedFrame
from av.container import InputContainer

from hardware.audio import (
    SAMPLE_RATE_HZ,
    SAMPLES_PER_MS,
    AudioFrame,
    AudioGap,
    Samples,
)
from hardware.framing import FrameCutter
from hardware.intake import read_ahead
from models.errors import AudioError

# Containers round time stamps to a few ms; a lost Opus or AAC packet is 20 ms or more, and one alone is inaudible.
_SMALLEST_JUMP_MS = 50
# A larger jump is a damaged time stamp, not an hour that somebody recorded and lost.
_LARGEST_JUMP_MS = 3_600_000

# FFmpeg's names. A file of these that ends earlier than it says was cut off or is damaged to its end.
_FORMATS_THAT_KNOW_THEIR_LENGTH = frozenset({"wav", "flac", "ogg", "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
# Encoders leave up to a few frames at the end.
_SHORTEST_TAIL_MS = 500


class Pace(StrEnum):
    """How fast a file is given."""

    REAL = "real"
    """As a microphone would: a frame comes when its last sample would have been spoken."""
    FAST = "fast"
    """As fast as it is pulled."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, and how to wait."""

    now_s: Callable[[], float] = time.monotonic
    sleep_s: Callable[[float], None] = time.sleep


class MediaFileSource:
    """A media file as an AudioSource: decoded in a stream, so memory does not grow with its length.

    A damaged stretch becomes a gap with reason decode_error and decoding goes on behind it. At real pace a reader
    thread keeps the pace, and what a slow consumer leaves becomes a gap with reason overload.
    """

    def __init__(self, path: Path | str, *, pace: Pace, clock: Clock | None = None) -> None:
        """Name a file; it is opened by `frames`."""
        self._path = Path(path)
        self._pace = pace
        self._clock = clock or Clock()
        self._closed = False

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self._path.name

    def declared_ms(self) -> int:
        """Return how long the file says it is, in milliseconds; 0 where it does not say.

        Raises:
            AudioError: as `frames`.
        """
        with _open(self._path) as container:
            return _declared_ms(container)

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give the file from its start, 256 ms at a time.

        Raises:
            AudioError: media_not_found, media_empty, media_without_sound, media_unreadable.
        """
        if self._pace is Pace.REAL:
            yield from read_ahead(self._paced(), stop=self.close)
        else:
            yield from self._decoded()

    def close(self) -> None:
        """End `frames` at its next frame."""
        self._closed = True

    def _paced(self) -> Iterator[AudioFrame | AudioGap]:
        started_s = self._clock.now_s()
        for item in self._decoded():
            wait_s = started_s + item.end_ms / 1000 - self._clock.now_s()
            if wait_s > 0:
                self._clock.sleep_s(wait_s)
            yield item

    def _decoded(self) -> Iterator[AudioFrame | AudioGap]:
        with _open(self._path) as container:
            decoding = _Decoding(container)
            for item in decoding.items():
                if self._closed:
                    return
                yield item
        if not decoding.found_audio:
            raise self._nothing_decoded(damaged=decoding.damaged)

    def _nothing_decoded(self, *, damaged: bool) -> AudioError:
        if damaged:
            return _unreadable(self._path, "nothing in it could be decoded")
        return AudioError(
            f"{self._path.name} holds no audio",
            code="media_empty",
            advice="Check that the recording was finished and copied completely.",
        )


def _open(path: Path) -> InputContainer:
    try:
        if path.stat().st_size == 0:
            raise AudioError(
                f"{path.name} is empty",
                code="media_empty",
                advice="Check that the recording was finished and copied completely.",
            )
        # A play list must not make the device open other files over the network.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except FileNotFoundError:
        raise AudioError(
            f"there is no file {path}", code="media_not_found", advice="Check the path; it is case-sensitive."
        ) from None
    except (OSError, av.error.FFmpegError) as error:
        raise _unreadable(path, str(error)) from error
    if not container.streams.audio:
        container.close()
        raise AudioError(
            f"{path.name} has no sound",
            code="media_without_sound",
            advice="Choose a recording with an audio track.",
        )
    return container


def _unreadable(path: Path, why: str) -> AudioError:
    return AudioError(
        f"{path.name} cannot be read as audio or video: {why}",
        code="media_unreadable",
        advice="Play the file in a media player; if it fails there too, copy or export it again.",
    )


def _declared_ms(container: InputContainer) -> int:
    """How long the file says it is; 0 where it does not say, or where FFmpeg only guesses from the bit rate."""
    stream = container.streams.audio[0]
    if container.format.name not in _FORMATS_THAT_KNOW_THEIR_LENGTH:
        return 0
    if stream.duration is not None and stream.time_base is not None:
        return round(stream.duration * stream.time_base * 1000)
    if container.duration is not None and len(container.streams) == 1:
        return round(container.duration * 1000 / av.time_base)
    return 0


class _Decoding:
    """One pass through a container: packets to 16 kHz mono, held against the file's own time stamps."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._stream = container.streams.audio[0]
        self._resampler = _Resampler()
        self._cutter = FrameCutter()
        # The file's time of our 0; set by the first frame that has a time stamp.
        self._origin_s: float | None = None
        self.found_audio = False
        self.damaged = False

    def items(self) -> Iterator[AudioFrame | AudioGap]:
        """Decode to the end."""
        for decoded in self._decoded_frames():
            yield from self._jump_to(decoded)
            for samples in self._resampler.push(decoded):
                self.found_audio = True
                yield from self._cutter.push(samples)
        yield from self._flush()
        missing_ms = _declared_ms(self._container) - self._cutter.position_ms
        if self.found_audio and missing_ms > _SHORTEST_TAIL_MS:
            yield self._cutter.skip(missing_ms)

    def _decoded_frames(self) -> Iterator[DecodedFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield from next(packets).decode()
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self.damaged = True
            except (OSError, av.error.FFmpegError):
                # The container itself ends here; what came before is good.
                self.damaged = True
                return

    def _flush(self) -> Iterator[AudioFrame]:
        for samples in self._resampler.flush():
            yield from self._cutter.push(samples)
        yield from self._cutter.flush()

    def _jump_to(self, decoded: DecodedFrame) -> Iterator[AudioFrame | AudioGap]:
        if decoded.time is None:
            return
        at_ms = self._cutter.position_ms + self._resampler.pending_ms
        if self._origin_s is None:
            self._origin_s = decoded.time - at_ms / 1000
        jump_ms = round((decoded.time - self._origin_s) * 1000) - at_ms
        if _SMALLEST_JUMP_MS <= jump_ms <= _LARGEST_JUMP_MS:
            yield from self._flush()
            yield self._cutter.skip(max(jump_ms + at_ms - self._cutter.position_ms, 1))
        elif abs(jump_ms) >= _SMALLEST_JUMP_MS:
            self._origin_s = decoded.time - at_ms / 1000


class _Resampler:
    """Any decoded frame to 16 kHz mono; a format that changes mid-file is followed."""

    def __init__(self) -> None:
        self._setup: tuple[int, str, str] | None = None
        self._taken_s = 0.0
        self._given_samples = 0

    @property
    def pending_ms(self) -> int:
        """Audio taken and not yet given: the filter's delay."""
        return round(self._taken_s * 1000) - self._given_samples // SAMPLES_PER_MS

    def push(self, decoded: DecodedFrame) -> Iterator[Samples]:
        """Resample one frame."""
        setup = (decoded.sample_rate, decoded.format.name, decoded.layout.name)
        if setup != self._setup:
            yield from self.flush()
            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
            self._setup = setup
        self._taken_s += decoded.samples / decoded.sample_rate
        decoded.pts = None  # our own count keeps the time; the resampler would fill jumps with silence
        yield from self._given(self._resampler.resample(decoded))

    def flush(self) -> Iterator[Samples]:
        """Give what the filter still holds, and start anew."""
        if self._setup is not None:
            yield from self._given(self._resampler.resample(None))
        self._setup = None
        self._taken_s = 0.0
        self._given_samples = 0

    def _given(self, frames: list[DecodedFrame]) -> Iterator[Samples]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
            self._given_samples += len(samples)
            yield samples
