"""Where sound comes from: the power that an array hears from each of 72 sides."""

from typing import Final

import numpy as np
import numpy.typing as npt

from hardware.array_geometry import AZIMUTHS_DEG, FREQUENCIES_HZ, steering
from hardware.array_profile import Positions
from hardware.audio import Directions

_NARROW: Final = 4
"""A side is heard as cos⁴ of the angle to it: half as much 33° away."""

_LOWEST_HZ: Final = 400.0
"""Below it the waves are ten times as long as the array, and hardly differ between its microphones."""
_HIGHEST_HZ: Final = 5_000.0
"""Above it speech has little power."""

_LEVEL_EXPONENT: Final = 0.7
"""How much a loud bin counts for more than a quiet one: 0 would be PHAT, 1 no whitening.

In 40 simulated rooms with babble at 10 and 5 dB, 0.7 chose the right side as often as NormMUSIC, to a point; in the
first ten of them PHAT did so less often by 2 to 7 points."""


def power_from(directions: Directions, side_deg: float) -> float:
    """Return the mean power from about a side, of the power from all directions."""
    shares = np.maximum(0, np.cos(np.deg2rad(AZIMUTHS_DEG - side_deg))) ** _NARROW
    return float(directions @ shares / shares.sum())


class DirectionFinder:
    """Steered response power, partly whitened.

    SRP-PHAT (DiBiase, PhD thesis, Brown University, 2000) with the partial whitening PHAT-β (Donohue, Hannemann and
    Dietz, Signal Processing 87, 2007), computed from the pairs of microphones. So its unit is a power of the power.
    """

    def __init__(self, positions: Positions) -> None:
        """Prepare for microphones about the centre of an array, metres, shape (microphones, 3)."""
        self._bins = np.flatnonzero((FREQUENCIES_HZ >= _LOWEST_HZ) & (FREQUENCIES_HZ <= _HIGHEST_HZ))
        self._one, self._other = np.triu_indices(len(positions), k=1)
        self._microphones = len(positions)
        vectors = steering(positions, AZIMUTHS_DEG)[self._bins]
        pairs = np.conj(vectors[:, :, self._one]) * vectors[:, :, self._other]
        flat = pairs.transpose(1, 0, 2).reshape(len(AZIMUTHS_DEG), -1)
        self._toward = np.concatenate([flat.real, -flat.imag], axis=1).astype(np.float32)

    def power(self, spectra: npt.NDArray[np.complex64]) -> Directions:
        """Return the power from each side, shape (72,), of spectra of shape (windows, microphones, bins)."""
        heard = spectra[:, :, self._bins]
        sizes = np.abs(heard)
        phases = heard / np.maximum(sizes, np.finfo(np.float32).tiny)
        levels = np.square(sizes).mean(axis=1) ** _LEVEL_EXPONENT
        together = (levels[:, None] * phases[:, self._one] * np.conj(phases[:, self._other])).sum(axis=0)
        flat = together.T.reshape(-1)
        between = self._toward @ np.concatenate([flat.real, flat.imag])
        power: Directions = (levels.sum() / self._microphones + 2 * between / self._microphones**2).astype(np.float32)
        return np.maximum(power, 0)
