"""Omi, an open wearable microphone. Its radio link is not encrypted and it is not paired (omi #1997)."""

import asyncio
import struct
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from hardware.ble_battery import follow_battery
from hardware.ble_decoding import FrameDecoder, UndecodableError
from hardware.ble_frames import LostFrames
from hardware.ble_omi_codec import decoder_for
from hardware.ble_omi_exchange import CONTROL, StoreExchange
from hardware.ble_omi_packets import OmiFrames, fragment_bytes
from hardware.ble_omi_store import OfflineStore
from hardware.ble_radio import Radio, mtu_of, require
from hardware.ble_source import BleSource, Ear, Persistence
from hardware.ble_timeline import Tolerance
from hardware.signals import Button, OnSignal, Press
from models.errors import AudioError

KIND: Final = "Omi"
SERVICE: Final = "19b10000-e8f2-537e-4f6c-d104768a1214"
_AUDIO = "19b10001-e8f2-537e-4f6c-d104768a1214"
_CODEC = "19b10002-e8f2-537e-4f6c-d104768a1214"
_CLOCK = "19b10031-e8f2-537e-4f6c-d104768a1214"
_BUTTON = "23ba7925-0000-1000-7450-346eac492e92"

# The firmware sends nothing over a smaller one (transport.c, MINIMAL_PACKET_SIZE).
_SMALLEST_MTU = 100
_PRESSES = {1: Press.SINGLE, 2: Press.DOUBLE, 3: Press.LONG}
_BUTTON_EVENT = struct.Struct("<ii")
# Reading 100 records, 44 KB, over a slow link.
_STORE_CALL_S = 60.0

T = TypeVar("T")


class OmiSource(BleSource["OmiSession"]):
    """An Omi as an AudioSource; tells its battery, its button and its link."""

    kind = KIND

    def __init__(
        self,
        address: str,
        *,
        on_signal: OnSignal = lambda signal: None,
        radio: Radio | None = None,
        tolerance: Tolerance | None = None,
        persistence: Persistence | None = None,
    ) -> None:
        """Name a device by the address that a scan gives."""
        super().__init__(address, on_signal=on_signal, radio=radio, tolerance=tolerance, persistence=persistence)
        self._store = OfflineStore(call=self._call_store, new_decoder=self._store_decoder)

    @property
    def offline_store(self) -> OfflineStore:
        """What it heard while it was not connected; usable while `frames` runs in another thread."""
        return self._store

    async def open_session(self, client: BleakClient, ear: Ear) -> "OmiSession":
        """Set a connected Omi's clock and listen to it."""
        require(client, [_AUDIO, _CODEC], kind=KIND)
        mtu = await mtu_of(client, _AUDIO)
        if mtu < _SMALLEST_MTU:
            raise AudioError(
                f"the radio link carries {mtu} bytes at once; an Omi sends nothing below {_SMALLEST_MTU}",
                code="mtu_too_small",
                advice="Use a Bluetooth adapter of version 4.2 or later, and BlueZ 5.62 or later.",
            )
        codec = await client.read_gatt_char(_CODEC)
        session = OmiSession(client, ear, codec=codec[0] if codec else -1, mtu=mtu)
        if _has(client, _CLOCK):
            await client.write_gatt_char(_CLOCK, struct.pack("<I", int(time.time())), response=True)
        await session.listen()
        return session

    def _call_store(self, work: Callable[[StoreExchange], Coroutine[Any, Any, T]]) -> T:
        async def with_store(session: OmiSession) -> T:
            if session.store is None:
                raise AudioError(
                    f"{self.name} keeps nothing while it is not connected",
                    code="store_missing",
                    advice="Its firmware has no offline store; keep it connected.",
                )
            return await work(session.store)

        return self.call(with_store, timeout_s=_STORE_CALL_S)

    def _store_decoder(self) -> FrameDecoder:
        async def codec(session: OmiSession) -> int:
            return session.codec

        return decoder_for(self.call(codec, timeout_s=_STORE_CALL_S))


class OmiSession:
    """One connection to an Omi that sends."""

    def __init__(self, client: BleakClient, ear: Ear, *, codec: int, mtu: int) -> None:
        self._client = client
        self._ear = ear
        self._frames = OmiFrames(full_fragment=fragment_bytes(mtu))
        self._decoder = decoder_for(codec)
        self.codec = codec
        self.store = StoreExchange(client) if _has(client, CONTROL) else None

    async def listen(self) -> None:
        """Subscribe to all that it tells, its audio last."""
        if self.store is not None:
            await self._client.start_notify(CONTROL, self.store.notified)
        if _has(self._client, _BUTTON):
            await self._client.start_notify(_BUTTON, self._pressed)
        await follow_battery(self._client, self._ear.signal)
        self._ear.started(rate_hz=self._decoder.rate_hz)
        await self._client.start_notify(_AUDIO, self._heard)

    async def run(self) -> None:
        """Wait: nothing but the connection keeps it sending."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Stop listening."""
        await self._client.stop_notify(_AUDIO)

    def end(self) -> None:
        """Give the last frame, if it is whole."""
        self._take(self._frames.end())
        if self.store is not None:
            self.store.end()

    def _heard(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        self._take(self._frames.push(bytes(data)))

    def _take(self, items: Iterable[bytes | LostFrames]) -> None:
        for item in items:
            if isinstance(item, LostFrames):
                self._ear.lose(frames=item.count, samples=self._decoder.frame_samples)
                continue
            try:
                samples = self._decoder.decode(item)
            except UndecodableError:
                self._ear.garbage(samples=self._decoder.frame_samples)
            else:
                self._ear.hear(samples)

    def _pressed(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        if len(data) >= _BUTTON_EVENT.size and (press := _PRESSES.get(_BUTTON_EVENT.unpack_from(data)[0])):
            self._ear.signal(Button(press))


def _has(client: BleakClient, characteristic: str) -> bool:
    return client.services.get_characteristic(characteristic) is not None
