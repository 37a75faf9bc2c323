"""An array is an audio source like any other: time is tiled, gaps stay gaps, a wrong device is refused."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from hardware.array_profile import find_profile
from hardware.array_source import ArraySource
from hardware.audio import AudioFrame, AudioGap, GapReason
from hardware.signals import Signal, Trouble
from hardware.sound_card_capture import RawBlock
from models.errors import AudioError
from support.plane_waves import as_device, plane_wave, speech_like

RESPEAKER = find_profile("respeaker-v2")


class Recorded:
    """What a device gave, as its capture would hand it on."""

    def __init__(self, items: Sequence[RawBlock | AudioGap]) -> None:
        self._items = items

    def blocks(self) -> Iterator[RawBlock | AudioGap]:
        """Give it."""
        yield from self._items

    def close(self) -> None:
        """Nothing is open."""


def frames_of(items: Sequence[RawBlock | AudioGap], profile_name: str = "respeaker-v2") -> list[AudioFrame | AudioGap]:
    return list(ArraySource(Recorded(items), find_profile(profile_name)).frames())


def test_frames_and_gaps_tile_the_time() -> None:
    """What was heard before and after a loss keeps its time, to the last started millisecond."""
    sound = np.zeros((5_003, 6), dtype=np.int16)
    gap = AudioGap(start_ms=312, end_ms=1_312, reason=GapReason.DEVICE_LOST)
    items = frames_of([RawBlock(0, 312, sound), gap, RawBlock(1_312, 1_625, sound)])
    now_ms = 0
    for item in items:
        assert item.start_ms == now_ms
        now_ms = item.end_ms
    assert now_ms == 1_624
    assert [item for item in items if isinstance(item, AudioGap)] == [gap]


def test_integers_and_floats_of_a_device_are_the_same_sound() -> None:
    """16-bit samples of full scale 32,768 and floats of full scale 1 give the same frames, with directions."""
    spoken = as_device(plane_wave(0.05 * speech_like(0.5, seed=1), RESPEAKER, from_deg=90), RESPEAKER)
    whole = np.round(spoken * 32_768).astype(np.int16)
    as_integers = frames_of([RawBlock(0, 500, whole)])
    as_floats = frames_of([RawBlock(0, 500, whole.astype(np.float32) / 32_768)])
    for one, other in zip(as_integers, as_floats, strict=True):
        assert isinstance(one, AudioFrame)
        assert isinstance(other, AudioFrame)
        assert np.array_equal(one.samples, other.samples)
        assert one.directions is not None
        assert one.directions.shape == (72,)
        assert np.all(one.directions >= 0)


def test_what_48_khz_gives_is_as_long_as_what_it_heard() -> None:
    """A second at 48 kHz is a second at 16 kHz."""
    items = frames_of([RawBlock(0, 1_000, np.zeros((48_000, 8), dtype=np.int16))], "uma-8")
    assert items[-1].end_ms == 1_000


def test_a_device_that_gives_no_single_microphones_says_so() -> None:
    """A device whose microphone channels are silent is heard by its processed channel, and says so."""
    said: list[Signal] = []
    sound = np.zeros((16_000, 6), dtype=np.int16)
    sound[:, 0] = np.random.default_rng(2).integers(-3_000, 3_000, 16_000)
    blocks = [RawBlock(at, at + 20, sound[16 * at : 16 * at + 320]) for at in range(0, 1_000, 20)]
    source = ArraySource(Recorded(blocks), RESPEAKER, on_signal=said.append)
    source.look_toward(90)
    heard = np.concatenate([frame.samples for frame in source.frames() if isinstance(frame, AudioFrame)])
    assert heard * 32_768 == pytest.approx(sound[:, 0], abs=0.1)
    trouble, over = said
    assert isinstance(trouble, Trouble)
    assert over == Trouble("", "")
    assert trouble.code == "array_microphone_deaf"
    assert "1, 2, 3, 4" in trouble.advice


def test_a_device_with_other_channels_is_refused() -> None:
    """A ReSpeaker whose firmware gives one channel is refused, with what to do about it."""
    with pytest.raises(AudioError) as caught:
        frames_of([RawBlock(0, 100, np.zeros((1_600, 1), dtype=np.int16))])
    assert caught.value.code == "array_wrong_channels"
    assert "firmware" in caught.value.advice
