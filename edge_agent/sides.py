"""On which side of an array staff and the customer are, and what that says of what was heard."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

import numpy as np

from edge_agent.direction_evidence import direction_log_odds
from hardware.audio import DIRECTIONS, AudioFrame, AudioGap, Directions

_REMEMBERED_MS: Final = 300_000
"""Directions of a clip are asked for when it has ended, and clips last some 15 s; two minutes are half a megabyte."""


class Turnable(Protocol):
    """A microphone that can listen to some sides more than to others."""

    def look_toward(self, *sides_deg: float | None) -> None:
        """Listen to these sides, in the array's own angles; None stands for one not known."""


class Sides:
    """Where staff and the customer are; said in one thread, asked in others."""

    def __init__(
        self,
        *,
        staff_deg: float | None = None,
        customer_deg: float | None = None,
        keep: Callable[[float | None, float | None], None] = lambda staff_deg, customer_deg: None,
    ) -> None:
        """Begin with what is known; `keep` is told the sides of staff and customer when they are said anew."""
        self._changing = threading.Lock()
        self._staff_deg = staff_deg
        self._customer_deg = customer_deg
        self._keep = keep
        self._microphone: Turnable | None = None

    @property
    def staff_deg(self) -> float | None:
        """The side of the staff in the array's own angles; None when it is not known."""
        return self._staff_deg

    @property
    def customer_deg(self) -> float | None:
        """The side of the customer."""
        return self._customer_deg

    def set(self, *, staff_deg: float | None, customer_deg: float | None) -> None:
        """Say where they are, and turn the microphone there.

        Raises:
            OutboxError: they cannot be kept.
        """
        with self._changing:
            self._keep(staff_deg, customer_deg)
            self._staff_deg, self._customer_deg = staff_deg, customer_deg
            if self._microphone is not None:
                self._microphone.look_toward(customer_deg, staff_deg)

    def turn(self, microphone: Turnable) -> None:
        """Turn this microphone there, now and whenever it is said anew; in place of the one before it."""
        with self._changing:
            self._microphone = microphone
            microphone.look_toward(self._customer_deg, self._staff_deg)

    def staff_log_odds(self, directions: Directions) -> float:
        """Return what directions say, for staff when positive; 0 while a side is not known."""
        staff_deg, customer_deg = self._staff_deg, self._customer_deg
        if staff_deg is None or customer_deg is None:
            return 0.0
        return direction_log_odds(directions, staff_deg=staff_deg, customer_deg=customer_deg)


class HeardDirections:
    """Remembers for five minutes from where each moment was heard."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard: deque[tuple[int, int, Directions]] = deque()

    def watch(self, items: Iterable[AudioFrame | AudioGap]) -> Iterator[AudioFrame | AudioGap]:
        """Pass audio on, and remember the directions of it."""
        for item in items:
            if isinstance(item, AudioFrame) and item.directions is not None:
                self._heard.append((item.start_ms, item.end_ms, item.directions))
                while self._heard[0][1] < item.end_ms - _REMEMBERED_MS:
                    self._heard.popleft()
            yield item

    def between(self, start_ms: int, end_ms: int) -> Directions:
        """Return the directions of a stretch of time added up; zeros where none were heard."""
        # A copy: who listens goes on remembering while a block is read.
        heard = self._heard.copy()
        inside = [directions for start, end, directions in heard if start < end_ms and end > start_ms]
        return np.sum(inside, axis=0) if inside else np.zeros(DIRECTIONS, dtype=np.float32)
