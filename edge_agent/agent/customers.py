"""The device's list of customers while the agent runs: brought up to date now and then, searched at any time."""

import threading
from typing import Final

import structlog

from edge_agent.agent.port import CustomerView
from edge_agent.customer_list import CustomerList
from edge_agent.device import Device
from edge_agent.server_link import ServerLink
from models.errors import OutboxError, UploadError

_log = structlog.get_logger()

SYNC_EVERY_S: Final = 300.0
_ENDS_WITHIN_S: Final = 5.0


class Customers:
    """Synchronises in a thread of its own; without a network, the list is as old as it is."""

    def __init__(self, device: Device) -> None:
        """Read the list.

        Raises:
            OutboxError: it cannot be read.
        """
        self._device = device
        self._list = CustomerList(device.folder, settings=device.settings, identity=device.identity, key=device.key)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="customers", daemon=True)

    def start(self) -> None:
        """Begin to synchronise."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a request on its way is waited for a little."""
        self._closing.set()
        self._thread.join(timeout=_ENDS_WITHIN_S)

    def find(self, text: str, *, limit: int) -> tuple[CustomerView, ...]:
        """Search by name, id, card number or the end of a phone number."""
        return self._list.search(text, limit=limit)

    def named(self, ref: str) -> CustomerView:
        """Return a customer with what the list knows."""
        return self._list.named(ref)

    def _run(self) -> None:
        while True:
            try:
                with ServerLink(
                    self._device.identity.server, timeout_s=self._device.settings.request_timeout_s
                ) as link:
                    self._list.sync(link)
            except (UploadError, OutboxError) as error:
                _log.info("customers_not_synced", code=error.code)
            if self._closing.wait(SYNC_EVERY_S):
                return
