"""A wireless microphone's frames on the wall clock: pure, time is an argument.

What is lost for a moment is filled with silence and counted: silence cannot be recognised as words that nobody said.
What is lost for longer is a gap.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples
from hardware.ble_rate import RateConverter

# 100 ms: frames of 10 and 20 ms are gathered, so that nobody is called for each.
_FRAME_SAMPLES = SAMPLE_RATE_HZ // 10
# How often a gap that still grows is told.
_GROWTH_MS = 1000
# A look at the clock this late means that we were held up ourselves; frames wait to be taken.
_LATE_LOOK_MS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What a link may do before time counts as lost, in milliseconds."""

    concealed_ms: int = 200
    """The longest loss that is filled with silence."""
    stalled_ms: int = 1000
    """No frame for so long: a gap begins, though the link stands."""
    behind_ms: int = 200
    """How far frames may stay behind the clock: more is what the device dropped without telling."""
    behind_for_ms: int = 2000
    """How long they must stay behind; a radio in trouble delivers late and catches up."""
    ahead_ms: int = 500
    """How far frames may run ahead of the clock: more was already counted as lost."""


@dataclass(slots=True)
class LinkCounts:
    """What became of the frames."""

    heard: int = 0
    lost: int = 0
    """Never came."""
    undecodable: int = 0
    concealed: int = 0
    """Of the lost and undecodable: filled with silence."""
    late: int = 0
    """Came when their time was already counted as lost."""


class LinkTimeline:
    """Lays frames and losses so that they tile the time from 0.

    Milliseconds `now_ms` since the source started are given with each call and never go back.
    """

    def __init__(self, *, tolerance: Tolerance | None = None) -> None:
        """Start at 0, not connected."""
        self._tolerance = tolerance or Tolerance()
        self.counts = LinkCounts()
        self._converter: RateConverter | None = None
        self._rate_hz = SAMPLE_RATE_HZ
        self._start_ms = 0
        self._held: list[Samples] = []
        self._held_samples = 0
        self._missing_samples = 0
        self._missing_frames = 0
        self._missing_reason = GapReason.DECODE_ERROR
        self._heard_ms: int | None = None
        self._looked_ms = 0
        self._behind: deque[tuple[int, int]] = deque()

    @property
    def position_ms(self) -> int:
        """Up to where time is filled, without the losses that are not settled yet."""
        pending = self._converter.pending_samples if self._converter else 0
        return self._start_ms + (self._held_samples + pending) // SAMPLES_PER_MS

    def connected(self, *, rate_hz: int, now_ms: int) -> None:
        """A device sends from now on, at this rate."""
        self._rate_hz = rate_hz
        self._converter = RateConverter(rate_hz)
        self._heard_ms = None
        self._looked_ms = now_ms

    def heard(self, samples: Samples, *, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        """Take a frame's samples at the device's rate; the first after `connected` is laid to end now."""
        duration_ms = self._to_ms(len(samples))
        if self._heard_ms is None:
            self._drop_missing()
            yield from self._gap_to(now_ms - duration_ms)
        self._heard_ms = now_ms
        yield from self._settle(now_ms)
        if self.position_ms + duration_ms > now_ms + self._tolerance.ahead_ms:
            self.counts.late += 1
            return
        self.counts.heard += 1
        self._push(samples)
        if self._held_samples >= _FRAME_SAMPLES:
            yield self._cut()
        yield from self._hold_against(now_ms)

    def lost(self, *, frames: int, samples: int) -> None:
        """So many frames of so many samples are missing before the next one."""
        self.counts.lost += frames
        self._missing_reason = GapReason.LINK_LOST
        self._missing_frames += frames
        self._missing_samples += frames * samples

    def undecodable(self, *, samples: int) -> None:
        """A frame of so many samples came and is garbage."""
        self.counts.undecodable += 1
        self._missing_frames += 1
        self._missing_samples += samples

    def look(self, *, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        """Look at the clock, some times a second: a silence of the link becomes a gap that grows."""
        late = now_ms - self._looked_ms > _LATE_LOOK_MS
        self._looked_ms = now_ms
        if self._converter is not None and (
            late or (self._heard_ms is not None and now_ms - self._heard_ms <= self._tolerance.stalled_ms)
        ):
            return
        if now_ms - self.position_ms >= _GROWTH_MS:
            self._drop_missing()
            yield from self._gap_to(now_ms)

    def disconnected(self, *, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        """The device is gone: give what is held; what was missing goes into the gap that begins."""
        self._drop_missing()
        yield from self._flush()
        self._converter = None
        self._heard_ms = None
        self._looked_ms = now_ms

    def end(self, *, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        """The source is closed: give what is held, and a gap up to now if that is more than the way through the air."""
        yield from self.disconnected(now_ms=now_ms)
        if now_ms - self._start_ms > self._tolerance.concealed_ms:
            yield from self._gap_to(now_ms)

    def _settle(self, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        if not self._missing_samples:
            return
        missing_ms = self._to_ms(self._missing_samples)
        if missing_ms <= self._tolerance.concealed_ms:
            self.counts.concealed += self._missing_frames
            self._push(np.zeros(self._missing_samples, dtype=np.float32))
        else:
            # Numbers on the wire can lie; the clock bounds them.
            yield from self._gap_to(min(self.position_ms + missing_ms, now_ms), reason=self._missing_reason)
        self._drop_missing()

    def _drop_missing(self) -> None:
        self._missing_samples = self._missing_frames = 0
        self._missing_reason = GapReason.DECODE_ERROR

    def _hold_against(self, now_ms: int) -> Iterator[AudioFrame | AudioGap]:
        self._behind.append((now_ms, now_ms - self.position_ms))
        if now_ms - self._behind[0][0] < self._tolerance.behind_for_ms:
            return
        behind_ms = min(behind for _, behind in self._behind)
        while now_ms - self._behind[0][0] >= self._tolerance.behind_for_ms:
            self._behind.popleft()
        if behind_ms > self._tolerance.behind_ms:
            yield from self._gap_to(self.position_ms + behind_ms)

    def _gap_to(self, end_ms: int, *, reason: GapReason = GapReason.LINK_LOST) -> Iterator[AudioFrame | AudioGap]:
        if end_ms <= self.position_ms:
            return
        yield from self._flush()
        if end_ms > self._start_ms:
            yield AudioGap(start_ms=self._start_ms, end_ms=end_ms, reason=reason)
            self._start_ms = end_ms

    def _push(self, samples: Samples) -> None:
        if self._converter is None:
            raise RuntimeError("frames come only between connected and disconnected")
        self._hold(self._converter.push(samples))

    def _hold(self, samples: Samples) -> None:
        if len(samples):
            self._held.append(samples)
            self._held_samples += len(samples)

    def _cut(self) -> AudioFrame:
        joined = np.concatenate(self._held)
        whole = len(joined) - len(joined) % SAMPLES_PER_MS
        frame = AudioFrame(start_ms=self._start_ms, samples=joined[:whole])
        self._start_ms = frame.end_ms
        self._held = [joined[whole:]]
        self._held_samples = len(joined) - whole
        return frame

    def _flush(self) -> Iterator[AudioFrame]:
        self._behind.clear()
        if self._converter is not None:
            self._hold(self._converter.flush())
        if self._held_samples:
            self._hold(np.zeros(-self._held_samples % SAMPLES_PER_MS, dtype=np.float32))
            yield self._cut()

    def _to_ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz
