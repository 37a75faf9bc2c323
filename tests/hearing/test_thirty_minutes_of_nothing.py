"""Half an hour and more in which nobody near says a word: nothing of it becomes text, not even suspect text."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.crowds import Crowd, at_level, recorded_speakers, sound_of
from edge_agent.hearing import HeardBlock, Hearing
from edge_agent.murmur import MURMUR
from edge_agent.recognition import Recogniser
from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, Samples
from models.labels import CoverageState
from support.programs import DEMO_AUDIO
from support.shared_data import shared

pytestmark = pytest.mark.speech

MINUTE = 60 * SAMPLE_RATE_HZ
Sound = Callable[[np.random.Generator], np.ndarray]


class Minutes:
    """A source that makes its sound minute by minute, as fast as it is taken."""

    name = "nobody"

    def __init__(self, *minutes: Sound) -> None:
        self._minutes = minutes

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give them in frames of 256 ms."""
        dice, now_ms = np.random.default_rng(30), 0
        for minute in self._minutes:
            sound = minute(dice).astype(np.float32)
            for at in range(0, len(sound), 4096):
                yield AudioFrame(start_ms=now_ms + at // SAMPLES_PER_MS, samples=sound[at : at + 4096])
            now_ms += len(sound) // SAMPLES_PER_MS

    def close(self) -> None:
        """Nothing is open."""


def silence(dice: np.random.Generator) -> np.ndarray:
    return np.zeros(MINUTE)


def room(dice: np.random.Generator) -> np.ndarray:
    return at_level(dice.standard_normal(MINUTE), dbfs=-70)


def white_noise(dice: np.random.Generator) -> np.ndarray:
    return at_level(dice.standard_normal(MINUTE), dbfs=-25)


def pink_noise(dice: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(dice.standard_normal(MINUTE))
    return at_level(np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), MINUTE), dbfs=-25)


def hum(dice: np.random.Generator) -> np.ndarray:
    time_s = np.arange(MINUTE) / SAMPLE_RATE_HZ
    harmonics = sum(np.sin(2 * np.pi * 50 * order * time_s + order) / order for order in (1, 2, 3, 5))
    return at_level(harmonics + 0.05 * dice.standard_normal(MINUTE), dbfs=-30)


def clicks(dice: np.random.Generator) -> np.ndarray:
    return at_level(dice.standard_normal(MINUTE) * (dice.random(MINUTE) < 0.0003), dbfs=-35)


def music(dice: np.random.Generator) -> np.ndarray:
    """Chords of plucked strings with overtones, two a second."""
    note = SAMPLE_RATE_HZ // 2
    time_s = np.arange(note) / SAMPLE_RATE_HZ
    scale_hz = 220 * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14, 16]) / 12)

    def chord() -> np.ndarray:
        tones = [
            np.sin(2 * np.pi * overtone * tone_hz * time_s) * np.exp(-5 * overtone * time_s) / overtone
            for tone_hz in dice.choice(scale_hz, 3, replace=False)
            for overtone in (1, 2, 3, 4)
        ]
        return np.sum(tones, axis=0)

    return at_level(np.concatenate([chord() for _ in range(MINUTE // note)]), dbfs=-25)


def nobody(sound: Sound, *, minutes: int, recogniser: Recogniser) -> list[HeardBlock]:
    return list(Hearing(recogniser).hear(Minutes(*[sound] * minutes)))


@pytest.mark.parametrize(
    ("sound", "minutes"),
    [(white_noise, 4), (pink_noise, 4), (hum, 3), (clicks, 3), (music, 4)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_sound_without_a_voice_gives_no_utterance(recogniser: Recogniser, sound: Sound, minutes: int) -> None:
    """Noise, hum, clicks and music leave spans of time and not one utterance, not even a quarantined one."""
    blocks = nobody(sound, minutes=minutes, recogniser=recogniser)
    assert [said.text for block in blocks for said in block.utterances] == []
    assert blocks[-1].end_ms == minutes * 60_000


def test_silence_costs_less_than_a_twentieth_of_a_core_and_says_nothing(recogniser: Recogniser) -> None:
    """CPU seconds of this process, all threads, over eight minutes of silence; 30 s at a time it is reported."""
    started_s = time.process_time()
    blocks = list(Hearing(recogniser).hear(Minutes(*[silence, room] * 4)))
    cpu_s = time.process_time() - started_s
    assert {span.state for block in blocks for span in block.spans} == {CoverageState.SILENT}
    assert not any(block.utterances for block in blocks)
    assert cpu_s < 0.05 * blocks[-1].end_ms / 1000


@pytest.fixture(scope="module", params=["recorded", "synthetic"])
def speakers(request: pytest.FixtureRequest) -> dict[str, list[Samples]]:
    """Recorded speakers that the weights were not fitted on, and the voices of the demonstration."""
    if request.param == "recorded":
        return recorded_speakers(shared("speech/utterances.tsv"), fitted=False)
    talks = {path.stem: sound_of(path) for path in sorted(DEMO_AUDIO.glob("*.opus"))}
    piece = 4 * SAMPLE_RATE_HZ
    return {name: [talk[at : at + piece] for at in range(0, len(talk) - piece, piece)] for name, talk in talks.items()}


@pytest.mark.parametrize(
    ("crowd", "dbfs"),
    [
        (Crowd(voices=4), -20),
        (Crowd(voices=4, pauses=True, echoes_s=0.5), -40),
        (Crowd(voices=8), -40),
        (Crowd(voices=8, pauses=True, echoes_s=0.9), -20),
        (Crowd(voices=16), -20),
        (Crowd(voices=16, pauses=True, echoes_s=0.5), -30),
        (Crowd(voices=24), -30),
        (Crowd(voices=24, pauses=True, echoes_s=0.9), -20),
    ],
    ids=str,
)
def test_a_murmur_of_many_voices_gives_no_utterance(
    recogniser: Recogniser, speakers: dict[str, list[Samples]], crowd: Crowd, dbfs: int
) -> None:
    """A minute of people who all talk, as in a full hall with nobody at the counter: its time is silent or lost."""
    blocks = nobody(
        lambda dice: at_level(crowd.murmur(speakers, dice, samples=MINUTE), dbfs=dbfs), minutes=1, recogniser=recogniser
    )
    assert [said.text for block in blocks for said in block.utterances] == []
    spans = [span for block in blocks for span in block.spans]
    assert [span.start_ms for span in spans] == [0, *(span.end_ms for span in spans[:-1])]
    assert spans[-1].end_ms == 60_000
    became = {(span.state, span.reason) for span in spans}
    assert became <= {(CoverageState.SILENT, ""), (CoverageState.LOST, MURMUR)}
    # More voices than these the detector itself takes for noise, at times or always.
    assert crowd.voices > 4 or (CoverageState.LOST, MURMUR) in became
