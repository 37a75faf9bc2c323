"""How often a sign-in was tried, so that a password cannot be guessed by trying."""

from collections import OrderedDict, deque
from typing import Final

MAX_TRIES: Final = 10
WINDOW_S: Final = 300
# Bounds the memory that a flood of invented logins can take: some 20 MB.
MAX_KEYS: Final = 100_000


class Attempts:
    """Counts failed tries per key in a sliding window; it lives in memory and starts empty with the process."""

    def __init__(self, *, max_tries: int = MAX_TRIES, window_s: float = WINDOW_S, max_keys: int = MAX_KEYS) -> None:
        self._max_tries = max_tries
        self._window_s = window_s
        self._max_keys = max_keys
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, *, now_s: float) -> float:
        """Return how long the key must wait until its next try, 0 when it may try now."""
        tries = self._current(key, now_s=now_s)
        return tries[0] + self._window_s - now_s if len(tries) >= self._max_tries else 0.0

    def failed(self, key: str, *, now_s: float) -> None:
        """Count a failed try."""
        tries = self._current(key, now_s=now_s)
        tries.append(now_s)
        self._tries[key] = tries
        self._tries.move_to_end(key)
        while len(self._tries) > self._max_keys:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failed tries of a key."""
        self._tries.pop(key, None)

    def _current(self, key: str, *, now_s: float) -> deque[float]:
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now_s - self._window_s:
            tries.popleft()
        return tries
