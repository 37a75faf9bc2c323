"""Opus packets become samples of their time; garbage is said and never crashes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.ble_decoding import UndecodableError
from hardware.ble_omi_codec import decoder_for
from hardware.ble_opus import OpusDecoder
from hardware.ble_rate import RateConverter
from models.errors import AudioError
from support.opus_packets import encode_opus


def tone(*, seconds: float) -> np.ndarray:
    return (9000 * np.sin(2 * np.pi * 440 * np.arange(round(16_000 * seconds)) / 16_000)).astype(np.int16)


@pytest.mark.parametrize("frame_ms", [10, 20])
def test_a_tone_comes_back(frame_ms: int) -> None:
    """Every packet gives its 10 or 20 ms; after conversion the spectrum peaks at the tone."""
    decoder, converter = OpusDecoder(frame_ms=frame_ms), RateConverter(48_000)
    packets = encode_opus(tone(seconds=1), frame_ms=frame_ms)
    samples = np.concatenate([*(converter.push(decoder.decode(packet)) for packet in packets), converter.flush()])
    assert len(samples) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 440


@settings(deadline=None)
@given(garbage=st.binary(max_size=300))
def test_garbage_is_refused_or_has_the_length_of_a_packet(garbage: bytes) -> None:
    """Whatever comes: a frame of exactly the agreed length, or UndecodableError."""
    decoder = OpusDecoder(frame_ms=20)
    try:
        assert len(decoder.decode(garbage)) == decoder.frame_samples
    except UndecodableError as error:
        assert error.code == "frame_undecodable"


def test_a_good_packet_after_garbage_decodes() -> None:
    """Garbage costs its own time only."""
    decoder = OpusDecoder(frame_ms=20)
    packets = encode_opus(tone(seconds=0.2), frame_ms=20)
    decoder.decode(packets[0])
    with pytest.raises(UndecodableError):
        decoder.decode(b"\xff" * 40)
    assert len(decoder.decode(packets[1])) == 960


def test_an_unknown_codec_is_named() -> None:
    """The person learns the number and what to do."""
    with pytest.raises(AudioError) as caught:
        decoder_for(99)
    assert caught.value.code == "codec_unsupported"
    assert "99" in caught.value.message


@pytest.mark.parametrize(("codec", "rate_hz"), [(0, 16_000), (1, 8_000)])
@settings(deadline=None)
@given(samples=st.lists(st.integers(-32_768, 32_767), min_size=1))
def test_pcm_is_exact(codec: int, rate_hz: int, samples: list[int]) -> None:
    """Sixteen-bit samples come through as they are, at the rate that their codec names."""
    decoder = decoder_for(codec)
    sent = np.array(samples, dtype="<i2")
    assert np.array_equal(decoder.decode(sent.tobytes()) * 32_768, sent)
    assert decoder.rate_hz == rate_hz


def test_half_a_sample_is_refused() -> None:
    """An odd number of bytes has lost its alignment."""
    with pytest.raises(UndecodableError):
        decoder_for(0).decode(b"\x00" * 3)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 900), min_size=1, max_size=20), rate_hz=st.sampled_from([8_000, 16_000, 48_000]))
def test_conversion_keeps_count(lengths: list[int], rate_hz: int) -> None:
    """In any pieces: what came out at the end is the exact length of what went in, rounded down."""
    converter = RateConverter(rate_hz)
    given_samples = sum(len(converter.push(np.ones(length, dtype=np.float32))) for length in lengths)
    assert given_samples + len(converter.flush()) == sum(lengths) * 16_000 // rate_hz
