"""An Omi in the virtual air, as its firmware behaves; written from the protocol, not from our receiver."""

import asyncio
import struct
from collections.abc import Iterable

from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from support.virtual_air import Air
from support.virtual_peripheral import NOTIFY, PERMISSIONS, READ, WRITE, VirtualPeripheral

AUDIO_SERVICE = "19B10000-E8F2-537E-4F6C-D104768A1214"
RECORD = 444


def record(epoch: int, packets: Iterable[bytes]) -> bytes:
    """A record of the offline store: big-endian time, then lengths and packets, then zeros."""
    return (struct.pack(">I", epoch) + b"".join(bytes([len(packet)]) + packet for packet in packets)).ljust(
        RECORD, b"\x00"
    )


class VirtualOmi(VirtualPeripheral):
    """Sends frames, its battery and its button; keeps records."""

    def __init__(
        self,
        air: Air,
        *,
        codec: int,
        address: str = "C0:01:02:03:04:05",
        first_id: int = 0,
        records: list[bytes] | None = None,
    ) -> None:
        self.next_id = first_id
        self.clock: int | None = None
        self.records = records or []
        self.read_sequence = 0
        self.forgets = True
        """It forgets what is acknowledged; else it refuses."""
        self.commands: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.audio = Characteristic("19B10001-E8F2-537E-4F6C-D104768A1214", READ | NOTIFY, PERMISSIONS, b"")
        self.battery = Characteristic("2A19", READ | NOTIFY, PERMISSIONS, bytes([90]))
        self.button = Characteristic("23BA7925-0000-1000-7450-346EAC492E92", READ | NOTIFY, PERMISSIONS, bytes(8))
        self.store = Characteristic(
            "30295781-4301-EABD-2904-2849ADFEAE43",
            WRITE | NOTIFY,
            PERMISSIONS,
            CharacteristicValue(write=self._command),
        )
        kind = Characteristic("19B10002-E8F2-537E-4F6C-D104768A1214", READ, PERMISSIONS, bytes([codec]))
        clock = Characteristic(
            "19B10031-E8F2-537E-4F6C-D104768A1214", WRITE, PERMISSIONS, CharacteristicValue(write=self._set_clock)
        )
        services = [
            Service(AUDIO_SERVICE, [self.audio, kind]),
            Service("180F", [self.battery]),
            Service("23BA7924-0000-1000-7450-346EAC492E92", [self.button]),
            Service("19B10030-E8F2-537E-4F6C-D104768A1214", [clock]),
        ]
        if records is not None:
            services.append(Service("30295780-4301-EABD-2904-2849ADFEAE43", [self.store]))
        super().__init__(air, address=address, name="Omi", service=AUDIO_SERVICE, services=services)
        self.watch(self.audio, self.battery, self.button, self.store)

    def speak(self, frames: list[bytes], *, frame_ms: int, lost: Iterable[int] = ()) -> None:
        """Send frames at their pace; notifications with these numbers, counted from the first, are lost on the way."""
        self.air.run(self._speak(frames, frame_ms / 1000, frozenset(lost)), timeout_s=120)

    def begin(self, frame: bytes) -> None:
        """Send the first fragment of a frame."""
        self.notify(self.audio, self._fragments(frame)[0])

    def press(self, event: int) -> None:
        """Say that the button was pressed."""
        self.notify(self.button, struct.pack("<ii", event, 0))

    def _fragments(self, frame: bytes) -> list[bytes]:
        size, notifications = self.mtu - 6, []
        for index, at in enumerate(range(0, len(frame), size)):
            notifications.append(struct.pack("<HB", self.next_id, index) + frame[at : at + size])
            self.next_id = (self.next_id + 1) % 65_536
        return notifications

    async def _speak(self, frames: list[bytes], pace_s: float, lost: frozenset[int]) -> None:
        loop = asyncio.get_running_loop()
        due_s, number = loop.time(), 0
        for frame in frames:
            due_s += pace_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            for notification in self._fragments(frame):
                if number not in lost:
                    await self.send(self.audio, notification)
                number += 1

    def _set_clock(self, _connection: Connection, value: bytes) -> None:
        (self.clock,) = struct.unpack("<I", value)
        self.changed()

    def _command(self, _connection: Connection, value: bytes) -> None:
        self.commands.append(bytes(value))
        task = asyncio.get_running_loop().create_task(self._answer(bytes(value)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.changed()

    async def _answer(self, command: bytes) -> None:
        written = len(self.records)
        if command[0] == 0x10:
            state = struct.pack(">QQIQH", self.read_sequence, written, 1000, 0, RECORD)
            await self.send(self.store, b"\x02" + state)
        elif command[0] == 0x11:
            first, count = struct.unpack(">QI", command[1:])
            await self._give(first, count)
        elif command[0] == 0x12:
            (sequence,) = struct.unpack(">Q", command[1:])
            good = self.forgets and self.read_sequence <= sequence <= written
            if good:
                self.read_sequence = sequence
            await self.send(self.store, bytes([1, 0 if good else 10]))
            self.changed()
        else:
            await self.send(self.store, bytes([1, 6]))

    async def _give(self, first: int, count: int) -> None:
        if not self.read_sequence <= first <= len(self.records):
            await self.send(self.store, bytes([1, 10]))
            return
        chosen = self.records[first : first + count]
        await self.send(self.store, b"\x05" + struct.pack(">QI", first, len(chosen)))
        data, size = b"".join(chosen), self.mtu - 4
        for at in range(0, len(data), size):
            await self.send(self.store, b"\x03" + data[at : at + size])
        await self.send(self.store, b"\x04\x00" + struct.pack(">Q", first + len(chosen)))
