"""What an Omi heard while it was not connected, handed on and acknowledged only when the consumer's commit is done."""

import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import numpy as np

from hardware.audio import Samples
from hardware.ble_decoding import FrameDecoder, UndecodableError
from hardware.ble_omi_exchange import StoreExchange
from hardware.ble_omi_records import StoredRecord
from hardware.ble_rate import RateConverter

T = TypeVar("T")

# Some 10 s of audio at 32 kbit/s, 44 KB: little enough to fetch anew when a link breaks.
_RECORDS_AT_ONCE = 100
# The device's times are whole seconds; two records that differ by more than this from their audio are not one stretch.
_SAME_STRETCH = timedelta(seconds=2)


class CallStore(Protocol):
    """Runs work over the store of the connected device, from any thread."""

    def __call__(self, work: Callable[[StoreExchange], Coroutine[Any, Any, T]]) -> T:
        """Run it.

        Raises:
            AudioError: microphone_not_connected, store_missing; or as `work`.
        """


@dataclass(frozen=True, slots=True, eq=False)
class StoredAudio:
    """A stretch that the device heard by itself."""

    recorded_at: datetime | None
    """When it began, to the second; None when the device's clock was not set."""
    samples: Samples
    """At 16 kHz, mono, shape (n,)."""
    undecodable: int
    """Packets in it that were garbage; silence stands for them."""
    end_sequence: int
    """Behind its last record."""
    _acknowledge: Callable[[], None] = field(repr=False)

    def acknowledge(self) -> None:
        """Say that this stretch is durable with us; once all before it are too, the device forgets it.

        Raises:
            AudioError: microphone_not_connected, store_refused; what was said counts, and the device is told at the
                next acknowledgement or reading.
        """
        self._acknowledge()


class OfflineStore:
    """The records of one device.

    A record is handed on once by one OfflineStore, and anew by the next one as long as it was not acknowledged: a
    program that was killed in between loses nothing and may get it twice.
    """

    def __init__(self, *, call: CallStore, new_decoder: Callable[[], FrameDecoder]) -> None:
        self._call = call
        self._new_decoder = new_decoder
        self._changing = threading.Lock()
        # Behind the last record of each stretch handed on, and whether it is durable with us; in order.
        self._given: dict[int, bool] = {}
        self._next = 0
        self._durable = 0

    def read(self) -> Iterator[StoredAudio]:
        """Give what the device holds now and was not given yet, the oldest first; ends when all was given.

        Raises:
            AudioError: microphone_not_connected, store_missing, store_unsupported, store_refused, store_incomplete.
        """
        info = self._call(lambda store: store.info())
        with self._changing:
            if self._next > info.write_sequence:  # the device was cleared and counts anew
                self._given.clear()
                self._next = self._durable = 0
            owed, position = self._durable, max(self._next, info.read_sequence)
        if owed > info.read_sequence:
            self._call(lambda store: store.advance(owed))
        while position < info.write_sequence:
            records = self._fetch(position, min(_RECORDS_AT_ONCE, info.write_sequence - position))
            if not records:
                return
            position = records[-1].sequence + 1
            yield from self._stretches(records)

    def _fetch(self, first_sequence: int, count: int) -> list[StoredRecord]:
        return self._call(lambda store: store.read(first_sequence=first_sequence, count=count))

    def _stretches(self, records: list[StoredRecord]) -> Iterator[StoredAudio]:
        stretch = _Stretch(self._new_decoder(), records[0].recorded_at)
        for record in records:
            if stretch.is_over_at(record.recorded_at):
                yield self._hand_on(stretch, end_sequence=record.sequence)
                stretch = _Stretch(self._new_decoder(), record.recorded_at)
            for packet in record.packets:
                stretch.take(packet)
        yield self._hand_on(stretch, end_sequence=records[-1].sequence + 1)

    def _hand_on(self, stretch: "_Stretch", *, end_sequence: int) -> StoredAudio:
        with self._changing:
            self._given[end_sequence] = False
            self._next = end_sequence
        return StoredAudio(
            recorded_at=stretch.recorded_at,
            samples=stretch.samples(),
            undecodable=stretch.undecodable,
            end_sequence=end_sequence,
            _acknowledge=lambda: self._acknowledge(end_sequence),
        )

    def _acknowledge(self, end_sequence: int) -> None:
        with self._changing:
            if end_sequence in self._given:
                self._given[end_sequence] = True
            for end in list(self._given):
                if not self._given[end]:
                    break
                self._durable = end
                del self._given[end]
            durable = self._durable
        if durable >= end_sequence:
            self._call(lambda store: store.advance(durable))


class _Stretch:
    """Packets that follow each other, decoded."""

    def __init__(self, decoder: FrameDecoder, recorded_at: datetime | None) -> None:
        self.recorded_at = recorded_at
        self.undecodable = 0
        self._decoder = decoder
        self._converter = RateConverter(decoder.rate_hz)
        self._parts: list[Samples] = []
        self._decoded = 0

    def is_over_at(self, moment: datetime | None) -> bool:
        """Whether a record of this time belongs to another stretch."""
        if moment is None or self.recorded_at is None:
            return moment is not self.recorded_at
        expected = self.recorded_at + timedelta(seconds=self._decoded / self._decoder.rate_hz)
        return abs(moment - expected) > _SAME_STRETCH

    def take(self, packet: bytes) -> None:
        """Decode one packet; garbage is silence of its length, and counted."""
        try:
            samples = self._decoder.decode(packet)
        except UndecodableError:
            self.undecodable += 1
            samples = np.zeros(self._decoder.frame_samples, dtype=np.float32)
        self._decoded += len(samples)
        self._parts.append(self._converter.push(samples))

    def samples(self) -> Samples:
        """All of it at 16 kHz."""
        return np.concatenate([*self._parts, self._converter.flush()])
