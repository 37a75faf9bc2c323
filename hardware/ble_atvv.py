"""Remotes and other devices with Google's voice service (ATVV) as microphones."""

import asyncio
from collections.abc import Iterable
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from hardware.ble_adpcm import Int16
from hardware.ble_atvv_frames import Atvv04Frames, Atvv10Frames
from hardware.ble_atvv_messages import (
    CAPS,
    GET_CAPS,
    OPEN_ERROR,
    SEARCH,
    START,
    STOP,
    SYNC,
    Capabilities,
    parse_capabilities,
    parse_sync,
    rate_hz,
)
from hardware.ble_battery import follow_battery
from hardware.ble_frames import LostFrames
from hardware.ble_pcm import from_int16
from hardware.ble_radio import require
from hardware.ble_source import BleSource, Ear
from hardware.signals import Button, Press
from models.errors import AudioError

KIND: Final = "ATVV remote"
SERVICE: Final = "ab5e0001-5a21-4f05-bc7d-af01f617b664"
_COMMAND = "ab5e0002-5a21-4f05-bc7d-af01f617b664"
_AUDIO = "ab5e0003-5a21-4f05-bc7d-af01f617b664"
_CONTROL = "ab5e0004-5a21-4f05-bc7d-af01f617b664"

_CAPS_WITHIN_S = 5.0
# Remotes close the microphone by themselves, the first of them after 15 s.
_KEEP_ALIVE_EVERY_S = 5.0
_OPEN_AGAIN_AFTER_S = 1.0


class AtvvSource(BleSource["AtvvSession"]):
    """An ATVV remote as an AudioSource; tells its battery, its voice button and its link."""

    kind = KIND

    async def open_session(self, client: BleakClient, ear: Ear) -> "AtvvSession":
        """Open a connected remote's microphone."""
        require(client, [_COMMAND, _AUDIO, _CONTROL], kind=KIND)
        session = AtvvSession(client, ear)
        try:
            await session.begin()
        except TimeoutError as error:
            raise BleakError("the remote did not tell what it can do") from error
        return session


class AtvvSession:
    """One connection to a remote: keeps its microphone open."""

    def __init__(self, client: BleakClient, ear: Ear) -> None:
        self._client = client
        self._ear = ear
        self._answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._capabilities = Capabilities(headerless=False, codecs=0, frame_bytes=0)
        self._frames: Atvv04Frames | Atvv10Frames = Atvv10Frames(frame_bytes=1)
        self._stream = 0
        self._sending = asyncio.Event()
        self._wake = asyncio.Event()

    async def begin(self) -> None:
        """Learn what it can do, subscribe, and ask it to send."""
        await self._client.start_notify(_CONTROL, self._told)
        await self._client.write_gatt_char(_COMMAND, GET_CAPS, response=True)
        try:
            async with asyncio.timeout(_CAPS_WITHIN_S):
                self._capabilities = parse_capabilities(await self._answered)
        except ValueError as error:
            raise AudioError(
                f"the remote's voice service is of another form: {error}",
                code="codec_unsupported",
                advice="Use another remote; versions 0.4 and 1.0 of Google's voice service are supported.",
            ) from error
        frame_bytes = self._capabilities.frame_bytes
        headerless = self._capabilities.headerless
        self._frames = Atvv10Frames(frame_bytes=frame_bytes) if headerless else Atvv04Frames(frame_bytes=frame_bytes)
        await follow_battery(self._client, self._ear.signal)
        await self._client.start_notify(_AUDIO, self._heard)
        await self._open()

    async def run(self) -> None:
        """Keep the microphone open; open it again when the remote closed it or its button was pressed."""
        while True:
            self._wake.clear()
            if self._sending.is_set():
                await self._pause(_KEEP_ALIVE_EVERY_S)
                if self._sending.is_set() and (message := self._capabilities.keep_alive(self._stream)):
                    await self._command(message)
            else:
                await self._pause(_OPEN_AGAIN_AFTER_S)
                if not self._sending.is_set():
                    await self._open()

    async def close(self) -> None:
        """Close the microphone, so that the remote can sleep."""
        await self._command(self._capabilities.mic_close())

    def end(self) -> None:
        """Nothing is held that would be whole."""

    async def _open(self) -> None:
        await self._command(self._capabilities.mic_open())

    async def _command(self, message: bytes) -> None:
        await self._client.write_gatt_char(_COMMAND, message, response=True)

    async def _pause(self, duration_s: float) -> None:
        """Wait, but not longer than until the remote says something."""
        try:
            async with asyncio.timeout(duration_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _told(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        message = bytes(data)
        if not message:
            return
        match message[0]:
            case int(kind) if kind == CAPS and not self._answered.done():
                self._answered.set_result(message)
            case int(kind) if kind == START:
                self._started(message)
            case int(kind) if kind in {STOP, OPEN_ERROR}:
                self._sending.clear()
                self._ear.stopped()
                if kind == STOP:
                    self._wake.set()
            case int(kind) if kind == SEARCH:
                self._ear.signal(Button(Press.SINGLE))
                self._wake.set()
            case int(kind) if kind == SYNC and isinstance(self._frames, Atvv10Frames) and (sync := parse_sync(message)):
                self._take(self._frames.sync(number=sync.number, predictor=sync.predictor, index=sync.index))

    def _started(self, message: bytes) -> None:
        codec = self._capabilities.best_codec
        if self._capabilities.headerless and len(message) >= 4:
            codec, self._stream = message[2], message[3]
        self._frames.restart()
        self._ear.started(rate_hz=rate_hz(codec))
        self._sending.set()

    def _heard(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        if self._sending.is_set():
            self._take(self._frames.push(bytes(data)))

    def _take(self, items: Iterable[Int16 | LostFrames]) -> None:
        for item in items:
            if isinstance(item, LostFrames):
                self._ear.lose(frames=item.count, samples=self._frames.frame_samples)
            else:
                self._ear.hear(from_int16(item))
