"""A microphone of the operating system is heard to the bit, and its loss is said. Needs PulseAudio; no sound card."""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap, Samples
from hardware.signals import Link, Signal
from hardware.sound_card import SoundCardSource
from hardware.sound_card_capture import RawBlock, RawCapture
from hardware.supervised import Supervised
from models.errors import AudioError
from support.programs import wait_until
from support.virtual_microphone import Jack, VirtualMicrophone, virtual_microphone

# PulseAudio swallows the first 320–2080 samples that are played.
PADDING = SAMPLE_RATE_HZ // 2


@pytest.fixture
def microphone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VirtualMicrophone]:
    """Microphones as the test's parameter says, heard by what this process starts."""
    jacks = getattr(request, "param", ())
    with virtual_microphone(tmp_path / "pulse", *jacks) as virtual, pytest.MonkeyPatch.context() as patch:
        for name, value in virtual.environment.items():
            patch.setenv(name, value)
        yield virtual


def noise(channels: int, *, seconds: float = 2) -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    """Return noise, shape (n, channels), whose first and last samples are not zero."""
    samples = np.random.default_rng(3).integers(-20_000, 20_000, (int(seconds * SAMPLE_RATE_HZ), channels))
    samples[[0, -1]] = 1_234
    return samples.astype(np.int16)


def played(samples: "np.ndarray[tuple[int, int], np.dtype[np.int16]]", path: Path) -> Path:
    """Write samples as a player takes them, with silence before and behind."""
    silence = np.zeros((PADDING, samples.shape[1]), dtype=np.int16)
    path.write_bytes(np.concatenate([silence, samples, silence]).tobytes())
    return path


@pytest.mark.parametrize("microphone", [(Jack("vmic"),), (Jack("vmic", channels=6),)], indirect=True, ids=["1", "6"])
def test_every_channel_is_heard_to_the_bit(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """Noise played into the virtual microphone comes out of PortAudio and our pipe, equal sample by sample."""
    capture = RawCapture("vmic", channels=microphone.jacks[0].channels)
    assert_heard_to_the_bit(microphone, capture, tmp_path / "noise.raw")


def assert_heard_to_the_bit(microphone: VirtualMicrophone, capture: RawCapture, recording: Path) -> None:
    """Play noise into the first microphone and find it, equal sample by sample, in what is captured."""
    wanted = noise(capture.channels)
    played(wanted, recording)
    heard = np.zeros((0, capture.channels), dtype=np.int16)
    player = None
    try:
        for block in capture.blocks():
            assert isinstance(block, RawBlock), block
            player = player or microphone.play(recording)
            heard = np.concatenate([heard, block.samples])
            onset = int(np.argmax(heard.any(axis=1)))
            if (heard.any() and len(heard) >= onset + len(wanted)) or block.end_ms > 30_000:
                capture.close()
    finally:
        assert player is not None
        player.kill()
        player.wait()
    assert np.array_equal(heard[onset : onset + len(wanted)], wanted)


def test_a_source_of_speech_hears_the_same_samples(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """As frames of mono at 16 kHz, full scale ±1, the samples are the same, and the time has no hole."""
    wanted = noise(1)[:, 0]
    recording = played(wanted[:, None], tmp_path / "noise.raw")
    listener = Listener(SoundCardSource("vmic"))
    with listener:
        listener.wait_for_sound(1_000)
        player = microphone.play(recording)
        wait_until(lambda: np.count_nonzero(listener.samples()) >= np.count_nonzero(wanted), what="it was heard")
        player.kill()
        player.wait()
    heard = listener.samples()
    onset = int(np.argmax(heard != 0))
    assert np.array_equal(heard[onset : onset + len(wanted)] * 32_768, wanted)
    assert listener.losses() == []


@dataclass
class Listener:
    """Reads a source in a thread, as a program does, and remembers everything with the time at which it came."""

    source: SoundCardSource | Supervised
    items: list[AudioFrame | AudioGap] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    error: AudioError | None = None
    began_s: float = math.inf

    def __enter__(self) -> "Listener":
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for item in self.source.frames():
                if not self.losses():
                    # The first samples come late and those after them catch up.
                    self.began_s = min(self.began_s, time.monotonic() - item.end_ms / 1000)
                self.items.append(item)
        except AudioError as error:
            self.error = error

    def samples(self) -> Samples:
        """Return all that was heard."""
        frames = [item.samples for item in list(self.items) if isinstance(item, AudioFrame)]
        return np.concatenate(frames) if frames else np.zeros(0, dtype=np.float32)

    def losses(self) -> list[str]:
        """Return why time was lost, neighbours of one reason as one."""
        reasons = [str(item.reason) if isinstance(item, AudioGap) else "" for item in list(self.items)]
        return [one for one, before in zip(reasons, ["", *reasons], strict=False) if one not in ("", before)]

    def wait_for_sound(self, more_ms: int) -> None:
        """Wait until so much more was heard."""
        so_far = len(self.samples())
        wait_until(lambda: len(self.samples()) >= so_far + more_ms * 16, what="sound came")

    def wait_for_loss(self) -> None:
        """Wait until it was said that nothing is heard, and for a piece of the time that is lost."""
        wait_until(lambda: Link in map(type, self.signals) and not self.hears(), what="the loss was said")
        wait_until(lambda: isinstance(self.items[-1], AudioGap), what="the loss lasts")

    def behind_s(self) -> float:
        """Return how far what is accounted for lies behind the clock."""
        return time.monotonic() - self.began_s - self.items[-1].end_ms / 1000

    def hears(self) -> bool:
        """Say whether it hears, by its signals."""
        links = [one.connected for one in self.signals if isinstance(one, Link)]
        return not links or links[-1]


Fault = Callable[[VirtualMicrophone], None]

ONE = (Jack("vmic"),)
TWO = (Jack("vmic"), Jack("other"))


def capturing_processes(program: psutil.Process | None = None) -> list[psutil.Process]:
    """Return a program's process that captures, and what that has started."""
    children = (program or psutil.Process()).children()
    (capturing,) = [child for child in children if "hardware.sound_card_process" in child.cmdline()]
    return [capturing, *capturing.children(recursive=True)]


def kill_the_capturing_process(_: VirtualMicrophone) -> None:
    capturing_processes()[0].send_signal(signal.SIGKILL)


FAULTS: dict[str, tuple[tuple[Jack, ...], Fault, Fault, str]] = {
    "unplugged and plugged in again": (ONE, VirtualMicrophone.unplug, VirtualMicrophone.plug, "device_lost"),
    "sound server killed and started": (ONE, VirtualMicrophone.kill, VirtualMicrophone.start, "device_lost"),
    "sound server frozen and thawed": (ONE, VirtualMicrophone.freeze, VirtualMicrophone.thaw, "device_lost"),
    "its process killed": (ONE, kill_the_capturing_process, lambda _: None, "device_lost"),
    "unplugged, moved to another": (TWO, VirtualMicrophone.unplug, VirtualMicrophone.plug, "rerouted"),
    "moved by somebody": (TWO, lambda m: m.move_streams("other"), lambda m: m.move_streams("vmic"), "rerouted"),
}


@pytest.mark.faults
@pytest.mark.parametrize(
    ("microphone", "fault", "repair", "reason"), FAULTS.values(), indirect=["microphone"], ids=list(FAULTS)
)
def test_a_lost_microphone_is_waited_for_and_every_second_is_accounted_for(
    microphone: VirtualMicrophone, fault: Fault, repair: Fault, reason: str
) -> None:
    """Whatever happens to it, the loss is said while it lasts, hearing goes on after it, and the time has no hole."""
    signals: list[Signal] = []
    listener = Listener(Supervised(lambda: SoundCardSource("vmic"), on_signal=signals.append), signals=signals)
    with listener:
        listener.wait_for_sound(1_000)
        fault(microphone)
        listener.wait_for_loss()
        repair(microphone)
        wait_until(listener.hears, what="it hears again")
        listener.wait_for_sound(1_000)
        # A busy machine is late with what it has heard and then catches up; time that is not accounted for stays away.
        wait_until(lambda: abs(listener.behind_s()) <= 0.5, what=lambda: f"{listener.behind_s()} s behind the clock")
    assert listener.error is None
    ends = [0, *(item.end_ms for item in listener.items)]
    assert [item.start_ms for item in listener.items] == ends[:-1]
    assert reason in listener.losses()
    assert [one.connected for one in signals if isinstance(one, Link)] == [False, True]


@pytest.mark.faults
@pytest.mark.parametrize("microphone", [TWO], indirect=True)
def test_nothing_of_another_microphone_is_heard(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """The sound server moves the stream to a microphone that hears noise: none of it comes through."""
    recording = played(noise(1, seconds=30), tmp_path / "noise.raw")
    player = microphone.play(recording, name="other")
    listener = Listener(Supervised(lambda: SoundCardSource("vmic")))
    with listener:
        listener.wait_for_sound(1_000)
        microphone.unplug()
        wait_until(lambda: "rerouted" in listener.losses(), what="it was noticed")
        microphone.plug()
        listener.wait_for_sound(1_000)
    player.kill()
    player.wait()
    assert not listener.samples().any()


@pytest.mark.faults
@pytest.mark.parametrize("microphone", [TWO], indirect=True)
def test_the_default_follows_the_system_and_says_so(microphone: VirtualMicrophone) -> None:
    """Asked for the default, hearing goes on with what the system takes for it now, after a gap."""
    listener = Listener(Supervised(SoundCardSource))
    with listener:
        listener.wait_for_sound(1_000)
        (heard,) = microphone.heard_by_programs()
        microphone.unplug(heard.removesuffix(".monitor"))
        wait_until(lambda: "rerouted" in listener.losses(), what="it was noticed")
        listener.wait_for_sound(1_000)
    assert listener.error is None


def test_a_source_of_the_sound_server_is_heard_by_its_own_name(microphone: VirtualMicrophone) -> None:
    """PortAudio does not list it, as it does not list a Bluetooth headset; the stream hangs on it all the same."""
    microphone.publish("headset")
    with Listener(SoundCardSource("headset")) as listener:
        listener.wait_for_sound(500)
        assert microphone.heard_by_programs() == ["headset"]


@pytest.mark.parametrize("microphone", [(Jack("vmic", channels=4),)], indirect=True)
def test_channels_that_the_sound_server_would_mix_are_refused(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """An array with channels aux0, aux1, … would be heard remixed; with ALSA's own names it comes to the bit."""
    microphone.publish("mixed", channel_map="aux0,aux1,aux2,aux3")
    with pytest.raises(AudioError) as caught:
        next(RawCapture("mixed", channels=4).blocks())
    assert caught.value.code == "microphone_format"
    microphone.publish("apart")
    assert_heard_to_the_bit(microphone, RawCapture("apart", channels=4), tmp_path / "noise.raw")


@pytest.mark.faults
def test_closing_is_quick_and_leaves_nothing_also_when_the_sound_server_hangs(microphone: VirtualMicrophone) -> None:
    """PortAudio would wait for a frozen PulseAudio for ever; its process ends without it, and all that it started."""
    with Listener(SoundCardSource("vmic")) as listener:
        listener.wait_for_sound(500)
        capturing = capturing_processes()
        microphone.freeze()
        began_s = time.monotonic()
        listener.source.close()
        assert time.monotonic() - began_s < 30
    wait_until(lambda: not any(map(running, capturing)), what="no process is left")
    microphone.thaw()


ENDLESS = """
from hardware.sound_card import SoundCardSource
for item in SoundCardSource("vmic").frames():
    print(item.end_ms, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("frozen", [False, True], ids=["", "sound server frozen"])
def test_nothing_goes_on_listening_when_the_program_is_killed(microphone: VirtualMicrophone, frozen: bool) -> None:
    """After kill -9 of the program its capturing process ends by itself."""
    program = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline()
    capturing = capturing_processes(psutil.Process(program.pid))
    if frozen:
        microphone.freeze()
    program.kill()
    program.communicate()
    wait_until(lambda: not any(map(running, capturing)), what="it has ended")
    microphone.thaw()


def running(process: psutil.Process) -> bool:
    """Say whether a process runs; one that nobody reaps does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_more_channels_than_there_are_is_said(microphone: VirtualMicrophone) -> None:
    """A format that the device does not have is an error of its own, so that another can be asked for."""
    with pytest.raises(AudioError) as caught:
        next(RawCapture("vmic", channels=64).blocks())
    assert caught.value.code == "microphone_format"


@pytest.mark.parametrize("microphone", [(Jack("vmic", channels=6),)], indirect=True)
def test_what_a_late_consumer_leaves_is_a_gap(microphone: VirtualMicrophone) -> None:
    """The device is not stalled, memory is bounded, and the time that did not fit is said and has no hole."""
    capture = RawCapture("vmic", channels=6, held_s=0.5)
    items: list[RawBlock | AudioGap] = []
    for item in capture.blocks():
        items.append(item)
        if len(items) == 1:
            time.sleep(3)
        if isinstance(item, AudioGap):
            capture.close()
    # A busy machine may leave more of it while it is being closed.
    gap, *others = [item for item in items if isinstance(item, AudioGap)]
    assert {one.reason for one in (gap, *others)} == {"overload"}
    # Half a second is held by us, a third of one by the pipe, and 0.4 s by the sound system.
    assert gap.end_ms - gap.start_ms > 1_000
    ends = [0, *(item.end_ms for item in items)]
    assert [item.start_ms for item in items] == ends[:-1]


def test_a_device_at_a_wrong_rate_is_named(microphone: VirtualMicrophone) -> None:
    """ALSA's null device gives millions of samples a second: the error says how many, and time does not run away."""
    (microphone.folder / "asound.conf").open("a").write('pcm.fast { type null; hint { show on; description "fast" } }')
    end_ms, began_s = 0, time.monotonic()
    with pytest.raises(AudioError, match="samples a second instead of 16000") as caught:
        for block in RawCapture("fast").blocks():
            end_ms = block.end_ms
    assert caught.value.code == "microphone_wrong_rate"
    assert end_ms / 1000 < time.monotonic() - began_s + 2


def test_a_device_that_is_not_there_is_an_error() -> None:
    """An unknown name, or a machine without PortAudio, is said with advice."""
    with pytest.raises(AudioError) as caught:
        next(SoundCardSource("no such microphone").frames())
    assert caught.value.code in {"microphone_not_opened", "portaudio_missing"}
    assert caught.value.advice


def test_a_source_that_was_closed_first_gives_nothing() -> None:
    """Closed before it is opened, it is not opened any more."""
    source = SoundCardSource("no such microphone")
    source.close()
    assert list(source.frames()) == []
