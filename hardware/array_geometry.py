"""How a plane wave and a diffuse field meet an array: pure functions of its geometry."""

from typing import Final

import numpy as np
import numpy.typing as npt

from hardware.array_profile import Positions
from hardware.audio import DIRECTIONS, SAMPLE_RATE_HZ

SPEED_OF_SOUND_M_S: Final = 343.0
"""In air of 20 °C."""

WINDOW_SAMPLES: Final = 512
"""32 ms: long against the delays in an array (0.3 ms in 10 cm), short against a syllable."""

BINS: Final = WINDOW_SAMPLES // 2 + 1

FREQUENCIES_HZ: Final = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)

AZIMUTHS_DEG: Final = np.arange(DIRECTIONS) * (360.0 / DIRECTIONS)
"""The directions of `AudioFrame.directions`."""


def delays_s(positions: Positions, azimuths_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return by how much later than the centre each microphone hears plane waves from the side.

    Args:
        positions: microphones about the centre of the array, metres.
        azimuths_deg: where the waves come from, shape (n,); the elevation is 0.

    Returns:
        Seconds, shape (n, microphones); negative for microphones on the side of the talker.
    """
    azimuths = np.deg2rad(np.atleast_1d(azimuths_deg))
    toward = np.stack([np.cos(azimuths), np.sin(azimuths), np.zeros_like(azimuths)], axis=1)
    delays: npt.NDArray[np.float64] = -(toward @ positions.T) / SPEED_OF_SOUND_M_S
    return delays


def steering(positions: Positions, azimuths_deg: npt.ArrayLike) -> npt.NDArray[np.complex128]:
    """Return what plane waves of amplitude 1 look like at the microphones, shape (bins, n, microphones)."""
    phase = FREQUENCIES_HZ[:, None, None] * delays_s(positions, azimuths_deg)
    vectors: npt.NDArray[np.complex128] = np.exp(-2j * np.pi * phase)
    return vectors


def diffuse_coherence(positions: Positions) -> npt.NDArray[np.float64]:
    """Return the coherence between microphones in noise from all sides, shape (bins, microphones, microphones).

    sin(kd)/(kd) for a spherically isotropic field (Cook et al., J. Acoust. Soc. Am. 27, 1955).
    """
    apart_m = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    # numpy's sinc is sin(πx)/(πx).
    coherence: npt.NDArray[np.float64] = np.sinc(2 * FREQUENCIES_HZ[:, None, None] * apart_m / SPEED_OF_SOUND_M_S)
    return coherence
