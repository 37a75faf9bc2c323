"""Claims about the network microphone as a source of audio: by a clock of the test, without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from hardware.audio import GapReason
from hardware.ble_opus import OpusDecoder
from hardware.network_door import Door
from hardware.network_frames import Hello, SpeakerError, WireFrame, frame_bytes
from hardware.network_microphone import NetworkMicrophone, Speaker
from hardware.signals import Link, Signal
from models.errors import AudioError
from support.network_speaker import Heard, listening, opus_packets, pcm_messages, tone
from support.programs import wait_until

PCM = Hello(type="hello", version=1, token="t", encoding="pcm_s16le")
OPUS = Hello(type="hello", version=1, token="t", encoding="opus")
SECOND_NS = 1_000_000_000


@dataclass
class Counter:
    """A network microphone, the clock that it lives by, and what it gave."""

    now_ns: int = SECOND_NS
    door: Door = field(default_factory=Door)
    signals: list[Signal] = field(default_factory=list)
    source: NetworkMicrophone = field(init=False)
    heard: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.source = NetworkMicrophone(door=self.door, on_signal=self.signals.append, now_ns=lambda: self.now_ns)

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * SECOND_NS)

    def enter(self, hello: Hello = PCM, *, who: str = "lobby") -> Speaker:
        """Let a speaker in."""
        return self.door.enter(hello, who=who, encrypted=True)

    def send(self, speaker: Speaker, messages: list[bytes], *, frame_s: float = 0.02) -> None:
        """Send frames, each when its last sample would have been spoken."""
        for message in messages:
            self.pass_s(frame_s)
            speaker.take(message)


@contextmanager
def opened() -> Iterator[Counter]:
    """Open a network microphone, listen to it, and close it at the end."""
    counter = Counter()
    with listening(counter.source) as heard:
        counter.heard = heard
        wait_until(lambda: is_open(counter), what="door open")
        yield counter


def is_open(counter: Counter) -> bool:
    """Say whether speakers find the source."""
    try:
        counter.enter(who="probe").leave(reason="probe")
    except SpeakerError:
        return False
    counter.signals.clear()
    return True


def test_pcm_comes_through_bit_by_bit() -> None:
    """16-bit samples at 16 kHz are given exactly as they were sent, without a gap."""
    sent = tone(2.0)
    with opened() as counter:
        counter.send(counter.enter(), pcm_messages(sent))
    assert counter.heard.gaps == []
    assert np.array_equal(counter.heard.samples(), sent)


def test_opus_is_what_its_packets_decode_to() -> None:
    """Raw packets come out as the same packets decoded, at 16 kHz."""
    packets = opus_packets(tone(1.0))
    messages = [frame_bytes(WireFrame(n, n * 20_000, packet)) for n, packet in enumerate(packets)]
    with opened() as counter:
        counter.send(counter.enter(OPUS), messages)
    decoder = OpusDecoder(frame_ms=20)
    expected = np.concatenate([decoder.decode(packet) for packet in packets])[::3]
    given = counter.heard.samples() / 32768
    length = min(len(given), len(expected))
    assert length > 15_000
    # The resampler's low pass shifts by a few samples; the two agree in what is heard.
    shift = max(range(-40, 41), key=lambda n: float(np.dot(np.roll(given[:length], n), expected[:length])))
    error = np.roll(given[:length], shift)[100:-100] - expected[:length][100:-100]
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (44_100, 2), (16_000, 6), (8_000, 1)])
def test_any_rate_and_width_becomes_mono_at_16_khz(rate_hz: int, channels: int) -> None:
    """A tone keeps its length, its level and its pitch."""
    hello = PCM.model_copy(update={"rate_hz": rate_hz, "channels": channels})
    sent = np.repeat(tone(2.0, rate_hz=rate_hz)[:, None], channels, axis=1)
    with opened() as counter:
        counter.send(counter.enter(hello), pcm_messages(sent, rate_hz=rate_hz))
    given = counter.heard.samples()
    assert counter.heard.gaps == []
    assert abs(len(given) - 32_000) < 400
    spectrum = np.abs(np.fft.rfft(given[4000:20_000].astype(float)))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert abs(float(np.abs(given[4000:]).max()) / 8000 - 1) < 0.05


def test_a_lost_frame_is_a_gap_of_its_length() -> None:
    """What is missing in the numbers is missing in time; the audio around it stays where it was."""
    messages = pcm_messages(tone(1.0))
    with opened() as counter:
        speaker = counter.enter()
        counter.send(speaker, messages[:20])
        counter.pass_s(0.1)
        counter.send(speaker, messages[25:])
    assert [(gap.start_ms, gap.end_ms, gap.reason) for gap in counter.heard.gaps] == [(400, 500, GapReason.LINK_LOST)]
    assert counter.heard.items[-1].end_ms == 1000


def test_frames_that_come_twice_are_counted_and_not_heard() -> None:
    """Sending again what was sent changes nothing."""
    sent = tone(1.0)
    messages = pcm_messages(sent)
    with opened() as counter:
        speaker = counter.enter()
        counter.send(speaker, messages[:30])
        counter.send(speaker, messages[10:30], frame_s=0)
        counter.send(speaker, messages[30:])
    assert counter.source.counts.late == 20
    assert np.array_equal(counter.heard.samples(), sent)


def test_a_speaker_that_comes_again_goes_on_behind_a_gap() -> None:
    """The time between two connections is lost, and no more than that."""
    with opened() as counter:
        first = counter.enter()
        counter.send(first, pcm_messages(tone(1.0)))
        first.leave(reason="disconnected")
        counter.pass_s(3.0)
        counter.send(counter.enter(), pcm_messages(tone(1.0)))
    assert counter.heard.lost_ms(GapReason.LINK_LOST) == pytest.approx(3000, abs=2)
    assert counter.heard.items[-1].end_ms == pytest.approx(5000, abs=2)
    assert [signal.connected for signal in counter.signals if isinstance(signal, Link)] == [True, False, True]


def test_a_stall_is_said_while_it_lasts_and_what_comes_late_is_dropped() -> None:
    """A network that holds everything back for three seconds costs those three seconds and shifts nothing."""
    messages = pcm_messages(tone(5.0))
    with opened() as counter:
        speaker = counter.enter()
        counter.send(speaker, messages[:50])
        counter.pass_s(3.0)
        wait_until(lambda: counter.heard.lost_ms() > 0, what="the stall is a gap while it lasts")
        counter.send(speaker, messages[50:200], frame_s=0)
        counter.send(speaker, messages[200:])
    assert counter.heard.lost_ms(GapReason.LINK_LOST) == pytest.approx(3000, abs=300)
    assert counter.source.counts.late >= 135
    assert counter.heard.items[-1].end_ms == pytest.approx(5000, abs=300)


def test_a_way_that_becomes_slower_for_good_costs_the_delay_and_no_more() -> None:
    """When everything comes three seconds later from now on, hearing goes on soon after the stall."""
    messages = pcm_messages(tone(10.0))
    with opened() as counter:
        speaker = counter.enter()
        counter.send(speaker, messages[:50])
        counter.pass_s(3.0)
        wait_until(lambda: counter.heard.lost_ms() > 0, what="the stall is a gap while it lasts")
        counter.send(speaker, messages[50:])
    assert counter.heard.lost_ms() == pytest.approx(4000, abs=500)
    assert len(counter.heard.samples()) == pytest.approx(9 * 16_000, rel=0.1)


def test_a_speaker_that_hesitates_after_its_hello_is_heard_from_its_first_frame() -> None:
    """Time between the hello and the first frame is lost, and nothing of what follows."""
    sent = tone(1.0)
    with opened() as counter:
        speaker = counter.enter()
        counter.pass_s(5.0)
        wait_until(lambda: counter.heard.lost_ms() >= 5000, what="the wait is a gap")
        counter.send(speaker, pcm_messages(sent))
    assert np.array_equal(counter.heard.samples(), sent)


def test_time_without_any_speaker_is_lost_from_the_beginning() -> None:
    """Nothing is claimed to have been heard before the first speaker came."""
    with opened() as counter:
        counter.pass_s(7.0)
        wait_until(lambda: counter.heard.lost_ms() >= 7000, what="the wait is a gap")
        counter.send(counter.enter(), pcm_messages(tone(1.0)))
    assert counter.heard.lost_ms(GapReason.LINK_LOST) == pytest.approx(7000, abs=2)
    assert counter.heard.items[-1].end_ms == pytest.approx(8000, abs=2)


@pytest.mark.parametrize("parts_per_million", [-400, 400])
def test_a_clock_that_drifts_stays_beside_ours(parts_per_million: int) -> None:
    """Twenty minutes with a quartz that is far off end within half a second of our own clock."""
    minutes, silence = 20, np.zeros(16_000, dtype=np.int16)
    with opened() as counter:
        speaker = counter.enter()
        started_ns = counter.now_ns
        for n in range(minutes * 60):
            counter.pass_s(1 + parts_per_million / 1e6)
            speaker.take(frame_bytes(WireFrame(n, n * 1_000_000, silence.tobytes())))
        passed_ms = (counter.now_ns - started_ns) / 1_000_000
    assert counter.heard.items[-1].end_ms == pytest.approx(passed_ms, abs=500)


def test_only_one_speaker_is_heard_until_it_is_gone() -> None:
    """A second one is refused while the first is heard, and comes in when that one gave nothing for 5 s."""
    with opened() as counter:
        first = counter.enter(who="lobby")
        counter.send(first, pcm_messages(tone(0.2)))
        with pytest.raises(SpeakerError) as refused:
            counter.enter(who="robot")
        assert refused.value.code == "speaker_busy"
        counter.pass_s(6)
        second = counter.enter(who="robot")
        with pytest.raises(SpeakerError) as replaced:
            first.take(pcm_messages(tone(0.02))[0])
        assert replaced.value.code == "speaker_replaced"
        counter.send(second, pcm_messages(tone(0.2)))


def test_a_speaker_takes_its_own_dead_connection_over() -> None:
    """The same token may come in again at once: its former connection may not have noticed that it is dead."""
    with opened() as counter:
        first, second = counter.enter(), counter.enter()
        first.leave(reason="disconnected")
        counter.send(second, pcm_messages(tone(0.2)))
    assert counter.source.counts.taken == 10


def test_a_damaged_packet_is_a_gap_and_garbage_for_a_second_ends_the_connection() -> None:
    """One packet that does not decode is lost; fifty in a row are no speaker."""
    packets = opus_packets(tone(0.4))
    garbage = b"\xff\xff\xff"
    with opened() as counter:
        speaker = counter.enter(OPUS)
        said = [*packets[:10], garbage, *packets[11:]]
        counter.send(speaker, [frame_bytes(WireFrame(n, n * 20_000, packet)) for n, packet in enumerate(said)])
        assert counter.source.counts.damaged == 1
        with pytest.raises(SpeakerError) as refused:
            counter.send(speaker, [frame_bytes(WireFrame(100 + n, n, garbage)) for n in range(50)])
        assert refused.value.code == "bad_frame"
    assert counter.heard.lost_ms(GapReason.DECODE_ERROR) >= 20


def test_nobody_comes_in_when_no_shift_is_open() -> None:
    """Before and after a source is open, speakers are told to come again."""
    with opened() as counter:
        speaker = counter.enter()
    for attempt in (counter.enter, lambda: speaker.take(pcm_messages(tone(0.02))[0])):
        with pytest.raises(SpeakerError) as refused:
            attempt()
        assert refused.value.code == "no_shift"


def test_a_second_source_does_not_take_the_door() -> None:
    """Two shifts cannot share one network microphone."""
    with opened() as counter:
        second = NetworkMicrophone(door=counter.door, on_signal=lambda signal: None)
        with pytest.raises(AudioError) as refused:
            next(second.frames())
        assert refused.value.code == "microphone_in_use"
