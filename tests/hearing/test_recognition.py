"""The recogniser ends, whatever it is given, and gives the same text for the same sound."""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.recognition import Decoding, Recogniser
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame
from hardware.media_file import MediaFileSource, Pace
from models.errors import RecognitionError
from nlp.normalise import to_simplified
from nlp.spoken import is_chinese
from support.programs import ROOT


def test_a_folder_without_a_model_does_not_load(tmp_path: Path) -> None:
    """A broken model is an error with advice, not a traceback of the engine."""
    (tmp_path / "model.bin").write_bytes(b"no model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RecognitionError) as caught:
        Recogniser(tmp_path, model_name="none")
    assert caught.value.code == "model_unusable"
    assert caught.value.advice


@pytest.mark.speech
@pytest.mark.parametrize("length", [0, 1, 399, 400, 5000])
def test_the_shortest_clips_are_taken(recogniser: Recogniser, length: int) -> None:
    """A few samples give nothing or something, and no error."""
    assert len(recogniser.recognise(np.zeros(length, dtype=np.float32)).segments) <= 5


@pytest.mark.speech
def test_noise_is_decoded_the_same_way_each_time(recogniser: Recogniser) -> None:
    """Where the model loses itself it is asked a second time without chance: the same clip, the same text."""
    noise = (0.3 * np.random.default_rng(3).standard_normal(5 * 16_000)).astype(np.float32)
    assert recogniser.recognise(noise).segments == recogniser.recognise(noise).segments


@pytest.mark.speech
def test_a_clip_longer_than_the_models_window_is_read_to_its_end(recogniser: Recogniser) -> None:
    """A minute of speech in one clip: segments are in order, inside the clip, and reach its last seconds."""
    source = MediaFileSource(ROOT / "demo" / "conversations" / "02-third-trip.opus", pace=Pace.FAST)
    sound = np.concatenate([item.samples for item in source.frames() if isinstance(item, AudioFrame)])
    segments = recogniser.recognise(sound[: 60 * SAMPLE_RATE_HZ]).segments
    starts_ms = [segment.start_ms for segment in segments]
    assert starts_ms == sorted(starts_ms)
    assert segments[-1].end_ms > 55_000
    assert starts_ms[-1] < 60_000


@pytest.mark.speech
def test_correction_replaces_characters_and_nothing_else(recogniser: Recogniser, weights_cache: Path) -> None:
    """Half a minute of a conversation reads otherwise in a few places; times, length, marks and numbers stay."""
    plain = Recogniser(
        weights_cache / "whisper-base", model_name="whisper-base", decoding=Decoding(corrected=False), cpu_threads=2
    )
    source = MediaFileSource(ROOT / "demo" / "conversations" / "02-third-trip.opus", pace=Pace.FAST)
    sound = np.concatenate([item.samples for item in source.frames() if isinstance(item, AudioFrame)])
    clip = sound[28 * SAMPLE_RATE_HZ : 56 * SAMPLE_RATE_HZ]
    heard, corrected = (one.recognise(clip).segments for one in (plain, recogniser))
    assert [(one.start_ms, one.end_ms) for one in heard] == [(one.start_ms, one.end_ms) for one in corrected]
    before, after = ("".join(word.text for one in segments for word in one.words) for segments in (heard, corrected))
    assert len(before) == len(after)
    changed = [(one, other) for one, other in zip(to_simplified(before), after, strict=True) if one != other]
    assert 0 < len(changed) < len(before) / 4
    assert all(is_chinese(one) and is_chinese(other) for one, other in changed)
    assert "".join(one.text for one in corrected) == after
