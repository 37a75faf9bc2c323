"""An Omi is heard over a real GATT connection: bleak above, bumble's controllers below, no wave between them."""

import time
from collections.abc import Iterable

import numpy as np
import pytest

from hardware.audio import AudioGap, GapReason
from hardware.ble_omi import OmiSource
from hardware.ble_opus import OpusDecoder
from hardware.ble_rate import RateConverter
from hardware.ble_source import Persistence
from hardware.ble_timeline import Tolerance
from hardware.signals import Battery, Button, Link, Press, Signal
from models.errors import AudioError
from support.bleak_over_bumble import radio_over
from support.listening_in import ListeningIn
from support.opus_packets import encode_opus
from support.virtual_air import Air
from support.virtual_omi import VirtualOmi

# The machine that tests may pause for seconds; what a pause does to time has tests of its own.
PATIENT = Tolerance(stalled_ms=60_000, behind_ms=60_000, ahead_ms=60_000)
SOON = Persistence(first_wait_s=0.05, longest_wait_s=0.2)

noise = np.random.default_rng(3).integers(-9000, 9000, size=16_000 * 4).astype("<i2")


def listening(air: Air, omi: VirtualOmi, *, mtu: int = 247, tolerance: Tolerance = PATIENT) -> ListeningIn:
    signals: list[Signal] = []
    source = OmiSource(
        omi.address, on_signal=signals.append, radio=radio_over(air, mtu=mtu), tolerance=tolerance, persistence=SOON
    )
    return ListeningIn(source, signals)


def speak(omi: VirtualOmi, heard: ListeningIn, frames: list[bytes], *, frame_ms: int, lost: Iterable[int] = ()) -> None:
    """Send frames and one more, which ends the last; wait until all but that one reached the ear in some state."""
    omi.wait_subscribed(omi.audio)
    omi.speak([*frames, frames[0]], frame_ms=frame_ms, lost=lost)
    counts = heard.source.counts
    heard.wait(lambda: counts.heard + counts.undecodable + counts.lost >= len(frames))


def pcm_frames(count: int, *, samples: int = 160) -> list[bytes]:
    return [noise[at : at + samples].tobytes() for at in range(0, count * samples, samples)]


def decoded(packets: list[bytes], *, frame_ms: int) -> np.ndarray:
    """What the packets sound like without any radio."""
    decoder, converter = OpusDecoder(frame_ms=frame_ms), RateConverter(48_000)
    return np.concatenate([*(converter.push(decoder.decode(packet)) for packet in packets), converter.flush()])


def as_int16(samples: np.ndarray) -> np.ndarray:
    return (samples * 32_768).astype("<i2")


@pytest.mark.parametrize("mtu", [247, 100])
def test_plain_samples_arrive_bit_for_bit_across_the_wrap_of_ids(air: Air, mtu: int) -> None:
    """Two to four fragments a frame, ids from 65,500 on: every sample that was sent, and none else."""
    omi = VirtualOmi(air, codec=0, first_id=65_500)
    frames = pcm_frames(100)
    with listening(air, omi, mtu=mtu) as heard:
        speak(omi, heard, frames, frame_ms=10)
    assert omi.next_id < 65_500
    assert as_int16(heard.samples)[:16_000].tobytes() == b"".join(frames)


@pytest.mark.parametrize(("codec", "frame_ms"), [(20, 10), (21, 20)])
def test_opus_sounds_as_its_packets_do(air: Air, codec: int, frame_ms: int) -> None:
    """The samples are those that a decoder makes of the same packets."""
    omi = VirtualOmi(air, codec=codec)
    packets = encode_opus(noise[:16_000], frame_ms=frame_ms)
    with listening(air, omi) as heard:
        speak(omi, heard, packets, frame_ms=frame_ms)
    came = [*packets, packets[0]][: heard.source.counts.heard]
    assert np.array_equal(heard.samples, decoded(came, frame_ms=frame_ms))


def test_eight_kilohertz_becomes_sixteen(air: Air) -> None:
    """Codec 1: twice the samples, the same second."""
    omi = VirtualOmi(air, codec=1)
    with listening(air, omi) as heard:
        speak(omi, heard, pcm_frames(100, samples=80), frame_ms=10)
    assert len(heard.samples) == 160 * heard.source.counts.heard


def test_a_lost_notification_costs_its_own_frame(air: Air) -> None:
    """One of two fragments of frame 50 is lost: silence for 10 ms, all others exact, counted."""
    omi = VirtualOmi(air, codec=0)
    frames = pcm_frames(100)
    with listening(air, omi) as heard:
        speak(omi, heard, frames, frame_ms=10, lost=[101])
    frames[50] = bytes(320)
    assert as_int16(heard.samples)[:16_000].tobytes() == b"".join(frames)
    counts = heard.source.counts
    assert (counts.lost, counts.concealed, counts.undecodable) == (1, 1, 0)


def test_a_longer_loss_is_a_gap_with_its_reason(air: Air) -> None:
    """Thirty frames, 300 ms: nothing is filled in."""
    omi = VirtualOmi(air, codec=0)
    frames = pcm_frames(100)
    with listening(air, omi) as heard:
        speak(omi, heard, frames, frame_ms=10, lost=range(100, 160))
    assert as_int16(heard.samples)[: 70 * 160].tobytes() == b"".join(frames[:50] + frames[80:])
    assert [gap.end_ms - gap.start_ms for gap in heard.gaps[1:]] == [300]
    assert heard.gaps[1].reason == GapReason.LINK_LOST
    assert heard.source.counts.lost == 30


def test_garbage_in_opus_is_counted_and_passes(air: Air) -> None:
    """Packets that are none cost their own time; the microphone goes on."""
    omi = VirtualOmi(air, codec=21)
    packets = encode_opus(noise[:16_000], frame_ms=20)
    packets[10:12] = [b"\xff" * 50, b"\x00"]
    with listening(air, omi) as heard:
        speak(omi, heard, packets, frame_ms=20)
    counts = heard.source.counts
    assert counts.undecodable == 2
    assert len(heard.samples) == 320 * (counts.heard + counts.undecodable)
    assert heard.error is None


def test_it_tells_battery_button_and_link_and_its_clock_is_set(air: Air) -> None:
    """All that a wearable says besides sound."""
    omi = VirtualOmi(air, codec=0)
    with listening(air, omi) as heard:
        omi.wait_subscribed(omi.audio)
        omi.notify(omi.battery, bytes([17]))
        for event in (1, 2, 3, 5):
            omi.press(event)
        heard.wait(lambda: Button(Press.LONG) in heard.signals and Battery(17) in heard.signals)
    assert [signal for signal in heard.signals if isinstance(signal, Battery)] == [Battery(90), Battery(17)]
    assert [one.press for one in heard.signals if isinstance(one, Button)] == [Press.SINGLE, Press.DOUBLE, Press.LONG]
    assert Link(connected=True, reason="", encrypted=False) in heard.signals
    assert omi.clock is not None
    assert abs(omi.clock - time.time()) < 600


def test_a_link_that_breaks_within_a_frame_comes_back(air: Air) -> None:
    """Three breaks, each after half a frame: whole frames only, a gap and a Link signal for each, all else exact."""
    omi = VirtualOmi(air, codec=0)
    frames = pcm_frames(80)
    with listening(air, omi) as heard:
        for part in range(4):
            omi.wait_subscribed(omi.audio)
            omi.speak(frames[20 * part : 20 * (part + 1)], frame_ms=10)
            omi.begin(bytes(320))
            heard.wait(lambda sent=20 * (part + 1): heard.source.counts.heard >= sent)
            if part < 3:
                omi.drop()
                omi.wait(lambda expected=part + 2: omi.connections == expected)
    assert as_int16(heard.samples).tobytes() == b"".join(frames)
    links = [signal for signal in heard.signals if isinstance(signal, Link)]
    assert [link.connected for link in links] == [True, False] * 3 + [True]
    assert {link.reason for link in links if not link.connected} == {"disconnected"}
    assert {gap.reason for gap in heard.gaps} == {GapReason.LINK_LOST}
    assert len(heard.gaps) >= 3


def test_a_device_that_is_away_is_a_growing_gap_until_it_is_back(air: Air) -> None:
    """Out of reach before anything was heard and again later: looked for until it is found."""
    omi = VirtualOmi(air, codec=0)
    omi.out_of_reach()
    signals: list[Signal] = []
    source = OmiSource(
        omi.address,
        on_signal=signals.append,
        radio=radio_over(air, scan_s=0.3),
        tolerance=PATIENT,
        persistence=SOON,
    )
    with ListeningIn(source, signals) as heard:
        heard.wait(lambda: len(heard.gaps) >= 2)
        assert Link(connected=False, reason="not_found") in signals
        omi.back()
        omi.wait_subscribed(omi.audio)
        omi.speak(pcm_frames(30), frame_ms=10)
        heard.wait(lambda: heard.source.counts.heard >= 29)
        omi.out_of_reach()
        grown = len(heard.gaps)
        heard.wait(lambda: len(heard.gaps) >= grown + 2)
        omi.back()
        omi.wait_subscribed(omi.audio)
        omi.speak(pcm_frames(30), frame_ms=10)
        heard.wait(lambda: heard.source.counts.heard >= 58)
    assert isinstance(heard.items[0], AudioGap)


def test_frames_that_the_firmware_dropped_before_numbering_become_a_gap(air: Air) -> None:
    """Nothing is missing by id, but the clock has gone on by a second; half of it may be the way through the air."""
    omi = VirtualOmi(air, codec=0)
    tolerance = Tolerance(stalled_ms=60_000, behind_ms=200, behind_for_ms=500, ahead_ms=60_000)
    with listening(air, omi, tolerance=tolerance) as heard:
        omi.wait_subscribed(omi.audio)
        omi.speak(pcm_frames(50), frame_ms=10)
        heard.wait(lambda: heard.source.counts.heard >= 49)
        time.sleep(1.2)
        spoken = 50
        # Behind for half a second: on a busy machine frames come in bursts, and it takes more of them to be sure.
        while len(heard.gaps) < 2 and spoken < 5_000:
            omi.speak(pcm_frames(50), frame_ms=10)
            spoken += 50
        heard.wait(lambda: len(heard.gaps) >= 2 and heard.source.counts.heard >= spoken - 1)
    assert heard.source.counts.lost == 0
    assert sum(gap.end_ms - gap.start_ms for gap in heard.gaps[1:]) >= 500


@pytest.mark.parametrize(
    ("spoil", "code"), [({"mtu": 60}, "mtu_too_small"), ({"codec": 77}, "codec_unsupported")], ids=["mtu", "codec"]
)
def test_a_device_that_cannot_be_heard_is_an_error_that_says_so(air: Air, spoil: dict[str, int], code: str) -> None:
    """At the first connection, for good: trying again would not help."""
    omi = VirtualOmi(air, codec=spoil.get("codec", 0))
    with listening(air, omi, mtu=spoil.get("mtu", 247)) as heard:
        heard.join()
    assert isinstance(heard.error, AudioError)
    assert (heard.error.code, heard.error.permanent) == (code, True)
    assert heard.error.advice


@pytest.mark.parametrize("when", ["before", "while_away", "connected"])
def test_closing_ends_the_frames_at_once(air: Air, when: str) -> None:
    """Whatever it is doing, and the device is let go."""
    omi = VirtualOmi(air, codec=0)
    if when == "while_away":
        omi.out_of_reach()
    heard = listening(air, omi)
    if when == "before":
        heard.source.close()
    with heard:
        if when == "while_away":
            heard.wait(lambda: bool(heard.gaps))
        if when == "connected":
            omi.wait_subscribed(omi.audio)
            omi.speak(pcm_frames(20), frame_ms=10)
    assert heard.error is None
    omi.wait(lambda: not omi.connected)
