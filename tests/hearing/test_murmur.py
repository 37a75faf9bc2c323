"""A voice that is near is told from many voices at once, and what is a murmur is lost time."""

import numpy as np
import pytest

from benchmarks.crowds import Crowd, at_level, sound_of
from edge_agent.evaluation import read_recorded_set
from edge_agent.heard import HeardSpan
from edge_agent.listening import Listened, Listening
from edge_agent.murmur import MURMUR, is_murmur, near_log_odds, nobody_near
from edge_agent.segmentation import Segmentation
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, Samples
from models.labels import CoverageState
from support.programs import DEMO_AUDIO
from support.shared_data import shared

MINUTE = 60 * SAMPLE_RATE_HZ


def clips(sound: np.ndarray, *, settings: Segmentation | None = None) -> list[Samples]:
    """Cut a sound as the agent does."""
    whole = sound[: len(sound) // 16 * 16].astype(np.float32)
    blocks = Listening(settings=settings or Segmentation()).blocks([AudioFrame(start_ms=0, samples=whole)])
    found = [block.clip for block in blocks if isinstance(block, Listened) and block.plan.speech]
    assert found
    return found


@pytest.fixture(scope="module")
def talk() -> Samples:
    """A minute of a counter conversation."""
    return sound_of(DEMO_AUDIO / "02-third-trip.opus")[:MINUTE]


@pytest.fixture(scope="module")
def hall() -> np.ndarray:
    """A minute of eight voices with pauses."""
    other = sound_of(DEMO_AUDIO / "01-wealth-advice.opus")
    piece = 4 * SAMPLE_RATE_HZ
    speakers = {"other": [other[at : at + piece] for at in range(0, len(other) - piece, piece)]}
    dice = np.random.default_rng(8)
    return Crowd(voices=8, pauses=True).murmur(speakers, dice, samples=MINUTE)


@pytest.mark.parametrize("dbfs", [-15, -35, -55])
def test_at_any_level_a_conversation_is_near_and_a_hall_is_a_murmur(talk: Samples, hall: np.ndarray, dbfs: int) -> None:
    """How loud it is says nothing: the microphone may be turned up or down."""
    assert not any(map(is_murmur, clips(at_level(talk, dbfs=dbfs))))
    assert all(map(is_murmur, clips(at_level(hall, dbfs=dbfs))))


def test_a_voice_above_the_murmur_is_near(talk: Samples, hall: np.ndarray) -> None:
    """Ten decibels above it, no clip is lost."""
    assert not any(map(is_murmur, clips(at_level(talk, dbfs=-25) + at_level(hall, dbfs=-35))))


def test_a_few_words_are_enough_to_be_near(talk: Samples) -> None:
    """Each stretch of speech by itself, as if the others had not been said: at most one of a minute is missed."""
    alone = clips(talk, settings=Segmentation(enough_clip_ms=0))
    assert len(alone) >= 10
    assert sum(map(is_murmur, alone)) <= 1


def test_what_is_too_short_to_say_is_no_murmur() -> None:
    """A click has no syllables; what it is the recogniser tells."""
    click = np.ones(500, dtype=np.float32)
    assert len(near_log_odds(click)) == 0
    assert not is_murmur(click)


def test_the_time_of_a_murmur_is_lost_and_stays_where_it_was() -> None:
    """What was heard becomes lost with its reason; silence, and what the device lost, is as it was."""
    silent = HeardSpan(CoverageState.SILENT, "", 0, 500)
    gone = HeardSpan(CoverageState.LOST, "device_lost", 500, 900)
    heard = HeardSpan(CoverageState.HEARD, "", 900, 2_000)
    assert nobody_near([silent, gone, heard]) == (silent, gone, HeardSpan(CoverageState.LOST, MURMUR, 900, 2_000))


def test_no_recorded_utterance_is_a_murmur() -> None:
    """Every fifth of the recorded set, each as a recording of its own; all of them: `python -m benchmarks.murmur`."""
    for row in read_recorded_set(shared("speech/utterances.tsv"))[::5]:
        assert not any(map(is_murmur, clips(sound_of(row.path)))), row.path.name


@pytest.mark.parametrize("name", ["auto-02", "bank-04", "home-02", "retail-04"])
def test_no_clip_of_a_conversation_is_a_murmur(name: str) -> None:
    """Conversations that nothing was fitted on, with babble or noise at 12 or 20 dB."""
    assert not any(map(is_murmur, clips(sound_of(shared(f"conversations/{name}.opus")))))
