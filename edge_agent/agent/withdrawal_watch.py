"""Withdrawals on the server while the agent runs: asked for twice a minute, and done at once."""

import threading
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog

from edge_agent.device import Device
from edge_agent.server_link import ServerLink
from edge_agent.signed_request import SignedRequests
from edge_agent.withdrawals import Withdrawals
from models.errors import VoicetrailError

_log = structlog.get_logger()

_ENDS_WITHIN_S: Final = 5.0


class WithdrawalWatch:
    """Asks in a thread of its own; what cannot be done or asked now is asked for again."""

    def __init__(self, device: Device, *, take_back: Callable[[Sequence[UUID]], None]) -> None:
        """Prepare.

        Args:
            device: whose conversations.
            take_back: called in the thread; returns when no word of these conversations is left on the device.
        """
        self._device = device
        self._take_back = take_back
        self._withdrawals = Withdrawals(device)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="withdrawals", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a request on its way is waited for a little."""
        self._closing.set()
        self._thread.join(timeout=_ENDS_WITHIN_S)

    def _run(self) -> None:
        device = self._device
        with ServerLink(device.identity.server, timeout_s=device.settings.request_timeout_s) as link:
            requests = SignedRequests(link, identity=device.identity, key=device.key)
            while True:
                try:
                    self._ask(requests)
                except VoicetrailError as error:
                    _log.info("withdrawals_not_learnt", code=error.code)
                if self._closing.wait(device.settings.withdrawals_every_s):
                    return

    def _ask(self, requests: SignedRequests) -> None:
        for conversations in self._withdrawals.pages(requests):
            if self._closing.is_set():
                return
            self._take_back(conversations)
            _log.info("withdrawn_on_the_server", conversations=len(conversations))
