"""Who speaks, where nobody said so: read from the words and from the turns around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from models.labels import Role

_SURE = 30.0
"""Log-odds beyond which a probability is 1 to the last digit."""


@dataclass(frozen=True, slots=True)
class Smoothed:
    """What evidence of single turns says when the turns around each are heard too."""

    staff: list[float]
    """Per turn the probability that staff speaks."""
    log_evidence: float
    """Natural logarithm of how well the evidence agrees with itself: larger for a better reading of the whole."""


def smoothed(staff_log_odds: Sequence[float], changes: Sequence[float]) -> Smoothed:
    """Spread what each turn says of its speaker to its neighbours.

    Forward-backward over two hidden states (Rabiner 1989); the first speaker is either one.

    Args:
        staff_log_odds: per turn, for staff when positive.
        changes: between each turn and the next the probability that the speaker changes, above 0 and below 1; one
            fewer than turns.
    """
    before = _passed(staff_log_odds, changes)
    after = _passed(staff_log_odds[::-1], changes[::-1])[::-1]
    staff = [_probability(own + left + right) for own, left, right in zip(staff_log_odds, before, after, strict=True)]
    log_evidence = sum(_log_mixture(own, odds) for own, odds in zip(staff_log_odds, before, strict=True))
    return Smoothed(staff=staff, log_evidence=log_evidence)


def read_roles(
    given: Sequence[Role], staff_log_odds: Sequence[float], *, change: float, known_from: float
) -> list[tuple[Role, float]]:
    """The role of each turn of a conversation, with its probability.

    The words of a turn speak for or against staff, and the next turn changes the speaker with probability `change`. A
    given role is kept, and tells about its neighbours. Below `known_from` a turn stays unknown.

    Args:
        given: roles as recorded; UNKNOWN asks for reading.
        staff_log_odds: per turn, what its words say.
        change: probability, above 0 and below 1.
        known_from: probability from which a reading counts.
    """
    evidence = [_evidence(role, odds) for role, odds in zip(given, staff_log_odds, strict=True)]
    read: list[tuple[Role, float]] = []
    for role, staff in zip(given, smoothed(evidence, [change] * (len(given) - 1)).staff, strict=True):
        if role is not Role.UNKNOWN:
            read.append((role, 1.0))
            continue
        best, probability = (Role.STAFF, staff) if staff >= 0.5 else (Role.CUSTOMER, 1.0 - staff)
        read.append((best if probability >= known_from else Role.UNKNOWN, probability))
    return read


def _evidence(role: Role, log_odds: float) -> float:
    if role is Role.STAFF:
        return _SURE
    if role is Role.CUSTOMER:
        return -_SURE
    # No single turn outweighs everything around it.
    return max(-6.0, min(6.0, log_odds))


def _passed(evidence: Sequence[float], changes: Sequence[float]) -> list[float]:
    """For each turn the log-odds that the turns before it give."""
    passed = [0.0] if evidence else []
    for own, change in zip(evidence, changes, strict=False):
        staff = _probability(passed[-1] + own)
        now = staff * (1 - change) + (1 - staff) * change
        passed.append(log(now / (1 - now)))
    return passed


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + exp(-max(-_SURE, min(_SURE, log_odds))))


def _log_mixture(own: float, odds: float) -> float:
    """Logarithm of what evidence is worth to a turn of which its neighbours say `odds`."""
    staff = _probability(odds)
    return log(staff * exp(own / 2) + (1 - staff) * exp(-own / 2))
