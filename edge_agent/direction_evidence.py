"""What the directions of an utterance say about who spoke it. Pure.

In simulated rooms (24 of them, two arrays, 20 to 0 dB above babble, sides known to ±10°) the claims held: of half
seconds claimed at 0.85 to be staff or customer 93–97 % were right, of those claimed at 0.98 all.
"""

from typing import Final

import numpy as np

from hardware.array_direction import power_from
from hardware.array_geometry import AZIMUTHS_DEG
from hardware.audio import Directions

_PER_LOG_POWER: Final = 20.0
"""Log-odds per unit of the log of how much more power comes from one side. Fitted to segments of 0.13 s it was 14–20,
to half a second 23–33, to longer ones 40 and more: this claims too little rather than too much."""

_ELSEWHERE: Final = 0.2
"""Share of utterances that may come from any side: people move, others speak up, an array is turned."""

_NEARNESS: Final = 8.0
"""Concentration (von Mises) of people about their side: a third of them stand more than 20° away from it."""


def direction_log_odds(directions: Directions, *, staff_deg: float, customer_deg: float) -> float:
    """Return natural log-odds that staff spoke and not the customer; positive for staff, 0 when it cannot be said.

    It stays near 0 for power from all sides alike, for two people on one side, and for what is loudest far from both;
    it is never beyond ±4.3, because somebody else may stand where one of them is expected.

    Args:
        directions: `AudioFrame.directions` added up over the utterance.
        staff_deg: the side where staff are, in the array's own angles.
        customer_deg: the side where customers are.
    """
    if not directions.any():
        return 0.0
    louder = np.log(power_from(directions, staff_deg) / power_from(directions, customer_deg))
    staff = 1 / (1 + np.exp(-_PER_LOG_POWER * louder))
    loudest_deg = float(AZIMUTHS_DEG[np.argmax(directions)])
    nearest = max(_density(loudest_deg - side) for side in (staff_deg, customer_deg))
    neither = _ELSEWHERE / (2 * np.pi)
    neither /= neither + nearest
    return float(np.log((staff * (1 - neither) + neither / 2) / ((1 - staff) * (1 - neither) + neither / 2)))


def _density(away_deg: float) -> float:
    """Return the density, per radian, of people so far from their side."""
    # The normal density at 0 is within 2 % of von Mises' at this concentration.
    return float(np.sqrt(_NEARNESS / (2 * np.pi)) * np.exp(_NEARNESS * (np.cos(np.deg2rad(away_deg)) - 1)))
