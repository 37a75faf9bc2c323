"""语音净情感分: share positive minus share negative, with its interval."""

from math import sqrt
from typing import Final

from models.noun import Noun

Z_95: Final = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""

SMALL_N: Final = 5
"""Fewer utterances than this are shown as an indication: the 95 % interval of a share spans 70 points or more."""


class NetSentiment(Noun):
    """Net voice sentiment of n utterances, −100 … +100."""

    value: float
    low: float
    high: float
    n: int


def net_sentiment(*, positive: int, neutral: int, negative: int) -> NetSentiment | None:
    """Return (share positive − share negative) × 100 with a 95 % interval; None of no utterances.

    The two shares come from the same utterances, so the interval is that of a difference of paired proportions: the
    adjusted Wald interval of Bonett and Price (2012, J. Educational and Behavioral Statistics 37:479), which adds one
    to each of the two counts and stays honest where n is small or one feeling is absent.
    """
    n = positive + neutral + negative
    if n == 0:
        return None
    up, down = (positive + 1) / (n + 2), (negative + 1) / (n + 2)
    half_width = Z_95 * sqrt((up + down - (up - down) ** 2) / (n + 2))
    return NetSentiment(
        value=100 * (positive - negative) / n,
        low=100 * max(-1.0, up - down - half_width),
        high=100 * min(1.0, up - down + half_width),
        n=n,
    )
