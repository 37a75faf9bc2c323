"""What an Omi heard alone is handed on, and forgotten by it only after our own commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.ble_omi import OmiSource
from hardware.ble_omi_records import RECORD_BYTES, parse_records
from hardware.ble_omi_store import OfflineStore, StoredAudio
from hardware.ble_opus import OpusDecoder
from hardware.ble_rate import RateConverter
from hardware.ble_source import Persistence
from hardware.signals import Link, Signal
from models.errors import AudioError
from support.bleak_over_bumble import radio_over
from support.listening_in import ListeningIn
from support.opus_packets import encode_opus
from support.virtual_air import Air
from support.virtual_omi import VirtualOmi, record

BEGAN = 1_790_000_000
PER_RECORD = 4

voice = np.random.default_rng(5).integers(-9000, 9000, size=16_000 * 12).astype("<i2")
packets = encode_opus(voice, frame_ms=20)


def records(count: int, *, epoch: int = BEGAN, first: int = 0) -> list[bytes]:
    """Records of 80 ms each, from a time on."""
    return [
        record(epoch + number * 80 // 1000, packets[PER_RECORD * (first + number) : PER_RECORD * (first + number + 1)])
        for number in range(count)
    ]


@contextmanager
def connected(air: Air, omi: VirtualOmi) -> Iterator[tuple[OfflineStore, ListeningIn]]:
    """Connect as a program that was just started."""
    signals: list[Signal] = []
    source = OmiSource(
        omi.address, on_signal=signals.append, radio=radio_over(air), persistence=Persistence(first_wait_s=0.05)
    )
    with ListeningIn(source, signals) as heard:
        until_connected(heard)
        yield source.offline_store, heard


def until_connected(heard: ListeningIn) -> None:
    heard.wait(
        lambda: (
            [one for one in heard.signals if isinstance(one, Link)][-1:]
            == [Link(connected=True, reason="", encrypted=False)]
        )
    )


def read(store: OfflineStore) -> list[StoredAudio]:
    return list(store.read())


def advances(omi: VirtualOmi) -> list[int]:
    return [int.from_bytes(command[1:], "big") for command in omi.commands if command[0] == 0x12]


def test_stored_packets_come_with_their_time_and_sound_as_they_do(air: Air) -> None:
    """130 records, more than one fetch: all samples, the device's time, nothing acknowledged by reading."""
    omi = VirtualOmi(air, codec=21, records=records(130))
    with connected(air, omi) as (store, _):
        stretches = read(store)
    assert stretches[0].recorded_at == datetime.fromtimestamp(BEGAN, UTC)
    assert sum(len(stretch.samples) for stretch in stretches) == 130 * PER_RECORD * 320
    decoder, converter = OpusDecoder(frame_ms=20), RateConverter(48_000)
    first = [converter.push(decoder.decode(packet)) for packet in packets[: 100 * PER_RECORD]]
    assert np.array_equal(stretches[0].samples, np.concatenate([*first, converter.flush()]))
    assert (omi.read_sequence, advances(omi)) == (0, [])


def test_a_program_killed_before_its_commit_loses_nothing(air: Air) -> None:
    """Read and gone without a word: the next program gets the same."""
    omi = VirtualOmi(air, codec=21, records=records(20))
    with connected(air, omi) as (store, _):
        before = read(store)
    with connected(air, omi) as (store, _):
        again = read(store)
        again[0].acknowledge()
    assert np.array_equal(before[0].samples, again[0].samples)
    assert advances(omi) == [20]
    assert omi.read_sequence == 20


def test_acknowledging_out_of_order_frees_nothing_early(air: Air) -> None:
    """The later stretch is durable first: the device keeps both until the earlier one is."""
    omi = VirtualOmi(air, codec=21, records=[*records(5), *records(5, epoch=BEGAN + 3600, first=5)])
    with connected(air, omi) as (store, _):
        early, late = read(store)
        late.acknowledge()
        assert advances(omi) == []
        early.acknowledge()
    assert advances(omi) == [10]
    assert late.recorded_at == datetime.fromtimestamp(BEGAN + 3600, UTC)


def test_a_link_lost_before_the_acknowledgement_is_made_good(air: Air) -> None:
    """What was said while the device was away is told at the next reading; new records are given once."""
    omi = VirtualOmi(air, codec=21, records=records(5))
    with connected(air, omi) as (store, heard):
        (stretch,) = read(store)
        omi.out_of_reach()
        heard.wait(lambda: Link(connected=False, reason="disconnected") in heard.signals)
        with pytest.raises(AudioError) as caught:
            stretch.acknowledge()
        assert (caught.value.code, caught.value.permanent) == ("microphone_not_connected", False)
        omi.records += records(5, first=5)
        omi.back()
        until_connected(heard)
        (fresh,) = read(store)
        assert advances(omi) == [5]
        assert len(fresh.samples) == 5 * PER_RECORD * 320
        assert read(store) == []


def test_a_damaged_packet_is_silence_and_counted(air: Air) -> None:
    """The rest of its record is good."""
    spoiled = record(BEGAN, [packets[0], b"\xff" * 40, *packets[2:4]])
    omi = VirtualOmi(air, codec=21, records=[spoiled])
    with connected(air, omi) as (store, _):
        (stretch,) = read(store)
    assert stretch.undecodable == 1
    assert len(stretch.samples) == 4 * 320


def test_a_clock_that_was_never_set_gives_no_time(air: Air) -> None:
    """1970 is not when it was said."""
    omi = VirtualOmi(air, codec=21, records=records(3, epoch=100))
    with connected(air, omi) as (store, _):
        (stretch,) = read(store)
    assert stretch.recorded_at is None


def test_a_device_without_a_store_says_so(air: Air) -> None:
    """Older firmware keeps nothing."""
    omi = VirtualOmi(air, codec=21)
    with connected(air, omi) as (store, _), pytest.raises(AudioError) as caught:
        read(store)
    assert caught.value.code == "store_missing"


@settings(deadline=None)
@given(data=st.binary(min_size=RECORD_BYTES, max_size=RECORD_BYTES))
def test_any_record_can_be_parsed(data: bytes) -> None:
    """Garbage on the card gives packets that lie within the record, or none."""
    (found,) = parse_records(data, first_sequence=7)
    assert found.sequence == 7
    assert sum(len(packet) + 1 for packet in found.packets) <= RECORD_BYTES - 4


@settings(deadline=None)
@given(parts=st.lists(st.lists(st.binary(min_size=1, max_size=60), max_size=6), min_size=1, max_size=5))
def test_records_give_the_packets_that_were_put_in(parts: list[list[bytes]]) -> None:
    """The inverse of the firmware's packer."""
    data = b"".join(record(BEGAN, part) for part in parts)
    assert [list(one.packets) for one in parse_records(data, first_sequence=0)] == parts
