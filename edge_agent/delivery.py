"""Delivery in a thread of its own: records go out while the next ones are being recognised."""

import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count

import structlog

from edge_agent.backoff import Backoff
from edge_agent.server_link import ServerBusyError
from edge_agent.upload import Tally, Uploader
from models.errors import OutboxError, UploadError

_log = structlog.get_logger()

_IDLE_S = 0.5
"""How often an idle delivery looks for records whose time has come."""
_LAST_REQUEST_S = 5.0
"""How long a request that is on its way is waited for when delivery is broken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How a delivery ended."""

    tally: Tally
    error: UploadError | OutboxError | None
    """The last trouble, if it ended in trouble."""


class Delivery:
    """Sends what is due until it is told to finish and nothing is pending, or to stop."""

    def __init__(
        self,
        uploading: Callable[[], AbstractContextManager[Uploader]],
        *,
        backoff: Backoff,
        on_trouble: Callable[[UploadError], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare.

        Args:
            uploading: entered in the thread; gives the uploader, and closes what it opened for it.
            backoff: waits after a failure of the whole batch.
            on_trouble: called in the thread when the server is not reached, once for each kind of trouble in a row.
            chance: even in [0, 1), for the waits.
        """
        self._uploading = uploading
        self._backoff = backoff
        self._on_trouble = on_trouble
        self._chance = chance
        self._news = threading.Event()
        self._finishing = threading.Event()
        self._stopped = threading.Event()
        self._tally = Tally()
        self._error: UploadError | OutboxError | None = None
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def ring(self) -> None:
        """Say that there are new records."""
        self._news.set()

    @property
    def is_running(self) -> bool:
        """It has not given up, finished or been stopped."""
        return self._thread.is_alive()

    @property
    def error(self) -> UploadError | OutboxError | None:
        """The last trouble; None while it goes well."""
        return self._error

    def finish(self, *, wait_s: float) -> Delivered:
        """Wait until nothing is pending, at most so long; then stop."""
        self._finishing.set()
        self._news.set()
        self._thread.join(timeout=wait_s)
        return self.stop()

    def stop(self) -> Delivered:
        """Stop; what is not delivered stays in the outbox."""
        self._stopped.set()
        self._news.set()
        self._thread.join(timeout=_LAST_REQUEST_S)
        return Delivered(tally=self._tally, error=self._error)

    def _run(self) -> None:
        try:
            with self._uploading() as uploader:
                self._deliver(uploader)
        except (OutboxError, UploadError) as error:
            # A thread has nobody to raise to; whoever finishes the delivery is told.
            self._error = error

    def _deliver(self, uploader: Uploader) -> None:
        failures = 0
        for attempt in count():
            # Also who waits for no time at all has one attempt made, and so learns how it stands.
            if attempt > 0 and self._stopped.is_set():
                return
            self._news.clear()
            try:
                sent = uploader.send_due()
            except UploadError as error:
                failures += 1
                self._trouble(error)
                if error.permanent:
                    return
                asked_s = error.retry_after_s if isinstance(error, ServerBusyError) else None
                wait_s = self._backoff.wait_s(failures, chance=self._chance(), asked_s=asked_s)
                _log.info("delivery_waits", code=error.code, failures=failures, wait_s=round(wait_s, 1))
                self._stopped.wait(wait_s)
                continue
            failures = 0
            self._tally += sent
            if sent.sent:
                self._error = None
            elif self._finishing.is_set() and uploader.pending() == 0:
                return
            else:
                self._news.wait(_IDLE_S)

    def _trouble(self, error: UploadError) -> None:
        if self._error is None or self._error.code != error.code:
            self._on_trouble(error)
        self._error = error
