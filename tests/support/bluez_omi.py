# ruff: noqa: N802 - D-Bus capitalises its members
"""An Omi that a BlueZ daemon offers: its GATT application and its advertisement, registered over D-Bus."""

import asyncio
import struct
from collections.abc import Callable
from typing import Annotated, Any

from dbus_fast import BusType, Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusBytes, DBusDict, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

SERVICE = "19b10000-e8f2-537e-4f6c-d104768a1214"
_AUDIO = "19b10001-e8f2-537e-4f6c-d104768a1214"
_CODEC = "19b10002-e8f2-537e-4f6c-d104768a1214"
_ROOT = "/omi"

Texts = Annotated[list[str], DBusSignature("as")]
_READ = PropertyAccess.READ


class _Service(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.GattService1")

    @dbus_property(access=_READ)
    def UUID(self) -> DBusStr:
        return SERVICE

    @dbus_property(access=_READ)
    def Primary(self) -> DBusBool:
        return True


class _Characteristic(ServiceInterface):
    def __init__(self, uuid: str, flags: list[str], value: bytes) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._uuid, self._flags, self._value = uuid, flags, value
        self.subscribed = asyncio.Event()

    def notify(self, value: bytes) -> None:
        self._value = value
        self.emit_properties_changed({"Value": value})

    @dbus_property(access=_READ)
    def UUID(self) -> DBusStr:
        return self._uuid

    @dbus_property(access=_READ)
    def Service(self) -> DBusObjectPath:
        return f"{_ROOT}/service0"

    @dbus_property(access=_READ)
    def Flags(self) -> Texts:
        return self._flags

    @dbus_property(access=_READ)
    def Value(self) -> DBusBytes:
        return self._value

    @dbus_property(access=_READ)
    def Notifying(self) -> DBusBool:
        return self.subscribed.is_set()

    @dbus_method()
    def ReadValue(self, options: DBusDict) -> DBusBytes:
        return self._value

    @dbus_method()
    def StartNotify(self) -> None:
        self.subscribed.set()

    @dbus_method()
    def StopNotify(self) -> None:
        self.subscribed.clear()

    @dbus_method()
    def Confirm(self) -> None:
        """A notification needs no answer."""


class _Advertisement(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.LEAdvertisement1")

    @dbus_property(access=_READ)
    def Type(self) -> DBusStr:
        return "peripheral"

    @dbus_property(access=_READ)
    def ServiceUUIDs(self) -> Texts:
        return [SERVICE]

    @dbus_property(access=_READ)
    def Discoverable(self) -> DBusBool:
        return True

    @dbus_property(access=_READ)
    def LocalName(self) -> DBusStr:
        return "Omi"

    @dbus_method()
    def Release(self) -> None:
        """The daemon advertises it no more."""


async def speak(*, adapters: list[str], frames: list[bytes], frame_s: float, there: Callable[[], object]) -> None:
    """Be an Omi with 16-bit samples on adapters of the system bus; send frames once somebody listens.

    Args:
        adapters: hci0 and hci1, say: bleak listens on one of them, nobody knows which, and hears the other.
        frames: each small enough for one notification.
        frame_s: the pace.
        there: is called when it can be found.
    """
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    audio = _Characteristic(_AUDIO, ["read", "notify"], b"")
    bus.export(f"{_ROOT}/service0", _Service())
    bus.export(f"{_ROOT}/service0/char0", audio)
    bus.export(f"{_ROOT}/service0/char1", _Characteristic(_CODEC, ["read"], b"\x00"))
    bus.export("/advertisement", _Advertisement())
    try:
        for adapter in adapters:
            await _register(bus, adapter, "org.bluez.GattManager1", "RegisterApplication", _ROOT)
            await _register(bus, adapter, "org.bluez.LEAdvertisingManager1", "RegisterAdvertisement", "/advertisement")
        there()
        await audio.subscribed.wait()
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for number, frame in enumerate(frames):
            audio.notify(struct.pack("<HB", number % 65_536, 0) + frame)
            due_s += frame_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
        while audio.subscribed.is_set():
            await asyncio.sleep(0.1)
    finally:
        bus.disconnect()


async def _register(bus: MessageBus, adapter: str, interface: str, member: str, path: str) -> None:
    options: dict[str, Variant] = {}
    body: list[Any] = [path, options]
    reply = await bus.call(
        Message(
            destination="org.bluez",
            path=f"/org/bluez/{adapter}",
            interface=interface,
            member=member,
            signature="oa{sv}",
            body=body,
        )
    )
    assert reply is not None
    assert reply.message_type == MessageType.METHOD_RETURN, reply.body
