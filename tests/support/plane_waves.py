"""Plane waves and diffuse noise as an array hears them in the open, with exact delays."""

import numpy as np
import numpy.typing as npt

from hardware.array_geometry import delays_s
from hardware.array_profile import ArrayProfile
from hardware.audio import SAMPLE_RATE_HZ

Heard = npt.NDArray[np.float32]
"""Shape (n, microphones)."""


def speech_like(seconds: float, *, seed: int) -> npt.NDArray[np.float64]:
    """Return noise with the spectrum and the syllables of speech, of power 1 on average."""
    rng = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    shaped = np.fft.irfft(spectrum / (1 + np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ) / 500), n=count)
    syllables = np.repeat(rng.uniform(0.05, 1, count // 3200 + 1), 3200)[:count]
    loud = shaped * syllables
    return loud / np.sqrt(np.mean(loud**2))


def plane_wave(signal: npt.NDArray[np.float64], profile: ArrayProfile, *, from_deg: float) -> Heard:
    """Return a signal as the microphones hear it that comes from the side, delayed in the frequency domain."""
    frequencies = np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE_HZ)
    delayed = np.exp(-2j * np.pi * frequencies[:, None] * delays_s(profile.positions, from_deg)[0])
    return np.fft.irfft(np.fft.rfft(signal)[:, None] * delayed, n=len(signal), axis=0).astype(np.float32)


def diffuse_noise(seconds: float, profile: ArrayProfile, *, seed: int) -> Heard:
    """Return noise of power 1 from 200 directions spread evenly over a sphere (a Fibonacci lattice)."""
    rng = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE_HZ)
    waves = 200
    heights = 1 - 2 * (np.arange(waves) + 0.5) / waves
    turns = np.arange(waves) * np.pi * (3 - np.sqrt(5))
    level = np.sqrt(1 - heights**2)
    toward = np.stack([level * np.cos(turns), level * np.sin(turns), heights], axis=1)
    late_s = -(toward @ profile.positions.T) / 343.0
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ)
    heard = np.zeros((len(frequencies), len(profile.positions)), dtype=complex)
    for wave in range(waves):
        spectrum = np.fft.rfft(rng.standard_normal(count))
        heard += spectrum[:, None] * np.exp(-2j * np.pi * frequencies[:, None] * late_s[wave])
    return (np.fft.irfft(heard, n=count, axis=0) / np.sqrt(waves)).astype(np.float32)


def as_device(heard: Heard, profile: ArrayProfile) -> Heard:
    """Put what the microphones hear into the channels of a device, shape (n, channels); the others are silent."""
    channels = np.zeros((len(heard), profile.channels), dtype=np.float32)
    channels[:, list(profile.microphone_channels)] = heard
    return channels
