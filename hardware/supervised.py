"""A microphone that outlives its device: unplugged, it is waited for, and the time without it is said."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from hardware.audio import AudioFrame, AudioGap, AudioSource, GapReason
from hardware.intake import Intake
from hardware.kept_sound import SoundStore, store_of
from hardware.signal_watch import SignalWatch
from hardware.signals import Link, OnSignal
from hardware.timeline import PIECE_MS, Timeline
from models.errors import AudioError

FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 2.0
"""Between two attempts to open a device that is gone."""

# Sources with a watchdog of their own notice after 2 s, and know why.
_STALLED_AFTER_S = 3.0
_JOINED_WITHIN_S = 5.0

_REASONS: Final[dict[str, str]] = {
    "link_lost": GapReason.LINK_LOST,
    "microphone_rerouted": GapReason.REROUTED,
    "microphone_wrong_rate": GapReason.WRONG_RATE,
}
"""Why the time after an error is lost, by the error's code; device_lost after any other."""

_NOT_HEARING = frozenset({GapReason.DEVICE_LOST, GapReason.LINK_LOST, GapReason.REROUTED, GapReason.WRONG_RATE})


class Supervised:
    """An AudioSource over a device that comes and goes.

    A loss is said while it lasts, in gaps of at most a second (device_lost, link_lost, rerouted, …) and as a Link
    signal; audio that is of no use (clipped, digital silence) as a Trouble signal. It ends when the device's own audio
    ends, when it is closed, or at a permanent error. Its time is the clock's from the first audio on, or from the
    first failure to open.
    """

    def __init__(
        self,
        open_source: Callable[[], AudioSource],
        *,
        on_signal: OnSignal = lambda signal: None,
        must_open: bool = False,
    ) -> None:
        """Supervise what a function gives.

        Args:
            open_source: gives a source that `frames` was not called of; called now and again after each loss.
            on_signal: is told of Link and Trouble, in the thread that reads `frames`.
            must_open: a device that is not there at the very start is an error, not something to wait for.

        Raises:
            AudioError: as `open_source`.
        """
        self._open_source = open_source
        self._on_signal = on_signal
        self._must_open = must_open
        self._source = open_source()
        self._name = self._source.name
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._timeline = Timeline()
        self._zero_s: float | None = None
        self._lost_reason: str | None = None
        self._watch = SignalWatch()

    @property
    def name(self) -> str:
        """The first source's name."""
        return self._name

    @property
    def offline_store(self) -> SoundStore | None:
        """What the device keeps sound in; None when it keeps none."""
        return store_of(self._source)

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio and losses; once.

        Raises:
            AudioError: a permanent one of the source; with `must_open` any before the first audio.
        """
        wait_s = FIRST_WAIT_S
        while True:
            life = _Life(self._source)
            try:
                yield from self._live(life)
                return
            except AudioError as error:
                if error.permanent or (self._must_open and self._zero_s is None):
                    raise
                self._lose(_REASONS.get(error.code, GapReason.DEVICE_LOST))
            finally:
                life.end()
            wait_s = FIRST_WAIT_S if life.arrived_s is not None else min(LONGEST_WAIT_S, wait_s * 2)
            yield from self._pass(wait_s)
            if not self._opened_anew():
                yield from self._until_now()
                return

    def close(self) -> None:
        """End `frames`."""
        with self._changing:
            self._closed.set()
            source = self._source
        source.close()

    def _live(self, life: "_Life") -> Iterator[AudioFrame | AudioGap]:
        """Give what a source gives until it ends."""
        while True:
            try:
                item = life.take(timeout_s=PIECE_MS / 1000)
            except TimeoutError:
                if life.arrived_s is not None and time.monotonic() - life.arrived_s > _STALLED_AFTER_S:
                    self._lose(GapReason.DEVICE_LOST)
                yield from self._until_now()
                continue
            if item is None:
                yield from self._until_now()
                return
            if self._zero_s is None:
                self._zero_s = life.zero_s
            yield from self._timeline.take(
                item,
                offset_ms=round((life.zero_s - self._zero_s) * 1000),
                hole_reason=self._lost_reason or GapReason.DEVICE_LOST,
            )
            self._judge(item)

    def _judge(self, item: AudioFrame | AudioGap) -> None:
        if isinstance(item, AudioGap):
            if item.reason in _NOT_HEARING:
                self._lose(item.reason)
            return
        if self._lost_reason is not None:
            self._lost_reason = None
            self._on_signal(Link(connected=True, reason=""))
        if (trouble := self._watch.push(item.samples)) is not None:
            self._on_signal(trouble)

    def _lose(self, reason: str) -> None:
        if self._zero_s is None:
            self._zero_s = time.monotonic()
        if self._lost_reason is None:
            self._on_signal(Link(connected=False, reason=reason))
        self._lost_reason = reason

    def _pass(self, wait_s: float) -> Iterator[AudioGap]:
        """Wait, and let the time be lost."""
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._closed.wait(min(left_s, PIECE_MS / 1000)):
            yield from self._until_now()

    def _until_now(self) -> Iterator[AudioGap]:
        """Say what was lost up to now, if it is lost."""
        if self._lost_reason is not None and self._zero_s is not None:
            now_ms = round((time.monotonic() - self._zero_s) * 1000)
            yield from self._timeline.lost(until_ms=now_ms, reason=self._lost_reason)

    def _opened_anew(self) -> bool:
        with self._changing:
            if self._closed.is_set():
                return False
            self._source = self._open_source()
            return True


class _Life:
    """One source from its opening to its end, read in a thread, so that its silence is noticed."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._intake = Intake()
        self.zero_s = 0.0
        """Monotonic seconds of its 0, by when its first item came."""
        self.arrived_s: float | None = None
        """When its latest item came."""
        self._thread = threading.Thread(target=self._read, name="microphone", daemon=True)
        self._thread.start()

    def take(self, *, timeout_s: float) -> AudioFrame | AudioGap | None:
        """Wait for its next item; None when it has ended.

        Raises:
            TimeoutError: nothing came.
            AudioError: of the source.
        """
        return self._intake.take(timeout_s=timeout_s)

    def end(self) -> None:
        """Close it."""
        self._source.close()
        self._thread.join(timeout=_JOINED_WITHIN_S)

    def _read(self) -> None:
        try:
            for item in self._source.frames():
                now_s = time.monotonic()
                if self.arrived_s is None:
                    self.zero_s = now_s - item.end_ms / 1000
                self.arrived_s = now_s
                self._intake.offer(item)
        except BaseException as error:  # whatever it is: the consumer's thread raises it again
            self._intake.end(error=error)
        else:
            self._intake.end()
