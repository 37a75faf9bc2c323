"""Tells everybody who waits that something changed."""

import threading


class Board:
    """Counts changes, and wakes those who wait for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._revision = 1

    @property
    def revision(self) -> int:
        """How many changes there were."""
        with self._changed:
            return self._revision

    def change(self) -> None:
        """Say that something changed."""
        with self._changed:
            self._revision += 1
            self._changed.notify_all()

    def wait(self, revision: int, *, timeout_s: float) -> None:
        """Return as soon as there was a change after a revision, or after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._revision > revision, timeout=timeout_s)
