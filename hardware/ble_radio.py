"""Bluetooth LE as this program uses it: find a device, talk to it. bleak over the system's radio, or over another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from models.errors import AudioError

# What bleak gives until the system has told it the MTU; on BlueZ that takes a moment.
_DEFAULT_WRITE_BYTES = 20
_MTU_PATIENCE_S = 2.0
_ATT_WRITE_HEADER_BYTES = 3

LINK_ERRORS = (BleakError, TimeoutError, OSError, EOFError)
"""What bleak raises when a device or the radio does not do as asked; D-Bus going away is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """The radio to use: the system's, or bleak back ends of another one."""

    client_backend: type[BaseBleakClient] | None = None
    scanner_backend: type[BaseBleakScanner] | None = None
    scan_s: float = 10.0
    """How long to look for a device."""
    connect_s: float = 15.0

    async def find(self, address: str) -> BLEDevice | None:
        """Look for a device by its address; what comes is fresh, as reconnecting needs it (bleak #993).

        Raises:
            AudioError: bluetooth_unavailable.
        """
        try:
            return await BleakScanner.find_device_by_address(address, timeout=self.scan_s, **self._scanner_options())
        except LINK_ERRORS as error:
            raise unavailable(error) from error

    async def discover(self, services: list[str], *, scan_s: float) -> list[tuple[BLEDevice, AdvertisementData]]:
        """Look for all devices that advertise one of these services.

        Raises:
            AudioError: bluetooth_unavailable.
        """
        try:
            found = await BleakScanner.discover(
                timeout=scan_s, return_adv=True, service_uuids=services, **self._scanner_options()
            )
        except LINK_ERRORS as error:
            raise unavailable(error) from error
        return list(found.values())

    def client(self, device: BLEDevice, *, on_gone: Callable[[], None]) -> BleakClient:
        """Return a client that is not connected yet; `on_gone` is called when the connection ends by itself."""
        return BleakClient(
            device,
            disconnected_callback=lambda _client: on_gone(),
            timeout=self.connect_s,
            backend=self.client_backend,
        )

    def _scanner_options(self) -> dict[str, Any]:
        return {} if self.scanner_backend is None else {"backend": self.scanner_backend}


def unavailable(error: Exception) -> AudioError:
    """Return the error for a machine without a radio that works."""
    return AudioError(
        f"Bluetooth cannot be used: {error}",
        code="bluetooth_unavailable",
        permanent=False,
        advice="Switch Bluetooth on; on Linux the service bluetooth (BlueZ) must run and the user may use it.",
    )


async def mtu_of(client: BleakClient, characteristic: str) -> int:
    """Return the connection's MTU in bytes, as one of its characteristics tells it.

    BleakClient.mtu_size always reads 23 on BlueZ; the size of a write follows from the real one.
    """
    found = client.services.get_characteristic(characteristic)
    if found is None:
        raise BleakError(f"no characteristic {characteristic}")
    deadline = asyncio.get_running_loop().time() + _MTU_PATIENCE_S
    while found.max_write_without_response_size <= _DEFAULT_WRITE_BYTES:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.05)
    return found.max_write_without_response_size + _ATT_WRITE_HEADER_BYTES


def require(client: BleakClient, characteristics: list[str], *, kind: str) -> None:
    """Check that a device is what it was taken for.

    Raises:
        AudioError: not_this_microphone.
    """
    if any(client.services.get_characteristic(uuid) is None for uuid in characteristics):
        raise AudioError(
            f"the device {client.address} is no {kind}",
            code="not_this_microphone",
            advice="`voicetrail-edge devices` lists the microphones that are near, with their kind.",
        )
