"""The microphone of a shift: read all the time, measured, and passed on to whoever may hear."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_agent.agent.late_sound import LateSound
from edge_agent.agent.tap import Tap
from edge_agent.clock import Reading
from hardware.audio import AudioFrame, AudioGap, AudioSource, GapReason, Samples
from hardware.kept_sound import store_of
from models.errors import AudioError

DEAF_AFTER_MS: Final = 1_500
"""Without a frame for so long, the device does not hear; the console has half a second more to say so within 2 s."""
_LAGS = 256
"""Items by which the start of the microphone's time is known: a minute; its clock drifts against ours."""
_ON_ITS_WAY_S: Final = 0.05
_QUIETEST = 1e-6
"""-120 dB below full scale: what a microphone that gives zeros is shown as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearkening:
    """How the microphone is doing."""

    name: str
    hears: bool
    level_dbfs: float | None
    trouble: str
    """Code of why it does not hear; empty while it does."""
    advice: str


class Ear:
    """Reads one source in a thread of its own until it is closed; it never waits for those it passes sound to."""

    def __init__(self, source: AudioSource, *, clock: Callable[[], Reading], on_sound: Callable[[], None]) -> None:
        """Prepare.

        Args:
            source: opened by the thread.
            clock: of the device.
            on_sound: called in the thread after each item.
        """
        self._source = source
        self._clock = clock
        self._on_sound = on_sound
        self._lock = threading.Lock()
        self._taps: list[Tap] = []
        self._lags: deque[int] = deque(maxlen=_LAGS)
        self._opened_ms = clock().monotonic_ms
        self._heard_ms: int | None = None
        self._level_dbfs: float | None = None
        self._gap = ""
        self._link_was_lost = True
        self._waits_for_late = True
        self._late = None if store_of(source) is None else LateSound(source, taps=self._taking, clock=clock)
        self._error: AudioError | None = None
        self._thread = threading.Thread(target=self._read, name="ear", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()
        if self._late is not None:
            self._late.start()

    def tap(self, *, from_ms: int, capacity_ms: int, late_too: bool = False) -> Tap:
        """Pass on what is heard from a moment on, by the monotonic clock.

        Args:
            from_ms: that moment.
            capacity_ms: sound that may wait.
            late_too: also what the microphone keeps while its link is lost, if it does.
        """
        is_filled_later = late_too and self._late is not None and self._late.may_come
        tap = Tap(name=self._source.name, from_ms=from_ms, capacity_ms=capacity_ms, is_filled_later=is_filled_later)
        with self._lock:
            self._taps.append(tap)
        return tap

    @property
    def is_tapped(self) -> bool:
        """Somebody still waits for sound."""
        with self._lock:
            return bool(self._taps)

    def settle(self) -> None:
        """Let those go whose time is over: what has not come for them is lost."""
        now_ms = self._clock().monotonic_ms
        for tap in self._taking():
            if not self._waits_for_late:
                tap.let_go()
            tap.settle(now_ms=now_ms)
        with self._lock:
            self._taps = [tap for tap in self._taps if not tap.is_full]

    def now(self) -> Hearkening:
        """Return how the microphone is doing."""
        with self._lock:
            now_ms = self._clock().monotonic_ms
            # One that was just opened is given as long to speak as one that fell silent.
            last_ms = self._opened_ms if self._heard_ms is None else self._heard_ms
            hears = self._error is None and self._heard_ms is not None and now_ms - last_ms < DEAF_AFTER_MS
            error = self._error
            waits = error is None and not hears
            return Hearkening(
                name=self._source.name,
                hears=hears,
                level_dbfs=self._level_dbfs if hears else None,
                trouble=error.code if error else (self._gap or "no_sound") if waits else "",
                advice=error.advice if error else "",
            )

    def wait_no_longer(self) -> None:
        """Let losses of the link be told as they are: what the microphone kept comes too late."""
        self._waits_for_late = False

    def finish(self) -> None:
        """Wait for sound that is still on its way to somebody, as long as a tap has patience; then close."""
        while self.is_tapped:
            self.settle()
            time.sleep(_ON_ITS_WAY_S)
        self.close()

    def close(self, *, wait_s: float = 5.0) -> None:
        """Stop reading and let the device go; safe more than once."""
        self._source.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=wait_s)
        if self._late is not None:
            self._late.close(wait_s=wait_s)
        self.wait_no_longer()

    def _taking(self) -> list[Tap]:
        with self._lock:
            return list(self._taps)

    def _read(self) -> None:
        try:
            for item in self._source.frames():
                self._take(item)
                self._on_sound()
            ended = AudioError(f"{self._source.name} ended", code="microphone_ended", advice="Begin a new shift.")
            self._fail(ended)
        except AudioError as error:
            # A thread has nobody to raise to; the console shows it, and the time that follows is lost.
            self._fail(error)
        self._on_sound()

    def _take(self, item: AudioFrame | AudioGap) -> None:
        now_ms = self._clock().monotonic_ms
        with self._lock:
            self._lags.append(now_ms - item.end_ms)
            zero_ms = min(self._lags)
            if isinstance(item, AudioFrame):
                self._heard_ms = now_ms
                self._level_dbfs = level_dbfs(item.samples)
                self._gap = ""
            else:
                self._gap = item.reason
            self._taps = [tap for tap in self._taps if tap.offer(item, zero_ms=zero_ms)]
        if isinstance(item, AudioGap):
            self._link_was_lost |= item.reason == GapReason.LINK_LOST
        elif self._link_was_lost:
            self._link_was_lost = False
            if self._late is not None:
                self._late.link_is_back()

    def _fail(self, error: AudioError) -> None:
        with self._lock:
            self._error = error
        self.wait_no_longer()


def level_dbfs(samples: Samples) -> float:
    """Return the root mean square of samples, dB below full scale."""
    rms = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    return round(20 * float(np.log10(max(rms, _QUIETEST))), 1)
