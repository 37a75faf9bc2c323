"""What a sound card gives, as it gives it: any number of channels at its rate, in continuous time, with its gaps."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hardware.audio import AudioGap, GapReason
from hardware.sample_clock import RateWatch, SampleClock
from hardware.sound_card_pipe import CardProcess
from hardware.sound_card_wire import Kind
from models.errors import AudioError

# A vanished device leaves a stream that looks alive: no exception, no status, only no more callbacks.
_STALLED_AFTER_S = 2.0
# A sound server that was just started takes 2–3.5 s to its first callback, PortAudio up to a second to load.
_FIRST_SAMPLES_AFTER_S = 12.0
# So much the system may still hold of another source when the stream comes back: more than the latency asked for.
_OF_ANOTHER_S = 0.5
# While the stream is elsewhere, its loss is said at least so often.
_AWAY_PIECE_MS = 1_000

_ADVICE: Final = {
    "portaudio_missing": "Install PortAudio (Debian and Ubuntu: apt install libportaudio2) and voicetrail[edge].",
    "microphone_not_opened": "Check that it is plugged in and free; `voicetrail-edge devices` lists what is there.",
    "microphone_format": "Ask for what it has; take an array by ALSA's name (hw:…) and not by the sound server's.",
    "microphone_lost": "Plug it in again, or choose another one.",
    "microphone_rerouted": "Choose the microphone by its name, so that no other takes its place.",
    "microphone_wrong_rate": "Plug it in again; if it stays so, choose another one.",
}

RawSamples = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Samples, shape (n, channels)."""


@dataclass(frozen=True, slots=True, eq=False)
class RawBlock:
    """A stretch of audio as the device gave it."""

    start_ms: int
    """Milliseconds since the first sample, rounded down; so is the end."""
    end_ms: int
    samples: RawSamples


class RawCapture:
    """One device in a process of its own, its samples unchanged: RawBlock and AudioGap tile the time from 0."""

    def __init__(
        self,
        device: str | None,
        *,
        channels: int = 1,
        rate_hz: int = 16_000,
        dtype: Literal["int16", "float32"] = "int16",
        convert: bool = False,
        held_s: float = 30.0,
    ) -> None:
        """Name a device; it is opened by `blocks`.

        Args:
            device: the sound server's own name of a source, or PortAudio's name of an input (a part will do) or its
                number, or None for the system's default.
            channels: to capture.
            rate_hz: to capture at.
            dtype: of the samples, full scale ±32768 or ±1.
            convert: let ALSA convert what a bare sound card gives; otherwise a rate or number of channels that it does
                not have is refused. A sound server converts in any case.
            held_s: seconds of audio held for a consumer that is late; what does not fit becomes a gap (overload).
        """
        self.device = device
        self.channels = channels
        self.rate_hz = rate_hz
        self.dtype = dtype
        self.convert = convert
        self.held_s = held_s
        self._process: CardProcess | None = None
        self._closed = False
        self._changing = threading.Lock()

    def blocks(self) -> Iterator[RawBlock | AudioGap]:
        """Give audio from now until `close`; once.

        Raises:
            AudioError: portaudio_missing, microphone_not_opened, microphone_format (see `rate_hz` and `channels`);
                after the gap over its silence microphone_lost; microphone_wrong_rate; microphone_rerouted when the
                default was asked for and the system now takes another one for it.
        """
        with self._changing:
            if self._closed:
                return
            sample_bytes = self.channels * np.dtype(self.dtype).itemsize
            request = {
                "held_bytes": round(self.held_s * self.rate_hz) * sample_bytes,
                "device": self.device,
                "channels": self.channels,
                "rate_hz": self.rate_hz,
                "dtype": self.dtype,
                "convert": self.convert,
            }
            process = self._process = CardProcess(request)
        try:
            yield from self._until_lost(process)
        finally:
            process.let_go()

    def close(self) -> None:
        """End `blocks` after what was captured so far; takes 2 s at most, also where the sound server hangs."""
        with self._changing:
            self._closed = True
            process = self._process
        if process is not None:
            process.end()

    def _until_lost(self, process: CardProcess) -> Iterator[RawBlock | AudioGap]:
        stream = _Stream(self)
        patience_s = _FIRST_SAMPLES_AFTER_S
        while True:
            try:
                message = process.read(timeout_s=patience_s)
            except TimeoutError:
                message = None
            if message is None:
                yield from stream.until(time.monotonic_ns(), unless=self._closed)
                if self._closed:
                    return
                raise (
                    self.error("microphone_lost", "gives no audio any more")
                    if stream.runs
                    else self.error("microphone_not_opened", "gives no audio")
                )
            head, body = message
            if head.kind is Kind.AUDIO:
                patience_s = _STALLED_AFTER_S
                yield from stream.audio(body, first_sample=head.first_sample, at_ns=head.at_ns)
            elif head.kind is Kind.SOURCE:
                stream.moved(**json.loads(body))
            elif head.kind is Kind.FAILED:
                yield from stream.until(time.monotonic_ns(), unless=self._closed)
                failed: dict[str, Any] = json.loads(body)
                raise self.error(failed["code"], failed["message"])

    def error(self, code: str, why: str) -> AudioError:
        """Return an error about this device."""
        name = "the default microphone" if self.device is None else f"the microphone {self.device}"
        permanent = code == "portaudio_missing"
        return AudioError(f"{name}: {why}", code=code, permanent=permanent, advice=_ADVICE[code])


class _Stream:
    """One opened stream: its samples against the clock, and the source that it hears."""

    def __init__(self, capture: RawCapture) -> None:
        self._capture = capture
        self._clock = SampleClock(capture.rate_hz)
        self._rate = RateWatch(capture.rate_hz)
        self._seen_samples = 0
        self._away = False
        self._of_another: int | None = None
        self._given = 0

    @property
    def runs(self) -> bool:
        """Audio has come."""
        return self._seen_samples > 0

    def audio(self, body: bytes, *, first_sample: int, at_ns: int) -> Iterator[RawBlock | AudioGap]:
        """Take a block."""
        samples: RawSamples = np.frombuffer(body, dtype=self._capture.dtype).reshape(-1, self._capture.channels)
        dropped = first_sample - self._seen_samples
        self._seen_samples = first_sample + len(samples)
        if (rate_hz := self._rate.push(dropped + len(samples), at_ns=at_ns)) is not None:
            yield from self._lost(at_ns, GapReason.WRONG_RATE)
            why = f"gives {rate_hz} samples a second instead of {self._capture.rate_hz}"
            raise self._capture.error("microphone_wrong_rate", why)
        if self._away:
            yield from self._while_away(len(samples), at_ns=at_ns)
            return
        accounted = self._clock.push(len(samples), at_ns=at_ns, dropped=dropped)
        yield from self._skip(accounted.lost, GapReason.OVERLOAD)
        kept = samples[accounted.surplus :]
        if len(kept):
            start_ms = self._now_ms
            self._given += len(kept)
            yield RawBlock(start_ms, self._now_ms, kept)

    def moved(self, *, hears: str | None, own: str | None) -> None:
        """Take the names of the sources that the stream hears now and that it should hear."""
        if hears == own:
            self._of_another = round(_OF_ANOTHER_S * self._capture.rate_hz)
        elif self._capture.device is None:
            raise self._capture.error("microphone_rerouted", f"is now {hears} and no longer {own}")
        else:
            self._away, self._of_another = True, None

    def until(self, now_ns: int, *, unless: bool) -> Iterator[AudioGap]:
        """Let the stream's silence until now be lost, unless it was asked to end."""
        if self._away or not unless:
            yield from self._lost(now_ns, GapReason.REROUTED if self._away else GapReason.DEVICE_LOST)

    @property
    def _now_ms(self) -> int:
        return self._given * 1000 // self._capture.rate_hz

    def _while_away(self, samples: int, *, at_ns: int) -> Iterator[AudioGap]:
        """Say what was not heard, in pieces; come back when what is held of another source has passed."""
        if self._of_another is not None:
            self._of_another -= samples
            self._away = self._of_another > 0
        if not self._away or self._clock.lag(at_ns) * 1000 >= _AWAY_PIECE_MS * self._capture.rate_hz:
            yield from self._lost(at_ns, GapReason.REROUTED)

    def _lost(self, now_ns: int, reason: GapReason) -> Iterator[AudioGap]:
        """Let the time up to now be lost."""
        samples = self._clock.lag(now_ns)
        self._clock.miss(samples)
        self._clock.judge_anew(now_ns)
        yield from self._skip(samples, reason)

    def _skip(self, samples: int, reason: GapReason) -> Iterator[AudioGap]:
        start_ms = self._now_ms
        self._given += samples
        if self._now_ms > start_ms:
            yield AudioGap(start_ms, self._now_ms, reason)
