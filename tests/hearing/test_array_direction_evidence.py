"""Where an utterance came from speaks for staff or for the customer, as strongly as it may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.direction_evidence import direction_log_odds
from hardware.array_profile import find_profile
from hardware.array_stream import ArrayStream
from hardware.audio import Directions
from support.plane_waves import as_device, diffuse_noise, plane_wave, speech_like

RESPEAKER = find_profile("respeaker-v2")
DEGREES = st.floats(0, 360)


def heard_from(from_deg: float, *, noise_db: float = -10.0) -> Directions:
    """Return the directions of a second of speech in noise."""
    spoken = plane_wave(speech_like(1, seed=1), RESPEAKER, from_deg=from_deg)
    noise = diffuse_noise(1, RESPEAKER, seed=2) * 10 ** (noise_db / 20)
    beams = ArrayStream(RESPEAKER).push(as_device(spoken + noise, RESPEAKER))
    return np.sum([beam.directions for beam in beams], axis=0)


def test_a_voice_from_a_side_is_that_side() -> None:
    """A second of speech from a side is that role at 10 dB above noise, also where people stand 15° beside it."""
    for beside in (-15, 0, 15):
        assert direction_log_odds(heard_from(100 + beside), staff_deg=100, customer_deg=250) > 3
        assert direction_log_odds(heard_from(250 + beside), staff_deg=100, customer_deg=250) < -3


def test_a_voice_from_neither_side_says_little() -> None:
    """Somebody at the end of the counter is neither, even where one side is a little nearer."""
    assert abs(direction_log_odds(heard_from(185), staff_deg=100, customer_deg=250)) < 1.5
    assert abs(direction_log_odds(heard_from(350), staff_deg=100, customer_deg=250)) < 0.5


def test_noise_from_all_sides_says_little() -> None:
    """Noise alone is nobody."""
    noise = as_device(diffuse_noise(1, RESPEAKER, seed=3), RESPEAKER)
    directions = np.sum([beam.directions for beam in ArrayStream(RESPEAKER).push(noise)], axis=0)
    assert abs(direction_log_odds(directions, staff_deg=100, customer_deg=250)) < 1.5


def test_silence_says_nothing() -> None:
    """Digital silence has no direction."""
    assert direction_log_odds(np.zeros(72, dtype=np.float32), staff_deg=0, customer_deg=180) == 0


@given(seed=st.integers(0, 1000), staff_deg=DEGREES, customer_deg=DEGREES, louder=st.floats(1e-6, 1e6))
def test_it_is_symmetric_bounded_and_of_no_scale(
    seed: int, staff_deg: float, customer_deg: float, louder: float
) -> None:
    """Exchanging the sides changes the sign alone, loudness nothing, and no direction makes anybody certain."""
    directions = np.random.default_rng(seed).uniform(0.1, 1, 72).astype(np.float32)
    said = direction_log_odds(directions, staff_deg=staff_deg, customer_deg=customer_deg)
    assert direction_log_odds(directions, staff_deg=customer_deg, customer_deg=staff_deg) == pytest.approx(
        -said, abs=1e-6
    )
    scaled = (directions * louder).astype(np.float32)
    assert direction_log_odds(scaled, staff_deg=staff_deg, customer_deg=customer_deg) == pytest.approx(said, abs=1e-2)
    assert abs(said) <= 4.3
    assert direction_log_odds(directions, staff_deg=staff_deg, customer_deg=staff_deg) == pytest.approx(0, abs=1e-9)
