"""Weights that make several microphones listen to one side.

All are solutions of one problem: pass what comes from there unchanged and let through as little noise as possible
(MVDR: Capon, Proc. IEEE 57, 1969). Against noise from all sides it is the superdirective beamformer (Bitzer and Simmer
in Brandstein and Ward, Microphone Arrays, 2001), which needs to know nothing about the room.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hardware.array_geometry import diffuse_coherence, steering
from hardware.array_profile import Positions

Weights = npt.NDArray[np.complex64]
"""Shape (bins, microphones): the beam is the sum over microphones of weight times spectrum."""

Covariance = npt.NDArray[np.float64] | npt.NDArray[np.complex128]
"""Noise between microphones, shape (bins, microphones, microphones), Hermitian, of any scale."""

DIAGONAL_LOADING: Final = 0.01
"""Noise of single microphones against noise from all sides: 20 dB below it.

Without it the weights of an array of a few centimetres are so large at low frequencies that they amplify the noise and
the tolerances of its microphones (Cox, Zeskind and Owen, IEEE Trans. ASSP 35, 1987). In babble 0.01 read fewer
characters wrong than 0.03, 0.1 and 0.3."""


def superdirective(positions: Positions, side_deg: float) -> Weights:
    """Return the weights that let through what comes from the side, and the least noise from all sides."""
    return minimum_variance(diffuse_coherence(positions), positions, side_deg)


def minimum_variance(noise: Covariance, positions: Positions, side_deg: float) -> Weights:
    """Return the weights that let through what comes from the side, and the least of `noise`.

    Args:
        noise: its covariance; noise of single microphones is added to it.
        positions: microphones about the centre of the array, metres.
        side_deg: the azimuth in the array's own angles.
    """
    level = np.trace(noise, axis1=-2, axis2=-1).real / len(positions)
    alone = DIAGONAL_LOADING * level + np.finfo(np.float32).tiny
    toward = steering(positions, side_deg)[:, 0, :, None]
    solved = np.linalg.solve(noise + alone[:, None, None] * np.eye(len(positions)), toward)
    response = (np.conj(toward) * solved).sum(axis=1, keepdims=True)
    weights: Weights = np.conj((solved / response)[..., 0]).astype(np.complex64)
    return weights
