"""Whether anybody near speaks in a clip, or only a murmur: many voices at once, as in a full hall.

Three things tell one near voice from many, whatever the level, over three seconds:

- Syllables. The bands of one voice rise and fall 2 to 8 times a second (Houtgast and Steeneken, JASA 77, 1985); with
  many voices each fills the others' pauses.
- What is loud is voiced. The loud moments of one voice are its vowels, which repeat themselves with its pitch; in a
  murmur they are where several voices meet, and no more periodic than the rest.
- The bands move together. A pause of one voice is a pause in all bands (comodulation: Hall, Haggard and Fernandes,
  JASA 76, 1984); many voices have theirs at different times.

Their weights, and what they were measured on: docs/adr/0015.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.heard import HeardSpan
from edge_agent.level_range import level_range_db
from edge_agent.quality import NEAR_VOICE_RANGE_DB
from edge_agent.voice_features import FFT_SAMPLES, HOP_SAMPLES, log_mel
from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, Samples
from models.labels import CoverageState

MURMUR: Final = "murmur"
"""Why the time of such a clip is lost: people spoke, and none of it can be told apart."""

_Floats = npt.NDArray[np.float64]

_FRAMES_PER_S: Final = SAMPLE_RATE_HZ // HOP_SAMPLES
_WINDOW: Final = 3 * _FRAMES_PER_S
_STRIDE: Final = _FRAMES_PER_S // 2
_SHORTEST: Final = 30
"""Frames of a sound that can be judged; the detector gives none below 0.4 s."""

_BANDS: Final = slice(2, 36)
"""Mel bands from 130 Hz to 6 kHz: below is hum, above is hiss."""
_SYLLABLES_HZ: Final = (2.0, 8.0)
_PITCH_LAGS: Final = np.arange(SAMPLE_RATE_HZ // 400, SAMPLE_RATE_HZ // 73)
_PITCH_HEARD_BELOW_HZ: Final = 2_000
_LOUDEST_SHARE: Final = 0.4
_FLOOR: Final = 1e-9

_WEIGHTS: Final = np.array([9.8, 79.0, 6.0])
_BIAS: Final = -4.8
_MOSTLY: Final = 80
"""Percentile of the windows that speaks for the clip: a near voice has a fifth of it."""
_MOSTLY_NEAR: Final = 1.5
_NEAR_FOR_CERTAIN: Final = 6.0
"""One window above it is a near voice, however short; the highest of four voices with pauses came to 5.2."""

_SHORT_MS: Final = 6_000
_SHORT_NEAR: Final = -3.0
"""What is enough in a shorter clip, whose syllables are too few to be counted well, unless it is as level as a murmur.
Of 455 stretches of 12 to 20 dB above noise, each by itself, two came lower."""


def is_murmur(clip: Samples) -> bool:
    """Say whether a clip that the detector took for speech holds many voices at once and none that is near."""
    nearness = near_log_odds(clip)
    if not len(nearness):
        return False
    is_short = len(clip) < _SHORT_MS * SAMPLES_PER_MS
    enough = _SHORT_NEAR if is_short and level_range_db(clip) >= NEAR_VOICE_RANGE_DB else _MOSTLY_NEAR
    return bool(np.percentile(nearness, _MOSTLY) < enough and nearness.max() < _NEAR_FOR_CERTAIN)


def nobody_near(spans: Iterable[HeardSpan]) -> tuple[HeardSpan, ...]:
    """Return the spans of a block whose clip is a murmur: what was heard of it is lost, the rest is as it was."""
    return tuple(
        replace(span, state=CoverageState.LOST, reason=MURMUR) if span.state is CoverageState.HEARD else span
        for span in spans
    )


def near_log_odds(clip: Samples) -> _Floats:
    """Give the log odds of a near voice in each 3 s of a clip, every half second; none for a clip too short to say."""
    log_odds: _Floats = evidence(clip) @ _WEIGHTS + _BIAS
    return log_odds


def evidence(clip: Samples) -> _Floats:
    """Give the three measures of each window, shape (windows, 3): syllables, loud is voiced, bands together."""
    levels = 10.0 * log_mel(clip)[:, _BANDS].astype(np.float64)
    if len(levels) < _SHORTEST:
        return np.zeros((0, 3))
    voiced = _periodicity(clip)
    starts = range(0, max(1, len(levels) - _WINDOW + 1), _STRIDE)
    return np.array([_measured(levels[at : at + _WINDOW], voiced[at : at + _WINDOW]) for at in starts])


def _measured(levels: _Floats, voiced: _Floats) -> tuple[float, float, float]:
    """Judge one window: levels in dB, shape (frames, bands), and how periodic each frame is."""
    amplitudes = 10 ** (levels / 20)
    swings = amplitudes / amplitudes.mean(axis=0) - 1
    spectrum = np.square(np.abs(np.fft.rfft(swings, axis=0)))
    rates_hz = np.fft.rfftfreq(len(swings), 1 / _FRAMES_PER_S)
    low_hz, high_hz = _SYLLABLES_HZ
    of_syllables = spectrum[(rates_hz >= low_hz) & (rates_hz < high_hz)].sum(axis=0).mean()
    syllables = np.log10(2 * of_syllables / len(swings) ** 2 + _FLOOR)

    total = 10 * np.log10(np.square(amplitudes).sum(axis=1))
    loud = total >= np.quantile(total, 1 - _LOUDEST_SHARE)
    loud_is_voiced = voiced[loud].mean() - voiced.mean()

    together = total.std() / (levels.std(axis=0).mean() + _FLOOR)
    return float(syllables), float(loud_is_voiced), float(together)


def _periodicity(clip: Samples) -> _Floats:
    """Give the highest autocorrelation of each frame at the lags of a voice's pitch, 0 to 1.

    Of the sound below 2 kHz, divided by that of the window (Boersma, IFA Proceedings 17, 1993).
    """
    frames = np.lib.stride_tricks.sliding_window_view(clip, FFT_SAMPLES)[::HOP_SAMPLES]
    window, of_window = _hann()
    powers = np.square(np.abs(np.fft.rfft(frames * window, 2 * FFT_SAMPLES, axis=1)))
    powers[:, 2 * FFT_SAMPLES * _PITCH_HEARD_BELOW_HZ // SAMPLE_RATE_HZ :] = 0
    correlation = np.fft.irfft(powers, axis=1)
    by_lag = correlation[:, _PITCH_LAGS] / (correlation[:, :1] + _FLOOR) / of_window
    periodicity: _Floats = np.clip(by_lag.max(axis=1), 0, 1)
    return periodicity


@cache
def _hann() -> tuple[_Floats, _Floats]:
    """Give the window, and its autocorrelation at the lags of pitch."""
    window = np.hanning(FFT_SAMPLES)
    correlation = np.fft.irfft(np.square(np.abs(np.fft.rfft(window, 2 * FFT_SAMPLES))))
    return window, correlation[_PITCH_LAGS] / correlation[0]
