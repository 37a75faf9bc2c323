"""Delivery for as long as the agent runs: kept going, and looked after."""

from collections.abc import Callable
from typing import Final

from edge_agent.agent.port import BacklogView
from edge_agent.clock import Reading
from edge_agent.delivery import Delivery
from edge_agent.device import Device
from edge_agent.outbox import Outbox
from edge_agent.session import purge
from models.errors import UploadError

_PURGE_EVERY_MS: Final = 600_000
_AGAIN_AFTER_MS: Final = 60_000
"""After a failure that delivery took for final, such as an unknown device: somebody may have mended it."""


class Post:
    """Delivers an outbox in a thread of its own, and starts again when that gave up; used by one thread."""

    def __init__(self, device: Device, outbox: Outbox, *, clock: Callable[[], Reading]) -> None:
        """Prepare.

        Args:
            device: whose outbox it is.
            outbox: of the calling thread.
            clock: of the device.
        """
        self._device = device
        self._outbox = outbox
        self._clock = clock
        self._delivery = self._new()
        self._ended_ms: int | None = None
        self._purged_ms = clock().monotonic_ms

    def start(self) -> None:
        """Begin to deliver."""
        self._delivery.start()

    def ring(self) -> None:
        """Say that there are new records; from any thread."""
        self._delivery.ring()

    def tick(self, now: Reading) -> None:
        """Delete what was delivered long ago, and deliver again when delivery gave up.

        Raises:
            OutboxError: the outbox cannot be written.
        """
        if now.monotonic_ms - self._purged_ms >= _PURGE_EVERY_MS:
            self._purged_ms = now.monotonic_ms
            purge(self._outbox, settings=self._device.settings)
        if self._delivery.is_running:
            self._ended_ms = None
        elif self._ended_ms is None:
            self._ended_ms = now.monotonic_ms
        elif now.monotonic_ms - self._ended_ms >= _AGAIN_AFTER_MS:
            self._delivery = self._new()
            self._delivery.start()

    def backlog(self, now: Reading) -> BacklogView:
        """Return what is not delivered yet.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        backlog = self._outbox.backlog(letters=0)
        oldest_ms = backlog.oldest_pending_ms
        error = self._delivery.error
        return BacklogView(
            pending=backlog.pending,
            dead=backlog.dead + backlog.unreadable,
            oldest_age_s=None if oldest_ms is None else max(0, now.wall_ms - oldest_ms) / 1000,
            trouble="" if error is None else error.code,
        )

    def close(self, *, wait_s: float) -> None:
        """Deliver what is there, at most so long."""
        self._delivery.finish(wait_s=wait_s)

    def _new(self) -> Delivery:
        return self._device.delivery(on_trouble=_known_by_its_code)


def _known_by_its_code(_error: UploadError) -> None:
    """Leave it to `backlog`, which shows the code for as long as it lasts."""
