"""What the encoder says of turns, mixed with what answers the same questions without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nlp.encoder import FINE, Encoder
from nlp.framing import TURNS_BEFORE, Said, framed
from nlp.linear import Floats, softmax

_NEVER: Final = -20.0
"""Score of a fine intent that the encoder was never shown."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the encoder says of one turn; nothing where there is no encoder.

    Attributes:
        log_odds: of each of its questions.
        fine: score of each fine intent.
        share: how much it counts in each question.
    """

    log_odds: Mapping[str, float]
    fine: Mapping[str, float]
    share: Mapping[str, float]

    def mixed(self, question: str, before: float) -> float:
        """Log-odds of a question: the encoder's in its share, for the rest those of what answered before it."""
        own = self.log_odds.get(question)
        share = self.share.get(question, 0.0)
        return before if own is None else share * own + (1 - share) * before

    def mixed_fine(self, labels: Sequence[str], before: Floats) -> Floats:
        """Scores of the fine intents, of which softmax makes probabilities, mixed in the same way."""
        if not self.fine:
            return before
        share = self.share.get(FINE, 0.0)
        own = np.array([self.fine.get(label, _NEVER) for label in labels], np.float32)
        return np.asarray(share * _log_softmax(own) + (1 - share) * _log_softmax(before), np.float32)


NO_ANSWERS: Final = Answers({}, {}, {})


def answers(encoder: Encoder | None, said: Sequence[Said]) -> list[Answers]:
    """What the encoder says of each turn of a conversation, reading the turns before it too."""
    if encoder is None:
        return [NO_ANSWERS] * len(said)
    columns = encoder.columns
    questions = len(columns.questions)
    pairs = [framed(turn, said[max(0, at - TURNS_BEFORE) : at]) for at, turn in enumerate(said)]
    return [
        Answers(
            log_odds=dict(zip(columns.questions, map(float, row[:questions]), strict=True)),
            fine=dict(zip(columns.fine, map(float, row[questions:]), strict=True)),
            share=columns.share,
        )
        for row in encoder.scores(pairs)
    ]


def _log_softmax(scores: Floats) -> Floats:
    return np.log(np.maximum(softmax(scores), 1e-9))
