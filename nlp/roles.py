"""Who speaks, where nobody said so: read from the words and from the turns around them."""

from collections.abc import Sequence
from math import exp, log

from models.labels import Role


def read_roles(
    given: Sequence[Role], staff_log_odds: Sequence[float], *, change: float, known_from: float
) -> list[tuple[Role, float]]:
    """The role of each turn of a conversation, with its probability.

    Forward-backward over two hidden states (Rabiner 1989): the words of a turn speak for or against staff, and the next
    turn changes the speaker with probability `change`. A given role is kept, and tells about its neighbours. Below
    `known_from` a turn stays unknown.

    Args:
        given: roles as recorded; UNKNOWN asks for reading.
        staff_log_odds: per turn, what its words say.
        change: probability, above 0 and below 1.
        known_from: probability from which a reading counts.
    """
    evidence = [_evidence(role, odds) for role, odds in zip(given, staff_log_odds, strict=True)]
    before = _passes(evidence, change=change)
    after = _passes(evidence[::-1], change=change)[::-1]
    read: list[tuple[Role, float]] = []
    for role, odds, left, right in zip(given, evidence, before, after, strict=True):
        if role is not Role.UNKNOWN:
            read.append((role, 1.0))
            continue
        staff = 1.0 / (1.0 + exp(-max(-30.0, min(30.0, odds + left + right))))
        best, probability = (Role.STAFF, staff) if staff >= 0.5 else (Role.CUSTOMER, 1.0 - staff)
        read.append((best if probability >= known_from else Role.UNKNOWN, probability))
    return read


def _evidence(role: Role, log_odds: float) -> float:
    if role is Role.STAFF:
        return 30.0
    if role is Role.CUSTOMER:
        return -30.0
    # No single turn outweighs everything around it.
    return max(-6.0, min(6.0, log_odds))


def _passes(evidence: Sequence[float], *, change: float) -> list[float]:
    """For each turn the log-odds that the turns before it give."""
    passed, odds = [], 0.0
    for own in evidence:
        passed.append(odds)
        staff = 1.0 / (1.0 + exp(-max(-30.0, min(30.0, odds + own))))
        now = staff * (1 - change) + (1 - staff) * change
        odds = log(now / (1 - now))
    return passed
