"""A bounded meeting place between a thread that must not wait and one that may be slow."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from hardware.audio import AudioFrame, AudioGap, GapReason

LIVE_BUFFER_MS = 60_000
"""How far recognition may fall behind a live source before audio is given up: 60 s is 3.8 MB."""


class Intake:
    """Takes audio without ever waiting and gives it in order; what does not fit becomes a gap.

    The gap lies where the audio was given up, so frames and gaps still tile the time.
    """

    def __init__(self, *, capacity_ms: int = LIVE_BUFFER_MS) -> None:
        """Make room for `capacity_ms` of audio."""
        self._capacity_ms = capacity_ms
        self._held_ms = 0
        self._items: deque[AudioFrame | AudioGap] = deque()
        self._given_up: AudioGap | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def held_ms(self) -> int:
        """Audio that waits to be taken."""
        with self._changed:
            return self._held_ms

    def offer(self, item: AudioFrame | AudioGap) -> None:
        """Take a frame or gap; never waits. A frame that does not fit is given up."""
        with self._changed:
            if isinstance(item, AudioFrame):
                if self._held_ms + item.end_ms - item.start_ms > self._capacity_ms:
                    self._give_up(item)
                    return
                self._held_ms += item.end_ms - item.start_ms
            self._settle_given_up()
            self._items.append(item)
            self._changed.notify()

    def end(self, *, error: BaseException | None = None) -> None:
        """Say that nothing more comes; `error` is raised to the taker after all that was held."""
        with self._changed:
            self._settle_given_up()
            self._ended = True
            self._error = error
            self._changed.notify()

    def take(self, *, timeout_s: float | None = None) -> AudioFrame | AudioGap | None:
        """Wait for the next item; None at the end.

        Raises:
            TimeoutError: nothing came within `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._ended, timeout=timeout_s):
                raise TimeoutError
            if self._items:
                item = self._items.popleft()
                if isinstance(item, AudioFrame):
                    self._held_ms -= item.end_ms - item.start_ms
                return item
            if self._error is not None:
                raise self._error
            return None

    def _give_up(self, frame: AudioFrame) -> None:
        start_ms = self._given_up.start_ms if self._given_up else frame.start_ms
        self._given_up = AudioGap(start_ms=start_ms, end_ms=frame.end_ms, reason=GapReason.OVERLOAD)

    def _settle_given_up(self) -> None:
        if self._given_up is not None:
            self._items.append(self._given_up)
            self._given_up = None


def read_ahead(
    items: Iterable[AudioFrame | AudioGap], *, stop: Callable[[], None], capacity_ms: int = LIVE_BUFFER_MS
) -> Iterator[AudioFrame | AudioGap]:
    """Read `items` in a thread at their own pace, so that a slow consumer cannot stall them.

    Args:
        items: the live audio.
        stop: makes `items` end soon; called when the consumer goes away.
        capacity_ms: audio held for a slow consumer; what does not fit becomes a gap with reason overload.

    Raises:
        whatever reading `items` raises, after the audio that came before it.
    """
    intake = Intake(capacity_ms=capacity_ms)

    def read() -> None:
        try:
            for item in items:
                intake.offer(item)
        except BaseException as error:  # whatever it is, lest the consumer wait for ever; raised again in its thread
            intake.end(error=error)
        else:
            intake.end()

    reader = threading.Thread(target=read, name="read-ahead", daemon=True)
    reader.start()
    try:
        while (item := intake.take()) is not None:
            yield item
    finally:
        stop()
        reader.join()
