"""What is read of a block before it is over, so that people see their words while they still talk.

A draft grows pause by pause. Its last piece is read again with what was said since, until it is long enough to be read
well by itself; then it stays as it is and a new piece begins. So each reading is short, and its words are nearly those
of the block.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final, Generic, TypeVar

from edge_agent.heard import HeardUtterance
from edge_agent.segmentation import Speech
from hardware.audio import AudioFrame, AudioGap

T = TypeVar("T")

_PIECE_MS: Final = 6_000
"""Clips of 6.5 s are read at 22.4 % CER where blocks of up to 15 s are read at 21.9 %, and single sentences at 37 %."""
_SHORTEST_MS: Final = 320
"""Less new speech than this is no word worth reading again for."""
_SHARE: Final = 0.6
"""Of one core, for readings that are thrown away. Who talks without a pause for thought needs 0.6 to have text of each
block's end within 1.5 times its recognition; a tenth left every second block waiting for its last reading."""
_SAVED_S: Final = 15.0
"""CPU seconds that a long silence saves up for what follows."""
_IDLE_S: Final = 0.008
"""Who waited this long for a frame was not behind; handing over a frame that is there takes 0.1 ms, and 5 ms more when
the thread that reads has the interpreter (`sys.getswitchinterval`)."""


class Draft(Generic[T]):
    """What was read of one block so far; a block that is one piece need not be read again."""

    def __init__(self) -> None:
        self._settled: tuple[HeardUtterance, ...] = ()
        self._settled_until_ms = 0
        self._speech: tuple[Speech, ...] = ()
        self._utterances: tuple[HeardUtterance, ...] = ()
        self._read: T | None = None
        self._cpu_s_of_last = 0.0
        self.cpu_s = 0.0
        """Spent on it."""

    @property
    def utterances(self) -> tuple[HeardUtterance, ...]:
        """All that was read, in order."""
        return self._settled + self._utterances

    def next_piece(self, speech: tuple[Speech, ...]) -> tuple[Speech, ...]:
        """Give what is to be read next; nothing while hardly more was said than is read already.

        Args:
            speech: of the block so far.
        """
        read_until_ms = self._speech[-1].end_ms if self._speech else 0
        if speech[-1].end_ms - max(read_until_ms, speech[-1].start_ms) < _SHORTEST_MS:
            return ()
        if self._speech and self._speech[-1].end_ms - self._speech[0].start_ms >= _PIECE_MS:
            self._settled, self._utterances = self.utterances, ()
            self._settled_until_ms = read_until_ms
        return tuple(
            replace(stretch, start_ms=max(stretch.start_ms, self._settled_until_ms))
            for stretch in speech
            if stretch.end_ms > self._settled_until_ms
        )

    def add(self, speech: tuple[Speech, ...], read: T, *, utterances: tuple[HeardUtterance, ...], cpu_s: float) -> None:
        """Take what a piece says."""
        self._speech, self._read, self._utterances = speech, read, utterances
        self._cpu_s_of_last = cpu_s
        self.cpu_s += cpu_s

    def saved_cpu_s(self, speech: tuple[Speech, ...]) -> float:
        """Give what the block need not spend, since its last piece is the whole of it."""
        return self._cpu_s_of_last if speech == self._speech else 0.0

    def of(self, speech: tuple[Speech, ...]) -> T | None:
        """Give what was read of the block, None unless its last piece is the whole of it."""
        return self._read if speech == self._speech else None


class Allowance:
    """What readings that are thrown away may cost: a share of the time that is listened to."""

    def __init__(self) -> None:
        self._left_s = _SAVED_S
        self._listened_ms = 0

    def is_left(self, *, listened_ms: int) -> bool:
        """Say whether more may be spent; the last reading may take more than is left, and what it took is owed."""
        self._left_s = min(_SAVED_S, self._left_s + _SHARE * (listened_ms - self._listened_ms) / 1000)
        self._listened_ms = listened_ms
        return self._left_s > 0

    def spend(self, cpu_s: float) -> None:
        """Pay for a reading; a negative sum takes one back that was of use."""
        self._left_s -= cpu_s


class Waited:
    """Items as they come, and whether the last one had to be waited for."""

    def __init__(self, items: Iterable[AudioFrame | AudioGap], *, clock_s: Callable[[], float]) -> None:
        self._items = iter(items)
        self._clock_s = clock_s
        self.is_idle = False
        """Nothing else was there: whoever takes the items has caught up with them."""
        self.until_ms = 0
        """End of the last item."""

    def __iter__(self) -> Iterator[AudioFrame | AudioGap]:
        while True:
            asked_s = self._clock_s()
            item = next(self._items, None)
            if item is None:
                return
            self.is_idle = self._clock_s() - asked_s >= _IDLE_S
            self.until_ms = item.end_ms
            yield item
