"""The battery of a Bluetooth LE device, by the standard service (Bluetooth SIG, Battery Service 1.1)."""

from collections.abc import Callable

from bleak import BleakClient

from hardware.signals import Battery, Signal

LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"


async def follow_battery(client: BleakClient, signal: Callable[[Signal], None]) -> None:
    """Tell how full it is, now and whenever it says so; a device without the service has nothing to tell."""
    level = client.services.get_characteristic(LEVEL)
    if level is None:
        return

    def tell(data: bytes | bytearray) -> None:
        if data:
            signal(Battery(percent=min(data[0], 100)))

    if "notify" in level.properties:
        await client.start_notify(level, lambda _characteristic, data: tell(data))
    if "read" in level.properties:
        tell(await client.read_gatt_char(level))
