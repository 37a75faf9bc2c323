"""What an Omi keeps while nobody listens: its ring's state and its records, as bytes. Pure.

Source: omi/firmware/omi/src/lib/core/{storage,audio_storage_packer}.c.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

RECORD_BYTES = 444
_EPOCH_BYTES = 4
_INFO = struct.Struct(">QQIQH")
# 2020-01-01: a clock that was never set counts from 1970.
_CLOCK_SET_AFTER = 1_577_836_800


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The state of the ring; sequences count records and never wrap."""

    read_sequence: int
    """The first record that was not acknowledged."""
    write_sequence: int
    """Behind the last record."""
    capacity: int
    dropped: int
    """Records that were overwritten because nobody fetched them."""
    record_bytes: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """Some packets that were heard together."""

    sequence: int
    recorded_at: datetime | None
    """When it began, to the second; None when the device's clock was not set."""
    packets: tuple[bytes, ...]


def parse_info(payload: bytes) -> StoreInfo:
    """Read the reply to INFO, without its first byte.

    Raises:
        ValueError: it is not of this form.
    """
    if len(payload) != _INFO.size:
        raise ValueError(f"the state of the store has {len(payload)} bytes, not {_INFO.size}")
    return StoreInfo(*_INFO.unpack(payload))


def parse_records(data: bytes, *, first_sequence: int) -> Iterator[StoredRecord]:
    """Cut what READ gave into records.

    Raises:
        ValueError: it ends within a record.
    """
    if len(data) % RECORD_BYTES:
        raise ValueError("the stored audio ends within a record")
    for number, at in enumerate(range(0, len(data), RECORD_BYTES)):
        record = data[at : at + RECORD_BYTES]
        epoch = int.from_bytes(record[:_EPOCH_BYTES], "big")
        yield StoredRecord(
            sequence=first_sequence + number,
            recorded_at=datetime.fromtimestamp(epoch, UTC) if epoch >= _CLOCK_SET_AFTER else None,
            packets=tuple(_packets(record[_EPOCH_BYTES:])),
        )


def _packets(body: bytes) -> Iterator[bytes]:
    """Give packets until a length of 0; one that is cut off by the end of a damaged record is left out."""
    at = 0
    while at < len(body) and (length := body[at]) and at + 1 + length <= len(body):
        yield body[at + 1 : at + 1 + length]
        at += 1 + length
