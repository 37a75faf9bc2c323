"""An ATVV remote in the virtual air, versions 0.4 and 1.0; its coder is given, so that tests choose it."""

import asyncio
import struct

from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from support.virtual_air import Air
from support.virtual_peripheral import NOTIFY, PERMISSIONS, READ, WRITE, VirtualPeripheral

SERVICE = "AB5E0001-5A21-4F05-BC7D-AF01F617B664"


class VirtualAtvv(VirtualPeripheral):
    """Answers commands; sends what it is given once its microphone is open."""

    def __init__(self, air: Air, *, capabilities: bytes, codec: int = 2, address: str = "C0:0A:0B:0C:0D:0E") -> None:
        """Name the answer to GET_CAPS, and the codec that a start tells in version 1.0."""
        self.commands: list[bytes] = []
        self.refuses = 0
        self.opened = 0
        self._capabilities = capabilities
        self._codec = codec
        self._tasks: set[asyncio.Task[None]] = set()
        self.audio = Characteristic("AB5E0003-5A21-4F05-BC7D-AF01F617B664", READ | NOTIFY, PERMISSIONS, b"")
        self.control = Characteristic("AB5E0004-5A21-4F05-BC7D-AF01F617B664", READ | NOTIFY, PERMISSIONS, b"")
        command = Characteristic(
            "AB5E0002-5A21-4F05-BC7D-AF01F617B664", WRITE, PERMISSIONS, CharacteristicValue(write=self._command)
        )
        super().__init__(
            air,
            address=address,
            name="Remote",
            service=SERVICE,
            services=[Service(SERVICE, [command, self.audio, self.control])],
        )

    def wait_open(self, times: int = 1) -> None:
        """Wait until its microphone was opened so often."""
        self.wait(lambda: self.opened >= times)

    def speak(self, notifications: list[tuple[Characteristic, bytes]], *, pace_s: float) -> None:
        """Send audio and control at a pace."""
        self.air.run(self._speak(notifications, pace_s), timeout_s=120)

    async def _speak(self, notifications: list[tuple[Characteristic, bytes]], pace_s: float) -> None:
        for characteristic, value in notifications:
            await self.send(characteristic, value)
            await asyncio.sleep(pace_s)

    def _command(self, _connection: Connection, value: bytes) -> None:
        self.commands.append(bytes(value))
        task = asyncio.get_running_loop().create_task(self._answer(bytes(value)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, command: bytes) -> None:
        if command[0] == 0x0A:
            await self.send(self.control, self._capabilities)
        elif command[0] == 0x0C and self.refuses:
            self.refuses -= 1
            await self.send(self.control, b"\x0c\x0f\x02")
        elif command[0] == 0x0C:
            headerless = self._capabilities[1:3] == b"\x01\x00"
            await self.send(self.control, struct.pack("BBBB", 4, 0, self._codec, 0) if headerless else b"\x04")
            self.opened += 1
        self.changed()
