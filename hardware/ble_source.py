"""A Bluetooth LE microphone as an AudioSource: connects, listens, and comes back after every loss of the link."""

import asyncio
import concurrent.futures
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from bleak import BleakClient
from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError

from hardware.audio import AudioFrame, AudioGap, Samples
from hardware.ble_radio import LINK_ERRORS, Radio, unavailable
from hardware.ble_timeline import LinkCounts, LinkTimeline, Tolerance
from hardware.intake import Intake
from hardware.signals import Link, OnSignal, Signal
from models.errors import AudioError

_LOOK_EVERY_S = 0.25
# A device that no longer answers must not keep us from closing.
_GOODBYE_S = 2.0

T = TypeVar("T")


class Ear:
    """What a session tells of its device; used in the source's own thread only."""

    def __init__(self, *, timeline: LinkTimeline, intake: Intake, on_signal: OnSignal) -> None:
        self._timeline = timeline
        self._intake = intake
        self._started_s = time.monotonic()
        self.signal: Callable[[Signal], None] = on_signal

    def started(self, *, rate_hz: int) -> None:
        """Audio comes from now on, at this rate."""
        self._offer(self._timeline.disconnected(now_ms=self._now_ms()))
        self._timeline.connected(rate_hz=rate_hz, now_ms=self._now_ms())

    def hear(self, samples: Samples) -> None:
        """A frame came; samples at the rate that `started` named."""
        self._offer(self._timeline.heard(samples, now_ms=self._now_ms()))

    def lose(self, *, frames: int, samples: int) -> None:
        """So many frames of so many samples never came."""
        self._timeline.lost(frames=frames, samples=samples)

    def garbage(self, *, samples: int) -> None:
        """A frame of so many samples came and could not be decoded."""
        self._timeline.undecodable(samples=samples)

    def stopped(self) -> None:
        """No audio comes until `started`."""
        self._offer(self._timeline.disconnected(now_ms=self._now_ms()))

    def look(self) -> None:
        """Look at the clock."""
        self._offer(self._timeline.look(now_ms=self._now_ms()))

    def end(self) -> None:
        """Nothing comes any more."""
        self._offer(self._timeline.end(now_ms=self._now_ms()))

    def _now_ms(self) -> int:
        return round((time.monotonic() - self._started_s) * 1000)

    def _offer(self, items: Iterable[AudioFrame | AudioGap]) -> None:
        for item in items:
            self._intake.offer(item)


class Session(Protocol):
    """One connection to a microphone that sends."""

    async def run(self) -> None:
        """Do what it needs while it sends; cancelled when the connection ends."""

    async def close(self) -> None:
        """Make it stop; only while it is connected."""

    def end(self) -> None:
        """Tell the ear what the wire still held; the connection is over."""


S = TypeVar("S", bound=Session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How a lost device is looked for, in seconds; waits double from the first to the longest."""

    first_wait_s: float = 0.5
    longest_wait_s: float = 10.0

    def wait_s(self, failures: int) -> float:
        """Return the wait after so many failures in a row, at least 1."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 16))


class BleSource(ABC, Generic[S]):
    """Listens to one device, in a thread and an event loop of its own, until it is closed.

    A device that is away or goes away is looked for again and again, with fresh scans; the time without it is a gap
    with reason link_lost that is told while it grows, and Link signals tell when it comes and goes.
    """

    kind: ClassVar[str]
    """What people call such a microphone."""

    def __init__(
        self,
        address: str,
        *,
        on_signal: OnSignal = lambda signal: None,
        radio: Radio | None = None,
        tolerance: Tolerance | None = None,
        persistence: Persistence | None = None,
    ) -> None:
        """Name a device by the address that a scan gives.

        Args:
            address: of the device.
            on_signal: is told of the link, and what the session tells; called in the source's own thread.
            radio: the system's unless given.
            tolerance: what the link may do before time counts as lost.
            persistence: how a lost device is looked for.
        """
        self._address = address
        self._on_signal = on_signal
        self._radio = radio or Radio()
        self._persistence = persistence or Persistence()
        self._timeline = LinkTimeline(tolerance=tolerance)
        self._intake = Intake()
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._closed = False
        self._session: S | None = None
        self._was_connected = False
        self._session_began = False
        self._told: Link | None = None

    @property
    def name(self) -> str:
        """The kind and the address."""
        return f"{self.kind} {self._address}"

    @abstractmethod
    async def open_session(self, client: BleakClient, ear: Ear) -> S:
        """Make a connected device send.

        Raises:
            AudioError: not_this_microphone, mtu_too_small, codec_unsupported.
            BleakError: it did not do as asked.
        """

    @property
    def counts(self) -> LinkCounts:
        """What became of the frames so far."""
        return self._timeline.counts

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio and gaps from now until `close`; once.

        Raises:
            AudioError: bluetooth_unavailable, or the device was reached for the first time and is not this kind of
                microphone (not_this_microphone), not to be heard over this radio (mtu_too_small) or in another codec
                (codec_unsupported).
        """
        thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="bluetooth", daemon=True)
        thread.start()
        try:
            while (item := self._intake.take()) is not None:
                yield item
        finally:
            self.close()
            thread.join()

    def close(self) -> None:
        """Let the device go and end `frames`."""
        with self._guard:
            self._closed = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)

    def call(self, work: Callable[[S], Coroutine[Any, Any, T]], *, timeout_s: float) -> T:
        """Do something with the session while it is connected, from any other thread.

        Raises:
            AudioError: microphone_not_connected; or as `work`.
        """
        with self._guard:
            session, loop = self._session, self._loop
            if session is None or loop is None:
                raise self._not_connected()
            future = asyncio.run_coroutine_threadsafe(work(session), loop)
        try:
            return future.result(timeout=timeout_s)
        except (*LINK_ERRORS, concurrent.futures.CancelledError) as error:
            future.cancel()
            raise self._not_connected() from error

    def _not_connected(self) -> AudioError:
        return AudioError(
            f"{self.name} is not connected",
            code="microphone_not_connected",
            permanent=False,
            advice="Bring it near and check its battery; it is connected by itself.",
        )

    async def _main(self) -> None:
        with self._guard:
            self._loop = asyncio.get_running_loop()
            if self._closed:
                self._stop.set()
        ear = Ear(timeline=self._timeline, intake=self._intake, on_signal=self._on_signal)
        work = [asyncio.create_task(part) for part in (self._stay(ear), self._keep_time(ear), self._stop.wait())]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            outcomes = await asyncio.gather(*work, return_exceptions=True)
            with self._guard:
                self._loop = None
        ear.end()
        errors = [one for one in outcomes if isinstance(one, Exception)]
        self._intake.end(error=errors[0] if errors else None)

    async def _keep_time(self, ear: Ear) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            ear.look()

    async def _stay(self, ear: Ear) -> None:
        failures = 0
        while True:
            reason = "disconnected"
            self._session_began = False
            try:
                await self._connect_once(ear)
            except AudioError as error:
                if not self._was_connected:
                    raise
                reason = error.code
            except BleakBluetoothNotAvailableError as error:
                if not self._was_connected:
                    raise unavailable(error) from error
                reason = "bluetooth_unavailable"
            except LINK_ERRORS as error:
                reason = _reason(error)
            failures = 1 if self._session_began else failures + 1
            self._tell(Link(connected=False, reason=reason))
            await asyncio.sleep(self._persistence.wait_s(failures))

    async def _connect_once(self, ear: Ear) -> None:
        """Find the device and listen until it goes."""
        device = await self._radio.find(self._address)
        if device is None:
            raise BleakDeviceNotFoundError(self._address)
        gone = asyncio.Event()
        async with self._radio.client(device, on_gone=gone.set) as client:
            try:
                session = await self.open_session(client, ear)
                await self._listen(session, client, gone)
            finally:
                ear.stopped()

    async def _listen(self, session: S, client: BleakClient, gone: asyncio.Event) -> None:
        """Stay until the connection ends, the session fails, or we are cancelled."""
        self._was_connected = True
        with self._guard:
            self._session = session
        self._session_began = True
        # Nothing here knows the link to be encrypted, so it is said to be open, as in the list of microphones.
        self._tell(Link(connected=True, reason="", encrypted=False))
        try:
            await _first(session.run(), gone.wait())
        finally:
            with self._guard:
                self._session = None
            session.end()
            if client.is_connected:
                # It forgets us when the link ends, with or without a goodbye.
                with suppress(*LINK_ERRORS):
                    async with asyncio.timeout(_GOODBYE_S):
                        await session.close()

    def _tell(self, link: Link) -> None:
        if link != self._told:
            self._told = link
            self._on_signal(link)


async def _first(*parts: Coroutine[Any, Any, object]) -> None:
    """Run parts until one ends, end the others, and raise what it raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _reason(error: Exception) -> str:
    if isinstance(error, BleakDeviceNotFoundError):
        return "not_found"
    return "timeout" if isinstance(error, TimeoutError) else "link_failed"
