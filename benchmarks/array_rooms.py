"""Counters in simulated rooms: staff and customer speak in turn to an array while others babble around them.

Rooms are shoe boxes (pyroomacoustics, image sources) of 4–8 × 4–6 × 2.6–3.2 m with RT60 0.3–0.6 s; the array lies on
the counter at 0.95 m. Staff is 0.5–0.8 m away, the customer 0.7–1.2 m on the other side (180° ± 60°), both with their
mouths higher than the array; six others stand at least 1.5 m away. Microphones have noise of their own 30 dB below the
customer and tolerances of ±0.5 dB, as MEMS microphones have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyroomacoustics
from scipy.signal import fftconvolve

from edge_agent.evaluation import RecordedUtterance, read_recorded_set
from hardware.array_profile import ArrayProfile
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, Samples
from hardware.media_file import MediaFileSource, Pace

BABBLERS: Final = 6
MAIN_SPEAKER: Final = "BAC009"
"""One speaker has 200 of the 260 utterances and speaks both roles: where they stand tells them apart, not the voice."""
TURNS_EACH: Final = 3
_PAUSE_S: Final = 0.8
_SENSOR_NOISE_DB: Final = -30.0
_TOLERANCE_DB: Final = 0.5
# Reflections later than this are 40 dB down in these rooms; more of them only cost time.
_MOST_REFLECTIONS: Final = 25

Signals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of the two said."""

    role: Literal["staff", "customer"]
    start: int
    """Sample in the scene at 16 kHz."""
    end: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A conversation in a room, with its noise apart from it."""

    rt60_s: float
    staff_deg: float
    """In the angles of the arrays, which all lie alike."""
    customer_deg: float
    turns: Sequence[Turn]
    spoken: Mapping[str, Signals]
    """By array: what its microphones hear of the two, shape (n, microphones); the customer has power 1."""
    babble: Mapping[str, Signals]
    """The same of the others, of power 1."""

    def mixed(self, array: str, profile: ArrayProfile, *, snr_db: float, seed: int) -> npt.NDArray[np.float32]:
        """Return all channels of the device; those that are no microphones are silent."""
        rng = np.random.default_rng(seed)
        heard = self.spoken[array] + self.babble[array] * 10 ** (-snr_db / 20)
        heard = heard + rng.standard_normal(heard.shape) * 10 ** (_SENSOR_NOISE_DB / 20)
        heard = heard * 10 ** (rng.uniform(-_TOLERANCE_DB, _TOLERANCE_DB, heard.shape[1]) / 20)
        channels = np.zeros((len(heard), profile.channels), dtype=np.float32)
        # Speech 20 dB below full scale leaves room for its peaks.
        channels[:, list(profile.microphone_channels)] = 0.1 * heard
        return channels


class Speakers(Protocol):
    """Whom a scene is made of; all that they say has power 1 on average."""

    def say(self, rng: np.random.Generator, *, turns: int) -> list[tuple[str, Samples]]:
        """Return sentences of the two who talk, with their text."""

    def babble(self, rng: np.random.Generator, *, samples: int) -> list[Samples]:
        """Return `BABBLERS` voices without pauses, each as long as asked for."""


class Voices:
    """The recorded set, as talkers and babblers."""

    def __init__(self, recorded_set: Path) -> None:
        """Read the list; audio is read when it is needed.

        Raises:
            EvaluationError: it cannot be read.
        """
        rows = read_recorded_set(recorded_set)
        sentences = [row for row in rows if len(row.text) >= 8 and row.text.isalpha() and not row.text.isascii()]
        self._talkers = [row for row in sentences if row.path.name.startswith(MAIN_SPEAKER)]
        self._others = [row for row in sentences if not row.path.name.startswith(MAIN_SPEAKER)]

    def say(self, rng: np.random.Generator, *, turns: int) -> list[tuple[str, Samples]]:
        """Return sentences of the talkers with their text."""
        chosen = rng.choice(len(self._talkers), turns, replace=False)
        return [(self._talkers[at].text, _normalised(_audio(self._talkers[at]))) for at in chosen]

    def babble(self, rng: np.random.Generator, *, samples: int) -> list[Samples]:
        """Return speech without pauses of other speakers, one of each, as long as asked for."""
        chosen = rng.choice(len(self._others), BABBLERS, replace=False)
        said = [_normalised(_audio(self._others[at])) for at in chosen]
        return [np.roll(np.resize(each, samples), rng.integers(samples)) for each in said]


def scene(voices: Speakers, arrays: Mapping[str, ArrayProfile], *, seed: int) -> Scene:
    """Simulate one conversation at one counter, heard by several arrays in the same place."""
    rng = np.random.default_rng(seed)
    rt60_s = float(rng.choice([0.3, 0.4, 0.5, 0.6]))
    staff_deg = rng.uniform(0, 360)
    customer_deg = (staff_deg + 180 + rng.uniform(-60, 60)) % 360
    responses = _responses(rng, arrays, rt60_s=rt60_s, sides_deg=(staff_deg, customer_deg))

    said = voices.say(rng, turns=2 * TURNS_EACH)
    turns = _in_turn([(text, len(samples)) for text, samples in said])
    total = turns[-1].end + round(_PAUSE_S * SAMPLE_RATE_HZ)
    talking = np.zeros((2, total))
    for turn, (_, samples) in zip(turns, said, strict=True):
        talking[int(turn.role == "customer"), turn.start : turn.end] = samples
    others = voices.babble(rng, samples=total)

    spoken: dict[str, Signals] = {}
    babble: dict[str, Signals] = {}
    first = 0
    for name, profile in arrays.items():
        heard = responses[first : first + len(profile.positions)]
        first += len(profile.positions)
        of_customer = _convolved(heard, 1, talking[1])
        active = np.concatenate([of_customer[turn.start : turn.end] for turn in turns if turn.role == "customer"])
        spoken[name] = (_convolved(heard, 0, talking[0]) + of_customer) / np.sqrt(np.mean(active**2))
        around = np.sum([_convolved(heard, 2 + at, each) for at, each in enumerate(others)], axis=0)
        babble[name] = around / np.sqrt(np.mean(around**2))
    return Scene(rt60_s, staff_deg, customer_deg, turns, spoken, babble)


def _responses(
    rng: np.random.Generator, arrays: Mapping[str, ArrayProfile], *, rt60_s: float, sides_deg: tuple[float, float]
) -> list[list[npt.NDArray[np.float64]]]:
    """Return impulse responses by microphone and source: staff, customer, then the others."""
    size_m = np.array([rng.uniform(4, 8), rng.uniform(4, 6), rng.uniform(2.6, 3.2)])
    absorption, order = pyroomacoustics.inverse_sabine(rt60_s, size_m)
    room = pyroomacoustics.ShoeBox(
        size_m,
        fs=SAMPLE_RATE_HZ,
        materials=pyroomacoustics.Material(absorption),
        max_order=min(order, _MOST_REFLECTIONS),
    )
    centre = np.array([rng.uniform(1.6, size_m[0] - 1.6), rng.uniform(1.6, size_m[1] - 1.6), 0.95])
    for side_deg, nearest_m, farthest_m in zip(sides_deg, (0.5, 0.7), (0.8, 1.2), strict=True):
        angle, away_m = np.deg2rad(side_deg), rng.uniform(nearest_m, farthest_m)
        mouth_m = rng.uniform(1.15, 1.55)
        room.add_source([centre[0] + away_m * np.cos(angle), centre[1] + away_m * np.sin(angle), mouth_m])
    placed = 0
    while placed < BABBLERS:
        place = np.array([rng.uniform(0.3, size_m[0] - 0.3), rng.uniform(0.3, size_m[1] - 0.3), rng.uniform(1.1, 1.7)])
        if np.linalg.norm(place - centre) >= 1.5:
            room.add_source(place)
            placed += 1
    microphones = np.concatenate([profile.positions for profile in arrays.values()]) + centre
    room.add_microphone_array(microphones.T)
    room.compute_rir()
    responses: list[list[npt.NDArray[np.float64]]] = room.rir
    return responses


def _convolved(responses: Sequence[Sequence[Signals]], source: int, signal: Signals | Samples) -> Signals:
    return np.stack([fftconvolve(signal, each[source])[: len(signal)] for each in responses], axis=1)


def _in_turn(said: Sequence[tuple[str, int]]) -> list[Turn]:
    turns: list[Turn] = []
    # The first pause is long enough to hear the noise alone, as a device does before anybody speaks.
    at = round(2 * _PAUSE_S * SAMPLE_RATE_HZ)
    for number, (text, samples) in enumerate(said):
        turns.append(Turn("customer" if number % 2 else "staff", at, at + samples, text))
        at += samples + round(_PAUSE_S * SAMPLE_RATE_HZ)
    return turns


def _audio(row: RecordedUtterance) -> Samples:
    items = MediaFileSource(row.path, pace=Pace.FAST).frames()
    return np.concatenate([item.samples for item in items if isinstance(item, AudioFrame)])


def _normalised(samples: Samples) -> Samples:
    return samples / np.float32(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
