"""IMA ADPCM as the remotes send it: exact against another implementation, bounded against the original."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import ble_adpcm
from hardware.ble_adpcm import AdpcmState

states = st.builds(AdpcmState, predictor=st.integers(-32_768, 32_767), index=st.integers(0, 88))


@settings(deadline=None)
@given(data=st.binary(max_size=200), state=states)
def test_decoding_equals_the_standard_library_of_python_3_11(data: bytes, state: AdpcmState) -> None:
    """Every byte string from every state: samples and final state are audioop's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        audioop = pytest.importorskip("audioop", reason="audioop left Python with 3.13")
    expected, (predictor, index) = audioop.adpcm2lin(data, 2, (state.predictor, state.index))
    samples, after = ble_adpcm.decode(data, state)
    assert samples.tobytes() == np.frombuffer(expected, dtype=np.int16).tobytes()
    assert after == AdpcmState(predictor, index)


@settings(deadline=None)
@given(samples=st.lists(st.integers(-32_768, 32_767), max_size=200).filter(lambda s: len(s) % 2 == 0), state=states)
def test_encoder_and_decoder_stay_together(samples: list[int], state: AdpcmState) -> None:
    """The decoder ends in the encoder's state, so that frames can follow each other without headers."""
    data, encoder = ble_adpcm.encode(np.array(samples, dtype=np.int16), state)
    decoded, decoder = ble_adpcm.decode(data, state)
    assert decoder == encoder
    assert len(decoded) == len(samples)


@settings(deadline=None)
@given(data=st.binary(min_size=2, max_size=100), split=st.integers(0, 100))
def test_any_split_decodes_alike(data: bytes, split: int) -> None:
    """The state carries everything from one piece to the next."""
    whole, _ = ble_adpcm.decode(data, AdpcmState())
    first, state = ble_adpcm.decode(data[:split], AdpcmState())
    second, _ = ble_adpcm.decode(data[split:], state)
    assert np.array_equal(np.concatenate([first, second]), whole)


def test_a_voice_like_tone_comes_back_within_five_percent() -> None:
    """300 Hz at a third of full scale: the error's power is under 1/400 of the tone's."""
    tone = (10_000 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)).astype(np.int16)
    data, _ = ble_adpcm.encode(tone, AdpcmState())
    decoded, _ = ble_adpcm.decode(data, AdpcmState())
    error = decoded[200:].astype(float) - tone[200:]
    assert np.mean(error**2) < np.mean(tone.astype(float) ** 2) / 400


@pytest.mark.parametrize("state", [AdpcmState(index=89), AdpcmState(index=-1), AdpcmState(predictor=40_000)])
def test_a_state_that_no_coder_has_is_refused(state: AdpcmState) -> None:
    """A damaged header must not index beside the table."""
    with pytest.raises(ValueError, match="no coder stands"):
        ble_adpcm.decode(b"\x00", state)
