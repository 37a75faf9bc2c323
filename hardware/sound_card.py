"""A microphone that the operating system knows, through PortAudio."""

import importlib
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Protocol

import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples
from hardware.intake import Intake
from models.errors import AudioError

# A vanished device leaves a stream that looks alive: no exception, no status, only no more callbacks.
_STALLED_AFTER_S = 2.0
# A sound server that was just started takes 2–3.5 s to its first callback.
_FIRST_CALLBACK_AFTER_S = 6.0
# Scheduling makes callbacks late by some 10 ms; a stream this far behind the clock has lost samples.
_LOST_AFTER_MS = 100


class _CallbackFlags(Protocol):
    """What PortAudio says of a callback's samples."""

    input_overflow: bool


class _Stream(Protocol):
    def close(self) -> None: ...


class SoundCardSource:
    """A sound card as an AudioSource; 16 kHz mono, converted by the system where the card cannot.

    PortAudio's thread only copies; what a slow consumer leaves for a minute becomes a gap with reason overload.
    """

    def __init__(self, device: str | int | None = None) -> None:
        """Name a device as the system lists it (a part of the name will do), its number, or None for the default."""
        self._device = device
        self._intake = Intake()

    @property
    def name(self) -> str:
        """The device as it was asked for."""
        return "default microphone" if self._device is None else str(self._device)

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio from now until `close`; once.

        Raises:
            AudioError: portaudio_missing, microphone_not_opened, microphone_lost (after a gap over the silence).
        """
        sounddevice = _portaudio()
        capture = _Capture(self._intake)
        try:
            stream = sounddevice.InputStream(
                device=self._device,
                samplerate=SAMPLE_RATE_HZ,
                channels=1,
                dtype="float32",
                latency=0.2,
                callback=capture.take,
                finished_callback=capture.finished,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioError(
                f"the microphone {self.name} does not open: {error}",
                code="microphone_not_opened",
                permanent=False,
                advice="Check that it is plugged in and not in use elsewhere; `python -m sounddevice` lists all.",
            ) from error
        try:
            stream.start()
            yield from self._until_lost(capture)
        finally:
            _let_go(stream)

    def close(self) -> None:
        """End `frames` after what was captured so far."""
        self._intake.end()

    def _until_lost(self, capture: "_Capture") -> Iterator[AudioFrame | AudioGap]:
        now_ms, patience_s = 0, _FIRST_CALLBACK_AFTER_S
        while True:
            try:
                item = self._intake.take(timeout_s=patience_s)
            except TimeoutError:
                yield AudioGap(start_ms=now_ms, end_ms=now_ms + round(patience_s * 1000), reason=GapReason.DEVICE_LOST)
                raise self._lost() from None
            if item is None:
                if capture.has_finished:
                    raise self._lost()
                return
            yield item
            now_ms, patience_s = item.end_ms, _STALLED_AFTER_S

    def _lost(self) -> AudioError:
        return AudioError(
            f"the microphone {self.name} stopped giving audio",
            code="microphone_lost",
            permanent=False,
            advice="Plug it in again, or choose another one; then start again.",
        )


class _Capture:
    """The callbacks of one stream: counts samples against the clock and hands copies on."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._started_s: float | None = None
        self._now_ms = 0
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self.has_finished = False

    def take(self, indata: Samples, frames: int, _when: object, flags: _CallbackFlags) -> None:
        """Take one callback's samples, shape (frames, 1); PortAudio's thread calls this and must not wait."""
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s - frames / SAMPLE_RATE_HZ
        samples = np.concatenate([self._rest, indata[:, 0]])
        if flags.input_overflow:
            self._account_for_loss(elapsed_ms=round((now_s - self._started_s) * 1000), held=len(samples))
        whole = len(samples) - len(samples) % SAMPLES_PER_MS
        self._rest = samples[whole:]
        frame = AudioFrame(start_ms=self._now_ms, samples=samples[:whole])
        self._now_ms = frame.end_ms
        self._intake.offer(frame)

    def finished(self) -> None:
        """PortAudio has ended the stream by itself, or we have stopped it."""
        self.has_finished = True
        self._intake.end()

    def _account_for_loss(self, *, elapsed_ms: int, held: int) -> None:
        lost_ms = elapsed_ms - self._now_ms - held // SAMPLES_PER_MS
        if lost_ms > _LOST_AFTER_MS:
            gap = AudioGap(start_ms=self._now_ms, end_ms=self._now_ms + lost_ms, reason=GapReason.OVERLOAD)
            self._now_ms = gap.end_ms
            self._intake.offer(gap)


def _let_go(stream: _Stream) -> None:
    """Close a stream without waiting for a sound server that hangs: with PulseAudio frozen, closing never returns."""
    closing = threading.Thread(target=stream.close, name="close-microphone", daemon=True)
    closing.start()
    closing.join(timeout=_STALLED_AFTER_S)


def _portaudio() -> ModuleType:
    try:
        # Loading it starts PortAudio, which only a recording device has.
        return importlib.import_module("sounddevice")
    except OSError as error:
        raise AudioError(
            f"PortAudio is not installed: {error}",
            code="portaudio_missing",
            advice="Install it (Debian and Ubuntu: apt install libportaudio2) and start again.",
        ) from error
    except ModuleNotFoundError as error:
        raise AudioError(
            "the package sounddevice is not installed",
            code="portaudio_missing",
            advice="Install voicetrail[edge] and start again.",
        ) from error
