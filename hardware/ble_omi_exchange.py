"""Commands to an Omi's offline store and their replies, over one connection."""

import asyncio
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from hardware.ble_omi_records import RECORD_BYTES, StoredRecord, StoreInfo, parse_info, parse_records
from models.errors import AudioError

CONTROL: Final = "30295781-4301-eabd-2904-2849adfeae43"

_INFO, _READ, _ADVANCE = 0x10, 0x11, 0x12
_ACK, _INFO_REPLY, _DATA, _DONE, _BEGIN = 0x01, 0x02, 0x03, 0x04, 0x05

# The device answers within a poll of its storage thread; its card may take seconds to wake.
_REPLY_S = 10.0


class StoreExchange:
    """Asks one thing at a time; for the event loop of its client."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._turn = asyncio.Lock()

    def notified(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        """Take a reply."""
        if data:
            self._replies.put_nowait(bytes(data))

    def end(self) -> None:
        """The connection is over: whoever waits for a reply learns it."""
        self._replies.put_nowait(b"")

    async def info(self) -> StoreInfo:
        """Ask for the state of the ring.

        Raises:
            AudioError: store_unsupported, store_refused.
            BleakError: the connection ended.
            TimeoutError: no reply.
        """
        async with self._turn:
            reply = await self._ask(bytes([_INFO]))
            _expect(reply, _INFO_REPLY)
        try:
            info = parse_info(reply[1:])
        except ValueError as error:
            raise _unsupported(str(error)) from error
        if info.record_bytes != RECORD_BYTES:
            raise _unsupported(f"its records have {info.record_bytes} bytes, not {RECORD_BYTES}")
        return info

    async def read(self, *, first_sequence: int, count: int) -> list[StoredRecord]:
        """Fetch records; nothing is acknowledged by it.

        Raises:
            AudioError: store_refused, store_incomplete.
            BleakError: the connection ended.
            TimeoutError: no reply.
        """
        async with self._turn:
            command = bytes([_READ]) + first_sequence.to_bytes(8, "big") + count.to_bytes(4, "big")
            reply = await self._ask(command)
            _expect(reply, _BEGIN)
            data = bytearray()
            while (reply := await self._reply())[0] == _DATA:
                data += reply[1:]
            _expect(reply, _DONE)
        try:
            records = list(parse_records(bytes(data), first_sequence=first_sequence))
        except ValueError as error:
            raise _incomplete() from error
        if int.from_bytes(reply[2:10], "big") != first_sequence + len(records):
            raise _incomplete()
        return records

    async def advance(self, sequence: int) -> None:
        """Acknowledge every record before `sequence`: the device forgets them.

        Raises:
            AudioError: store_refused.
            BleakError: the connection ended.
            TimeoutError: no reply.
        """
        async with self._turn:
            _expect(await self._ask(bytes([_ADVANCE]) + sequence.to_bytes(8, "big")), _ACK)

    async def _ask(self, command: bytes) -> bytes:
        while not self._replies.empty():  # of a command that was given up
            self._replies.get_nowait()
        await self._client.write_gatt_char(CONTROL, command, response=True)
        return await self._reply()

    async def _reply(self) -> bytes:
        async with asyncio.timeout(_REPLY_S):
            reply = await self._replies.get()
        if not reply:
            raise BleakError("the connection ended")
        return reply


def _expect(reply: bytes, kind: int) -> None:
    """Check the kind of a reply, and the status of those that have one."""
    if reply[0] == kind and not (kind in {_ACK, _DONE} and reply[1:2] != b"\x00"):
        return
    raise AudioError(
        f"the microphone's store refused (reply {reply[:2].hex()})",
        code="store_refused",
        permanent=False,
        advice="It is asked again at the next connection; what it holds stays there.",
    )


def _unsupported(why: str) -> AudioError:
    return AudioError(
        f"the microphone's offline store is of another form: {why}",
        code="store_unsupported",
        advice="Install the current Omi firmware.",
    )


def _incomplete() -> AudioError:
    return AudioError(
        "stored audio came incomplete",
        code="store_incomplete",
        permanent=False,
        advice="It is fetched again at the next connection; what the microphone holds stays there.",
    )
