"""Samples held against the clock: what a device did not give is noticed although the device says nothing; pure."""

from collections import deque
from dataclasses import dataclass
from typing import Final

NS_PER_S: Final = 1_000_000_000

LATE_FOR_S: Final = 2.0
"""A busy system gives samples late and all at once; what is still missing after so long does not come any more."""
TOLERATED_S: Final = 0.25
"""Lost samples and the drift of the device's own clock (10–100 ppm) are made up for when they come to so much."""

_SETTLES_FOR_S = 3.0
# The first samples come late by what the system had to start; how late shows when the next ones come early.
_LATEST_START_S = 1.0

_RATE_MEASURED_OVER_S = 2.0
_RATES_COMPARED = 5
# 44.1 kHz for 48 kHz is 8 %; a quartz is off by 0.01 %.
_RATE_OFF_BY = 0.07
# What a busy system loses, it loses in bursts; what it gives late comes twice as fast at most.
_RATE_STEADY_WITHIN = 0.06
_RATE_IMPOSSIBLE = 4


@dataclass(frozen=True, slots=True)
class Accounted:
    """What a block of samples means for the time."""

    lost: int = 0
    """Samples that are missing before it."""
    surplus: int = 0
    """Of its own samples, so many at its start are more than time has passed; they are to be left out."""


class SampleClock:
    """Counts the samples of one stream, and those that are missing, so that their number follows the clock.

    The count stays within `TOLERATED_S` of the clock, `LATE_FOR_S` after whatever happened.
    """

    def __init__(self, rate_hz: int) -> None:
        """Expect so many samples a second."""
        self._rate_hz = rate_hz
        self._started = False
        self._origin_ns = 0
        self._started_ns = 0
        self._counted = 0
        self._surplus = 0
        self._behind: deque[tuple[int, int]] = deque()
        self._watched_from_ns = 0

    @property
    def counted(self) -> int:
        """Samples so far: taken and lost, not those that were surplus."""
        return self._counted

    def push(self, samples: int, *, at_ns: int, dropped: int = 0) -> Accounted:
        """Take a block.

        Args:
            samples: in the block, 1 or more.
            at_ns: monotonic time at which its last sample came.
            dropped: known to be lost before it.
        """
        if not self._started:
            self._started = True
            self._origin_ns = self._started_ns = self._watched_from_ns = at_ns - self._as_ns(samples + dropped)
        # A device that runs much too fast has more to drop than time has passed.
        room = self._as_samples(at_ns - self._origin_ns) + round(TOLERATED_S * self._rate_hz) - self._counted - samples
        dropped = min(dropped, max(0, room))
        surplus = min(samples, self._surplus)
        self._surplus -= surplus
        self._counted += dropped + samples - surplus
        return Accounted(lost=dropped + self._missing(at_ns), surplus=surplus)

    def lag(self, now_ns: int) -> int:
        """Return how many samples should have come since the last block; 0 before the first."""
        if not self._started:
            return 0
        return max(0, self._as_samples(now_ns - self._origin_ns) - self._counted)

    def miss(self, samples: int) -> None:
        """Count samples that will not come."""
        self._counted += samples

    def judge_anew(self, now_ns: int) -> None:
        """Forget how samples came until now, since they come in another way from now on."""
        self._surplus = 0
        self._started_ns = now_ns - round(_SETTLES_FOR_S * NS_PER_S)
        self._watch_anew(now_ns)

    def _missing(self, at_ns: int) -> int:
        """Return samples that have been behind the clock for long; note those that are ahead of it."""
        behind = self._as_samples(at_ns - self._origin_ns) - self._counted
        if behind < 0 and self._settles(at_ns, behind):
            self._origin_ns += self._as_ns(behind)
            self._watch_anew(at_ns)
            return 0
        while self._behind and self._behind[-1][1] >= behind:
            self._behind.pop()
        self._behind.append((at_ns, behind))
        while self._behind[0][0] < at_ns - LATE_FOR_S * NS_PER_S:
            self._behind.popleft()
        tolerated = TOLERATED_S * self._rate_hz
        if behind < -tolerated and not self._surplus:
            self._surplus = -behind
            return 0
        least = self._behind[0][1]
        if least > tolerated and at_ns - self._watched_from_ns >= LATE_FOR_S * NS_PER_S:
            self._counted += least
            self._watch_anew(at_ns)
            return least
        return 0

    def _settles(self, at_ns: int, behind: int) -> bool:
        early_ns = self._started_ns - self._origin_ns - self._as_ns(behind)
        return at_ns - self._started_ns < _SETTLES_FOR_S * NS_PER_S and early_ns <= _LATEST_START_S * NS_PER_S

    def _watch_anew(self, at_ns: int) -> None:
        self._behind.clear()
        self._watched_from_ns = at_ns

    def _as_ns(self, samples: int) -> int:
        return samples * NS_PER_S // self._rate_hz

    def _as_samples(self, time_ns: int) -> int:
        return time_ns * self._rate_hz // NS_PER_S


class RateWatch:
    """Notices a device that runs at a rate of its own, whatever it was asked for."""

    def __init__(self, rate_hz: int) -> None:
        """Expect so many samples a second."""
        self._rate_hz = rate_hz
        self._from_ns: int | None = None
        self._samples = 0
        self._rates: deque[float] = deque(maxlen=_RATES_COMPARED)

    def push(self, samples: int, *, at_ns: int) -> int | None:
        """Take the number of samples that came by a time; give the real rate, Hz, when it is surely wrong."""
        if self._from_ns is None:
            self._from_ns = at_ns
            return None
        self._samples += samples
        passed_ns = at_ns - self._from_ns
        if passed_ns < _RATE_MEASURED_OVER_S * NS_PER_S:
            return None
        self._rates.append(self._samples * NS_PER_S / passed_ns)
        self._from_ns, self._samples = at_ns, 0
        low, high = min(self._rates), max(self._rates)
        fast = low > self._rate_hz * (1 + _RATE_OFF_BY)
        slow = high < self._rate_hz * (1 - _RATE_OFF_BY) and high - low < self._rate_hz * _RATE_STEADY_WITHIN
        compared = len(self._rates) == _RATES_COMPARED
        if high > self._rate_hz * _RATE_IMPOSSIBLE or (compared and (fast or slow)):
            return round(sum(self._rates) / len(self._rates))
        return None
