"""What the voice embedder reads: log mel spectra, in numpy."""

from functools import cache

import numpy as np
import numpy.typing as npt

from hardware.audio import SAMPLE_RATE_HZ, Samples

MEL_BANDS = 40
HOP_SAMPLES = 160
FFT_SAMPLES = 512
_WINDOW_SAMPLES = 400
_FLOOR = 1e-10

# Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, above it 27 steps for each factor of 6.4.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_LOG_STEP = np.log(6.4) / 27

Spectra = npt.NDArray[np.float32]
"""Base-10 logarithm of mel powers, shape (frames, 40); one frame per 10 ms."""


def log_mel(samples: Samples) -> Spectra:
    """Return the log mel spectra of a sound, one per whole window of 512 samples; none for a shorter sound.

    Hamming window of 25 ms in the middle of 512 samples, hop 10 ms, power, 40 Slaney mel bands of equal area: what
    `librosa.feature.melspectrogram(center=False, window="hamming")` gives, which the embedder was trained on.
    """
    if len(samples) < FFT_SAMPLES:
        return np.zeros((0, MEL_BANDS), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FFT_SAMPLES)[::HOP_SAMPLES]
    powers = np.square(np.abs(np.fft.rfft(frames * _window(), axis=1)))
    spectra: Spectra = np.log10(powers.astype(np.float32) @ _filters() + _FLOOR).astype(np.float32)
    return spectra


@cache
def _window() -> npt.NDArray[np.float32]:
    side = (FFT_SAMPLES - _WINDOW_SAMPLES) // 2
    # np.hamming is symmetric; spectra want the periodic window, one sample longer and cut.
    periodic = np.hamming(_WINDOW_SAMPLES + 1)[:-1]
    return np.pad(periodic, (side, side)).astype(np.float32)


@cache
def _filters() -> npt.NDArray[np.float32]:
    """Triangles of equal area over the bins of the FFT, shape (257, 40)."""
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)
    highest_mel = _BREAK_MEL + np.log(SAMPLE_RATE_HZ / 2 / _BREAK_HZ) / _LOG_STEP
    edges_hz = _hz(np.linspace(0, highest_mel, MEL_BANDS + 2))
    widths_hz = np.diff(edges_hz)
    slopes = edges_hz[:, None] - bins_hz
    rising, falling = -slopes[:-2] / widths_hz[:-1, None], slopes[2:] / widths_hz[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]
    return triangles.T.astype(np.float32)


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel >= _BREAK_MEL, above, mel * _HZ_PER_MEL)
