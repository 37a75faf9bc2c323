"""A radio in this process: bumble controllers on one link, in a thread and an event loop of their own."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

T = TypeVar("T")


class Air:
    """Devices that hear each other; use it with `with`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="air", daemon=True)
        self._link = LocalLink()
        self._devices: list[Device] = []

    def __enter__(self) -> "Air":
        self._thread.start()
        self.central = self.run(self.add("F0:F0:F0:F0:F0:F0", name="central"))
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._still())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], *, timeout_s: float = 60) -> T:
        """Do something in the air's own thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=timeout_s)

    async def elsewhere(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the air's thread from another event loop; who gives up waiting leaves it to its end."""
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop)))

    async def add(self, address: str, *, name: str, services: list[Service] | None = None) -> Device:
        """Switch a device on."""
        controller = Controller(name, link=self._link, public_address=address)
        device = Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))
        if services:
            device.add_services(services)
        await device.power_on()
        self._devices.append(device)
        return device

    async def _still(self) -> None:
        for device in self._devices:
            await device.power_off()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def advertise(device: Device, *, name: str, service: str) -> None:
    """Say who is there: flags, the service and a name of at most 8 letters fill a packet."""
    packet = AdvertisingData(
        [
            (AdvertisingData.FLAGS, bytes([0x06])),
            (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(service))),
            (AdvertisingData.COMPLETE_LOCAL_NAME, name.encode()),
        ]
    )
    await device.start_advertising(
        advertising_data=bytes(packet), advertising_interval_min=20, advertising_interval_max=20
    )
