"""How often a PIN was tried, so that it cannot be found by trying."""

from collections import OrderedDict, deque
from typing import Final

WINDOW_S: Final = 300
MAX_TRIES_OF_ONE: Final = 5
# With six digits and 30 tries in five minutes, a whole day of guessing finds the PIN in one case of a hundred.
MAX_TRIES_OF_ALL: Final = 30
_MAX_ADDRESSES: Final = 1000


class Attempts:
    """Counts failed tries per address and altogether in a sliding window; starts empty with the program."""

    def __init__(self) -> None:
        self._of_all: deque[float] = deque()
        self._of_one: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str, *, now_s: float) -> float:
        """Return how long an address must wait until its next try, 0 when it may try now."""
        one, everybody = _current(self._of_one.get(address, deque()), now_s), _current(self._of_all, now_s)
        waits = [
            tries[-most] + WINDOW_S - now_s
            for tries, most in ((one, MAX_TRIES_OF_ONE), (everybody, MAX_TRIES_OF_ALL))
            if len(tries) >= most
        ]
        return max(waits, default=0.0)

    def failed(self, address: str, *, now_s: float) -> None:
        """Count a failed try."""
        tries = self._of_one.setdefault(address, deque())
        self._of_one.move_to_end(address)
        for counted in (tries, self._of_all):
            _current(counted, now_s).append(now_s)
        while len(self._of_one) > _MAX_ADDRESSES:
            self._of_one.popitem(last=False)

    def succeeded(self, address: str, *, now_s: float) -> None:
        """Take back the try that succeeded and forget the failed ones of its address."""
        forgotten = self._of_one.pop(address, deque())
        if now_s in forgotten and now_s in self._of_all:
            self._of_all.remove(now_s)


def _current(tries: deque[float], now_s: float) -> deque[float]:
    while tries and tries[0] <= now_s - WINDOW_S:
        tries.popleft()
    return tries
