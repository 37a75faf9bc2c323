"""Who reads blocks beside the listening: one after another, in a thread of its own.

Reading a block of 29 s takes some 5 s. Who listens in the same thread hears nothing of what follows meanwhile, and
when that is short, its text waits for the block before it.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")

MOST_WAITING: Final = 2
"""Blocks of live sound that are read or wait for it; with more, sound waits where it comes from, which knows what to
give up."""


class Reader:
    """A thread that reads what it is given, in order; it ends with its last user."""

    def __init__(self) -> None:
        """Wait for work."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self._unfinished = 0
        self._counting = Lock()

    @property
    def is_reading(self) -> bool:
        """Something that was begun is not finished."""
        with self._counting:
            return self._unfinished > 0

    def begin(self, read: Callable[[], T]) -> Future[T]:
        """Read, after all that was begun before."""
        with self._counting:
            self._unfinished += 1
        begun = self._thread.submit(read)
        # Counted, not kept: it holds words that may be taken back.
        begun.add_done_callback(self._finished)
        return begun

    def _finished(self, _begun: Future[T]) -> None:
        with self._counting:
            self._unfinished -= 1
