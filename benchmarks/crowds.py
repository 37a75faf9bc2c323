"""Crowds: so many people who talk at once and stand equally far, with the echoes of a hall or without. Simulated.

Each voice is one speaker's recordings behind each other, faster or slower by up to a fifth, so that few speakers make
many voices; either the pauses are left out, or each recording is followed by 0.2 to 1 s of silence and the voices
differ in level by 2 dB (standard deviation). Echoes are noise that decays by 60 dB within the reverberation time
(Moorer, Computer Music Journal 3, 1979), from as loud as the direct sound to 6 dB above it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from edge_agent.evaluation import read_recorded_set
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, Samples
from hardware.media_file import MediaFileSource, Pace

FITTED_ON: Final = (
    "BAC009",
    *("SSB0005", "SSB0009", "SSB0012", "SSB0016", "SSB0033", "SSB0038", "SSB0057", "SSB0073", "SSB0112", "SSB0122"),
)
"""How the files of those begin whose voices the weights of `edge_agent.murmur` were fitted on."""

_TEMPO: Final = 0.2
_PAUSE_S: Final = (0.2, 1.0)
_LEVELS_DIFFER_DB: Final = 2.0
_ECHOES_DB: Final = (0.0, 6.0)
_PAUSE_BELOW: Final = 1e-3
"""Of the loudest window of a recording: 30 dB."""

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many talk, and where."""

    voices: int
    pauses: bool = False
    echoes_s: float = 0.0
    """Reverberation time of the hall; 0 for none."""

    def murmur(self, speakers: Mapping[str, Sequence[Samples]], rng: np.random.Generator, *, samples: int) -> Sound:
        """Let speakers talk at once, each as several voices if need be; mean square 1."""
        names = list(speakers)
        mixed = np.zeros(samples)
        for _ in range(self.voices):
            said = speakers[names[rng.integers(len(names))]]
            level_db = rng.normal(0, _LEVELS_DIFFER_DB) if self.pauses else 0.0
            mixed += self._heard(_voice(said, rng, samples=samples, pauses=self.pauses), rng) * 10 ** (level_db / 20)
        return at_level(mixed, dbfs=0)

    def _heard(self, voice: Sound, rng: np.random.Generator) -> Sound:
        return with_echoes(voice, rng, echoes_s=self.echoes_s, louder_db=rng.uniform(*_ECHOES_DB))


def with_echoes(voice: Sound, rng: np.random.Generator, *, echoes_s: float, louder_db: float) -> Sound:
    """Put a voice into a hall whose echoes are so much louder than the direct sound; nothing where there are none."""
    if not echoes_s:
        return voice
    time_s = np.arange(round(echoes_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / echoes_s)
    response *= 10 ** (louder_db / 20) / np.sqrt(np.sum(np.square(response)))
    response[0] += 1
    heard: Sound = fftconvolve(voice, response)[: len(voice)]
    return heard


def recorded_speakers(recorded_set: Path, *, fitted: bool) -> dict[str, list[Samples]]:
    """Return the recordings of the set by speaker: those that the weights were fitted on, or all others.

    Raises:
        EvaluationError: the set cannot be read.
    """
    speakers: dict[str, list[Samples]] = {}
    for row in read_recorded_set(recorded_set):
        name = row.path.name
        if name.startswith(FITTED_ON) is fitted:
            speakers.setdefault(name[:7] if name.startswith("SSB") else name[:3], []).append(sound_of(row.path))
    return speakers


def sound_of(path: Path) -> Samples:
    """Return a file's sound as a whole."""
    frames = MediaFileSource(path, pace=Pace.FAST).frames()
    return np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])


def at_level(sound: Sound | Samples, *, dbfs: float) -> Sound:
    """Return a sound with that root mean square."""
    scaled: Sound = sound * (10 ** (dbfs / 20) / np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    return scaled


def without_pauses(sound: Samples, *, ends_only: bool = False) -> Samples:
    """Leave out what is 30 dB below the loudest: all of it, or what lies before the first word and after the last."""
    windows = sound[: len(sound) // 512 * 512].reshape(-1, 512)
    power = np.square(windows).mean(axis=1)
    loud = np.flatnonzero(power > _PAUSE_BELOW * power.max())
    kept = windows[loud[0] : loud[-1] + 1] if ends_only else windows[loud]
    return kept.reshape(-1)


def _voice(said: Sequence[Samples], rng: np.random.Generator, *, samples: int, pauses: bool) -> Sound:
    """One speaker talks from an arbitrary moment on."""
    tempo = rng.uniform(1 - _TEMPO, 1 + _TEMPO)
    parts: list[Sound] = []
    length = 0
    while length < 2 * samples:
        recording = said[rng.integers(len(said))]
        parts.append(at_level(without_pauses(recording, ends_only=pauses), dbfs=-20))
        if pauses:
            parts.append(np.zeros(round(rng.uniform(*_PAUSE_S) * SAMPLE_RATE_HZ)))
        length += round(len(parts[-1]) / tempo) + (round(len(parts[-2]) / tempo) if pauses else 0)
    talk = np.concatenate(parts)
    start = rng.uniform(0, len(talk) - samples * tempo - 1)
    return np.interp(start + np.arange(samples) * tempo, np.arange(len(talk)), talk)
