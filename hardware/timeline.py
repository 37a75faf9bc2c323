"""One continuous time out of the times of sources that follow each other; pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap

PIECE_MS: Final = 1_000
"""A long loss is said in pieces of this length, while it lasts."""


class Timeline:
    """Tiles the time from 0: what lies behind its position is cut off, a hole before an item becomes a gap."""

    def __init__(self) -> None:
        self._now_ms = 0

    @property
    def now_ms(self) -> int:
        """Where the next item starts."""
        return self._now_ms

    def lost(self, *, until_ms: int, reason: str) -> Iterator[AudioGap]:
        """Let the time up to a point be lost; nothing when it is past already."""
        while self._now_ms < until_ms:
            gap = AudioGap(self._now_ms, min(until_ms, self._now_ms + PIECE_MS), reason)
            self._now_ms = gap.end_ms
            yield gap

    def take(self, item: AudioFrame | AudioGap, *, offset_ms: int, hole_reason: str) -> Iterator[AudioFrame | AudioGap]:
        """Take an item of a source.

        Args:
            item: in the source's own time.
            offset_ms: our time of the source's 0.
            hole_reason: why the time between our position and the item is lost.
        """
        start_ms, end_ms = item.start_ms + offset_ms, item.end_ms + offset_ms
        yield from self.lost(until_ms=start_ms, reason=hole_reason)
        if isinstance(item, AudioGap):
            yield from self.lost(until_ms=end_ms, reason=item.reason)
        elif end_ms > self._now_ms:
            samples = item.samples[(self._now_ms - start_ms) * SAMPLES_PER_MS :]
            frame = replace(item, start_ms=self._now_ms, samples=samples)
            self._now_ms = frame.end_ms
            yield frame
