"""From raw scores to probabilities, and how much the encoder counts beside the models that were there before it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.labels import Intent, StaffAct
from nlp.training.encoder.columns import ASPECTS, URGENT
from nlp.training.fit import platt
from nlp.training.tasks import OPINION, POSITIVE

Floats = NDArray[np.float32]

_LEAST: Final = 8
"""Fewer held answers of one kind teach no calibration: the raw score stays."""
_SHARES: Final = tuple(round(0.1 * step, 1) for step in range(11))
_GROUPS: Final = ((OPINION,), (POSITIVE,), tuple(map(str, Intent)), tuple(map(str, StaffAct)), ASPECTS)
"""Questions of one kind share a share: single ones have too few held answers to choose by."""


def calibrated(scores: Floats, answers: Floats, weights: Floats) -> tuple[list[float], list[float]]:
    """Slope and offset of each question (Platt 1999), from held rows.

    Args:
        scores, answers, weights: rows x questions; a weight of 0 leaves a question open.
    """
    slopes, offsets = [], []
    for column in range(scores.shape[1]):
        known = weights[:, column] > 0
        answer = answers[known, column] > 0.5
        slope, offset = 1.0, 0.0
        if min(answer.sum(), (~answer).sum()) >= _LEAST:
            slope, offset = platt(scores[known, column].astype(float), answer, weights[known, column].astype(float))
        # A slope below 0 says that the held rows contradict the encoder: then it knows nothing of the question.
        slopes.append(max(slope, 0.0))
        offsets.append(offset)
    return slopes, offsets


def shares(
    questions: Sequence[str], ours: Floats, others: Callable[[str], Floats | None], answers: Floats, weights: Floats
) -> dict[str, float]:
    """How much the encoder's log-odds count for each question, chosen group by group by log-loss on held turns.

    Args:
        questions: of the columns.
        ours: calibrated log-odds of the encoder, rows x questions.
        others: log-odds of what answered a question before, one for each row; None where nothing did.
        answers, weights: rows x questions.
    """
    column = {question: at for at, question in enumerate(questions)}
    chosen = {URGENT: 1.0}
    for group in _GROUPS:
        losses: Mapping[float, float] = dict.fromkeys(_SHARES, 0.0)
        for question in group:
            before, at = others(question), column[question]
            if before is not None:
                losses = {
                    share: loss + _loss(share * ours[:, at] + (1 - share) * before, answers[:, at], weights[:, at])
                    for share, loss in losses.items()
                }
        best = min(losses, key=losses.__getitem__)
        chosen |= dict.fromkeys(group, best)
    return chosen


def _loss(log_odds: Floats, answers: Floats, weights: Floats) -> float:
    """Cross-entropy, summed over the rows that answer."""
    return float((np.logaddexp(0, np.where(answers > 0.5, -log_odds, log_odds)) * weights).sum())
