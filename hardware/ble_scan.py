"""The Bluetooth LE microphones that are near."""

import asyncio
from collections.abc import Iterator
from typing import Final

from hardware import ble_atvv, ble_omi
from hardware.ble_radio import Radio
from hardware.microphones import MicrophoneInfo

SCAN_S: Final = 5.0

_KINDS: Final = {ble_omi.SERVICE: ("omi", ble_omi.KIND), ble_atvv.SERVICE: ("atvv", ble_atvv.KIND)}
"""By the service that a device advertises: the scheme of its address, and what people call it."""


def near_microphones(*, radio: Radio | None = None, scan_s: float = SCAN_S) -> Iterator[MicrophoneInfo]:
    """Look for microphones. A link that is not known to be encrypted is said to be open to anybody near.

    Raises:
        AudioError: bluetooth_unavailable.
    """
    found = asyncio.run((radio or Radio()).discover(list(_KINDS), scan_s=scan_s))
    for device, advertisement in found:
        for service in advertisement.service_uuids:
            if service in _KINDS:
                scheme, kind = _KINDS[service]
                yield MicrophoneInfo(
                    address=f"{scheme}:{device.address}",
                    name=advertisement.local_name or kind,
                    kind=scheme,
                    channels=1,
                    encrypted=False,
                )
