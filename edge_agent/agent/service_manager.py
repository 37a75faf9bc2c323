"""What a service manager is told: that the program is ready, and that it lives (sd_notify(3))."""

import os
import socket
from collections.abc import Mapping
from typing import Self

_US_PER_S = 1_000_000


class ServiceManager:
    """The other end of NOTIFY_SOCKET; without one, nobody is told anything."""

    def __init__(self, address: str, *, watchdog_s: float | None) -> None:
        """Name it.

        Args:
            address: path of a datagram socket, or its abstract name after "@"; empty for nobody.
            watchdog_s: within how long it wants a sign of life; None when it wants none.
        """
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read what the service manager put into the environment."""
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        watchdog_s = int(watchdog_us) / _US_PER_S if watchdog_us.isdecimal() else None
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog_s=watchdog_s)

    def ready(self) -> None:
        """Say that the program serves."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the program ends by itself."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            wire.sendto(state.encode(), self._address)
