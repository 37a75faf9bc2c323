"""A wearable in the virtual air: advertises, is connected to, notifies, goes out of reach."""

import asyncio
import threading
from collections.abc import Callable

from bumble.device import Connection
from bumble.gatt import Characteristic, Service

from support.virtual_air import Air, advertise

READ, WRITE, NOTIFY = (
    Characteristic.Properties.READ,
    Characteristic.Properties.WRITE,
    Characteristic.Properties.NOTIFY,
)
PERMISSIONS = Characteristic.READABLE | Characteristic.WRITEABLE


class VirtualPeripheral:
    """A device; methods without `async` are for the test's thread."""

    def __init__(self, air: Air, *, address: str, name: str, service: str, services: list[Service]) -> None:
        """Switch it on, near."""
        self.air = air
        self.address = address
        self.connections = 0
        self._name, self._service = name, service
        self._present = True
        self._connection: Connection | None = None
        self._subscribed: set[str] = set()
        self._changed = threading.Condition()
        self._device = air.run(air.add(address, name=name, services=services))
        self._device.on("connection", self._connected)
        air.run(self._advertise())

    def wait_subscribed(self, characteristic: Characteristic) -> None:
        """Wait until somebody listens to a characteristic of the present connection."""
        self.wait(lambda: str(characteristic.uuid) in self._subscribed)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so that only changes when the device is talked to."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=60), "the device waited in vain"

    def notify(self, characteristic: Characteristic, *values: bytes) -> None:
        """Send values, one after the other."""
        for value in values:
            self.air.run(self.send(characteristic, value))

    def out_of_reach(self) -> None:
        """Break the connection and stay silent."""
        self._present = False
        self.air.run(self._drop())

    def back(self) -> None:
        """Advertise again."""
        self._present = True
        self.air.run(self._advertise())

    def drop(self) -> None:
        """Break the connection, and advertise at once."""
        self.air.run(self._drop())

    async def send(self, characteristic: Characteristic, value: bytes) -> None:
        """Notify, as the firmware does: who did not subscribe gets nothing."""
        if self._connection is not None:
            await self._device.notify_subscriber(self._connection, characteristic, value)

    @property
    def connected(self) -> bool:
        """Whether somebody is."""
        return self._connection is not None

    @property
    def mtu(self) -> int:
        """Of the present connection."""
        assert self._connection is not None
        return self._connection.att_mtu

    def watch(self, *characteristics: Characteristic) -> None:
        """Note who subscribes."""
        for characteristic in characteristics:
            characteristic.on("subscription", self._on_subscription(str(characteristic.uuid)))

    def _on_subscription(self, uuid: str) -> Callable[..., None]:
        def note(_connection: Connection, notify: bool, _indicate: bool) -> None:
            with self._changed:
                (self._subscribed.add if notify else self._subscribed.discard)(uuid)
                self._changed.notify_all()

        return note

    def changed(self) -> None:
        """Wake who waits."""
        with self._changed:
            self._changed.notify_all()

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        connection.on("disconnection", self._disconnected)
        self.connections += 1
        self.changed()

    def _disconnected(self, _reason: int) -> None:
        self._connection = None
        self._subscribed.clear()
        self.changed()
        if self._present:
            self._again = asyncio.get_running_loop().create_task(self._advertise())

    async def _advertise(self) -> None:
        if not self._device.is_advertising and self._connection is None:
            await advertise(self._device, name=self._name, service=self._service)

    async def _drop(self) -> None:
        if self._device.is_advertising:
            await self._device.stop_advertising()
        if self._connection is not None:
            await self._connection.disconnect()
