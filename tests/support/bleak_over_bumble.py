"""Back ends for bleak whose radio is a virtual air: what a system's Bluetooth stack does, done by bumble."""

import asyncio
from typing import Any

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak.uuids import normalize_uuid_str
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Peer
from bumble.gatt_client import CharacteristicProxy

from hardware.ble_radio import Radio
from support.virtual_air import Air

_MTU = 247


class BumbleScanner(BaseBleakScanner):
    """Hears advertisements."""

    air: Air

    def __init__(self, detection_callback: Any, service_uuids: list[str] | None, *_: Any, **__: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        self._loop = asyncio.get_running_loop()
        self.air.central.on("advertisement", self._heard)
        await self.air.elsewhere(self._scan(True))

    async def stop(self) -> None:
        self.air.central.remove_listener("advertisement", self._heard)
        await self.air.elsewhere(self._scan(False))

    async def _scan(self, on: bool) -> None:
        if on:
            await self.air.central.start_scanning(legacy=True)
        else:
            await self.air.central.stop_scanning(legacy=True)

    def _heard(self, advertisement: Advertisement) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, advertisement)

    def _tell(self, advertisement: Advertisement) -> None:
        address = str(advertisement.address).removesuffix("/P")
        name = advertisement.data.get(AdvertisingData.COMPLETE_LOCAL_NAME)
        services = advertisement.data.get(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) or []
        uuids = [uuid.to_hex_str("-").lower() for uuid in services]
        if not self.is_allowed_uuid(uuids):
            return
        data = AdvertisementData(name, {}, {}, uuids, None, advertisement.rssi, ())
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """Talks to one device; every operation runs in the air's thread, every callback in the caller's loop."""

    air: Air
    mtu = _MTU

    def __init__(self, address_or_ble_device: Any, **kwargs: Any) -> None:
        super().__init__(address_or_ble_device, **{k: kwargs[k] for k in ("disconnected_callback", "timeout")})
        self._peer_address = address_or_ble_device.details
        self._connection: Connection | None = None
        self._leaving = self._given_up = False

    @property
    def name(self) -> str:
        return str(self.address)

    @property
    def mtu_size(self) -> int:
        return 23  # as BlueZ's

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self.air.elsewhere(self._connect())
        except (BaseBumbleError, TimeoutError) as error:
            raise BleakDeviceNotFoundError(self.address, str(error)) from error
        except asyncio.CancelledError:
            self._given_up = True
            raise

    async def disconnect(self) -> None:
        self._leaving = True
        await self._do(self._disconnect())

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return bytearray(await self._do(characteristic.obj.read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        await self._do(characteristic.obj.write_value(bytes(data), with_response=response))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        loop = self._loop
        await self._do(
            characteristic.obj.subscribe(lambda value: loop.call_soon_threadsafe(callback, bytearray(value)))
        )

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._do(characteristic.obj.unsubscribe())

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        raise NotImplementedError

    async def _do(self, work: Any) -> Any:
        if self._connection is None:
            work.close()
            if self._leaving:
                return None
            raise BleakError("Not connected")
        try:
            return await self.air.elsewhere(work)
        except (BaseBumbleError, TimeoutError) as error:
            raise BleakError(str(error)) from error

    async def _connect(self) -> None:
        connection = await self.air.central.connect(self._peer_address, timeout=self._timeout)
        connection.on("disconnection", self._disconnected)
        self._connection = connection
        peer = Peer(connection)
        mtu = await peer.request_mtu(self.mtu)
        await peer.discover_all()
        self.services = _collection(peer, mtu)
        if self._given_up:
            await connection.disconnect()

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect()

    def _disconnected(self, _reason: int) -> None:
        self._connection = None
        if self._disconnected_callback is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._disconnected_callback)


def _collection(peer: Peer, mtu: int) -> BleakGATTServiceCollection:
    collection = BleakGATTServiceCollection()
    for service in peer.services:
        found = BleakGATTService(service, service.handle, _text(service.uuid))
        collection.add_service(found)
        for one in service.characteristics:
            collection.add_characteristic(
                BleakGATTCharacteristic(one, one.handle, _text(one.uuid), _properties(one), lambda: mtu - 3, found)
            )
    return collection


def _properties(characteristic: CharacteristicProxy[bytes]) -> list[Any]:
    flags = characteristic.properties
    names = {"read": flags.READ, "write": flags.WRITE, "notify": flags.NOTIFY}
    return [name for name, flag in names.items() if flags & flag]


def _text(uuid: Any) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())


def radio_over(air: Air, *, mtu: int = _MTU, scan_s: float = 5.0) -> Radio:
    """Return a radio whose waves are this air's."""
    client = type("ClientOverAir", (BumbleClient,), {"air": air, "mtu": mtu})
    scanner = type("ScannerOverAir", (BumbleScanner,), {"air": air})
    return Radio(client_backend=client, scanner_backend=scanner, scan_s=scan_s, connect_s=5.0)
