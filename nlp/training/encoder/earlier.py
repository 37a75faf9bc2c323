"""What answers the encoder's questions without it: linear models and rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.labels import Aspect, Intent, Sentiment
from nlp.features import Sounds, plain
from nlp.linear import LinearModel
from nlp.patterns import RULED_OUT, Rule, read_rules
from nlp.training.encoder.columns import of_aspect
from nlp.training.tasks import OPINION, POSITIVE


@dataclass(frozen=True, slots=True)
class Earlier:
    """The models of a folder of weights that stand beside the encoder."""

    sounds: Sounds
    sentiment: LinearModel
    intents: LinearModel
    acts: tuple[Rule, ...]
    aspects: tuple[Rule, ...]

    @classmethod
    def read(cls, folder: Path) -> "Earlier":
        """Read them.

        Raises:
            UnderstandingError: one is absent (weights_missing) or altered (weights_altered).
        """
        return cls(
            sounds=Sounds.read(folder / "sounds.txt"),
            sentiment=LinearModel.read(folder / "sentiment.npz"),
            intents=LinearModel.read(folder / "intents.npz"),
            acts=read_rules("acts", label="act"),
            aspects=read_rules("aspects", label="aspect"),
        )

    def log_odds(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Question -> log-odds for each normalised text; a question that nothing answered is absent."""
        ngrams = [self.sounds.ngrams(plain(text)) for text in texts]
        feeling = np.array([self.sentiment.scores(one) for one in ngrams])
        wanted = np.array([self.intents.scores(one) for one in ngrams])
        given = {OPINION: feeling[:, 0], POSITIVE: feeling[:, 1]}
        given |= {str(one): wanted[:, self.intents.labels.index(one)] for one in Intent}
        given |= _strongest(self.acts, texts)
        for aspect, odds in _strongest(self.aspects, texts).items():
            # Rules tell no polarity, and hold only where something is felt.
            felt = np.where(given[OPINION] > 0, odds, np.float32(RULED_OUT))
            given |= {of_aspect(Aspect(aspect), way): felt for way in (Sentiment.NEGATIVE, Sentiment.POSITIVE)}
        return given


def _strongest(rules: Sequence[Rule], texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    given: dict[str, NDArray[np.float32]] = {}
    for rule in rules:
        odds = np.array([rule.log_odds(text) for text in texts], np.float32)
        given[rule.label] = np.maximum(given.get(rule.label, odds), odds)
    return given
