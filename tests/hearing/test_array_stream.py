"""An array hears one side better than a microphone does, and says where sound comes from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.array_geometry import AZIMUTHS_DEG
from hardware.array_profile import ArrayProfile, find_profile, known_profiles
from hardware.array_stream import LATENCY_MS, ArrayStream, Beam
from hardware.audio import Samples
from support.plane_waves import Heard, as_device, diffuse_noise, plane_wave, speech_like

RESPEAKER = find_profile("respeaker-v2")
ARRAYS = [profile.model_copy(update={"rate_hz": 16_000}) for profile in known_profiles().values()]
"""As they are, at 16 kHz: what the rate does has a test of its own."""

# The window has no neighbour before the first hop and after the last.
_INSIDE = slice(512, -512)


def heard(profile: ArrayProfile, channels: Heard, *sides_deg: float) -> list[Beam]:
    stream = ArrayStream(profile)
    stream.look_toward(*sides_deg)
    return [*stream.push(channels), *stream.flush()]


def samples_of(beams: list[Beam]) -> Samples:
    return np.concatenate([beam.samples for beam in beams])


def power_db(samples: Heard | Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def loudest_deg(beams: list[Beam]) -> float:
    return float(AZIMUTHS_DEG[np.sum([beam.directions for beam in beams], axis=0).argmax()])


def apart_deg(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


@pytest.mark.parametrize("profile", ARRAYS, ids=lambda profile: profile.title)
@pytest.mark.parametrize("from_deg", [0.0, 47.0, 123.0, 211.0, 302.0])
def test_a_talker_is_found_within_ten_degrees(profile: ArrayProfile, from_deg: float) -> None:
    """A second of speech from any side in noise 5 dB below it is loudest within 10° of where it comes from."""
    spoken = plane_wave(speech_like(1, seed=1), profile, from_deg=from_deg)
    noise = diffuse_noise(1, profile, seed=2) * 10 ** (-5 / 20)
    assert apart_deg(loudest_deg(heard(profile, as_device(spoken + noise, profile))), from_deg) <= 10


@pytest.mark.parametrize("profile", ARRAYS, ids=lambda profile: profile.title)
def test_the_beam_gains_over_one_microphone_in_diffuse_noise(profile: ArrayProfile) -> None:
    """Noise from all sides falls by at least 4 dB against one microphone, and the side listened to stays as it is."""
    noise = diffuse_noise(2, profile, seed=3)
    spoken = plane_wave(speech_like(2, seed=4), profile, from_deg=60)
    left = samples_of(heard(profile, as_device(noise, profile), 60))
    passed = samples_of(heard(profile, as_device(spoken, profile), 60))
    assert power_db(left[_INSIDE]) - power_db(noise[_INSIDE, 0]) <= -4
    assert power_db(passed[_INSIDE]) - power_db(spoken[_INSIDE, 0]) == pytest.approx(0, abs=0.2)


def test_of_two_sides_the_beam_turns_to_who_speaks() -> None:
    """Staff and customer take turns: half a second into each turn it is heard as it is, and what others say is not."""
    turns = [(20.0, 11), (190.0, 12), (20.0, 13)]
    spoken = [plane_wave(speech_like(1.5, seed=seed), RESPEAKER, from_deg=side) for side, seed in turns]
    given_out = samples_of(heard(RESPEAKER, as_device(np.concatenate(spoken), RESPEAKER), 190, 20))
    for turn, alone in enumerate(spoken):
        late = slice(8_000, 23_000)
        passed = given_out[24_000 * turn :][late]
        assert power_db(passed) - power_db(alone[late, 0]) == pytest.approx(0, abs=0.5)
    elsewhere = plane_wave(speech_like(1.5, seed=14), RESPEAKER, from_deg=105)
    assert power_db(samples_of(heard(RESPEAKER, as_device(elsewhere, RESPEAKER), 190, 20))) < power_db(elsewhere) - 5


@given(data=st.data(), profile=st.sampled_from(["respeaker-v2", "uma-8"]))
def test_what_is_heard_does_not_depend_on_the_cutting(data: st.DataObject, profile: str) -> None:
    """However the samples arrive, the beam and its directions are the same to the bit, and as long as the input."""
    array = find_profile(profile)
    total = data.draw(st.integers(0, 3 * array.rate_hz // 10))
    channels = np.random.default_rng(7).standard_normal((total, array.channels)).astype(np.float32)
    cuts = sorted(data.draw(st.lists(st.integers(0, total), max_size=8)))
    stream = ArrayStream(array)
    stream.look_toward(90)
    pieces = [beam for piece in np.split(channels, cuts) for beam in stream.push(piece)] + [*stream.flush()]
    whole = heard(array, channels, 90)
    assert len(pieces) == len(whole)
    for piece, one in zip(pieces, whole, strict=True):
        assert np.array_equal(piece.samples, one.samples)
        assert np.array_equal(piece.directions, one.directions)
    assert sum(len(beam.samples) for beam in whole) == total * 16_000 // array.rate_hz


def test_latency_is_what_it_says() -> None:
    """Of any samples pushed, all but the last 80 ms have come out."""
    stream = ArrayStream(RESPEAKER)
    pushed = given_out = 0
    for size in (160, 1000, 37, 4096, 1, 511):
        pushed += size
        given_out += sum(len(beam.samples) for beam in stream.push(np.zeros((size, 6), dtype=np.float32)))
        assert pushed - given_out <= LATENCY_MS * 16


def test_without_a_side_the_processed_channel_passes_unchanged() -> None:
    """An array told no side gives the channel that the device has processed, sample for sample."""
    channels = np.random.default_rng(8).standard_normal((5000, 6)).astype(np.float32) * 0.1
    given_out = samples_of(heard(RESPEAKER, channels))
    assert given_out == pytest.approx(channels[:, 0], abs=1e-5)


def test_a_device_without_a_processed_channel_gives_its_middle_microphone() -> None:
    """An array told no side, whose device processes nothing, gives the microphone nearest to its centre."""
    profile = find_profile("uma-8").model_copy(update={"rate_hz": 16_000})
    channels = np.random.default_rng(9).standard_normal((3000, 8)).astype(np.float32) * 0.1
    assert samples_of(heard(profile, channels)) == pytest.approx(channels[:, 0], abs=1e-5)


def test_the_side_can_change_while_it_listens() -> None:
    """Turned toward a talker in the middle of the stream, the beam hears them louder than when it looked elsewhere."""
    spoken = plane_wave(speech_like(2, seed=10), RESPEAKER, from_deg=0)
    stream = ArrayStream(RESPEAKER)
    stream.look_toward(180)
    first = samples_of([*stream.push(as_device(spoken[:16_000], RESPEAKER))])
    stream.look_toward(None, 0)
    second = samples_of([*stream.push(as_device(spoken[16_000:], RESPEAKER)), *stream.flush()])
    away_db = power_db(first) - power_db(spoken[: len(first), 0])
    toward_db = power_db(second[1024:]) - power_db(spoken[len(first) + 1024 :, 0])
    assert toward_db == pytest.approx(0, abs=0.5)
    assert away_db < toward_db - 5


def test_a_higher_rate_hears_the_same() -> None:
    """A tone at 1 kHz recorded at 48 kHz comes out as the tone at 16 kHz; one at 12 kHz does not fold back."""
    profile = find_profile("uma-8")
    time_s = np.arange(48_000) / 48_000
    for tone_hz, change_db in ((1_000, 0.0), (12_000, -60.0)):
        tone = np.sin(2 * np.pi * tone_hz * time_s).astype(np.float32)
        given_out = samples_of(heard(profile, np.repeat(tone[:, None], 8, axis=1)))
        got_db = power_db(given_out[_INSIDE]) - power_db(tone)
        assert got_db == pytest.approx(0, abs=0.05) if change_db == 0 else got_db < change_db


@pytest.mark.parametrize("name", ["respeaker-v2", "uma-8"])
def test_an_array_with_a_deaf_microphone_falls_back_to_one_channel(name: str) -> None:
    """With one microphone dead another channel passes unchanged, and nothing has a direction."""
    profile = find_profile(name).model_copy(update={"rate_hz": 16_000})
    spoken = plane_wave(0.1 * speech_like(1, seed=15), profile, from_deg=40)
    channels = as_device(spoken, profile)
    if profile.processed_channel is not None:
        channels[:, profile.processed_channel] = 0.5 * spoken[:, 0]
    dead = profile.microphone_channels[0]
    channels[:, dead] = 1e-4 * channels[:, dead] + 0.2
    stream = ArrayStream(profile)
    stream.look_toward(40)
    beams = [*stream.push(channels)]
    assert stream.deaf_channels == (dead,)
    given_out = samples_of(beams)
    wanted = spoken[:, 1:] if profile.processed_channel is None else 0.5 * spoken[:, :1]
    assert np.abs(wanted[: len(given_out)] - given_out[:, None]).max(axis=0).min() < 1e-5
    assert not np.any([beam.directions for beam in beams])
