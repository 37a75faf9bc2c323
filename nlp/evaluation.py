"""How good the models are on labelled rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import UnderstandingError
from models.labels import Intent, Sentiment
from nlp.mapping import intent_of
from nlp.noise import homophone_noise
from nlp.rows import Row
from nlp.understanding import Understanding

NONE: Final = "none"
"""Stands for no intent of the 17, as a class of its own."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures over n rows; macro-F1 is the mean over the labels that the gold has."""

    n: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class IntentScores:
    """Figures over the labels as they stand in the rows, and over the 17 intents that they stand for."""

    n: int
    accuracy: float
    macro_f1: float
    accuracy_17: float
    macro_f1_17: float


def f1(gold: Sequence[str], given: Sequence[str]) -> dict[str, float]:
    """F1 of each label that stands in the gold."""
    right = Counter(want for want, got in zip(gold, given, strict=True) if want == got)
    wanted, named = Counter(gold), Counter(given)
    return {label: 2 * right[label] / (wanted[label] + named[label]) for label in sorted(wanted)}


def scores(gold: Sequence[str], given: Sequence[str]) -> Scores:
    """Accuracy and macro-F1.

    Raises:
        UnderstandingError: there is no row (no_rows).
    """
    if not gold:
        raise UnderstandingError(
            "There is no row to evaluate.", code="no_rows", advice="Check the file, and the --split if you named one."
        )
    hits = sum(want == got for want, got in zip(gold, given, strict=True))
    each = f1(gold, given)
    return Scores(len(gold), round(hits / len(gold), 4), round(sum(each.values()) / len(each), 4))


def calibration_error(confidences: Sequence[tuple[float, bool]], *, bins: int = 10) -> float | None:
    """Expected calibration error: how far probabilities are from how often they are right (Naeini et al. 2015).

    Args:
        confidences: the probability of each decision, and whether it was right.
        bins: of equal width.

    Returns:
        The mean distance, weighted by how many fall in each bin; None without decisions.
    """
    sums = [[0.0, 0.0] for _ in range(bins)]
    for probability, right in confidences:
        into = sums[min(int(probability * bins), bins - 1)]
        into[0] += probability
        into[1] += right
    return round(sum(abs(said - true) for said, true in sums) / len(confidences), 4) if confidences else None


def heard(text: str, *, noise: float, seed: int) -> str:
    """The text as a recogniser mishears it, or as it is when noise is 0."""
    return homophone_noise(text, share=noise, seed=seed) if noise else text


def evaluate_sentiment(understanding: Understanding, rows: Sequence[Row], *, noise: float, seed: int) -> Scores:
    """Score sentiment. Where no row is neutral, the models decide between negative and positive only.

    Args:
        understanding: the models.
        rows: with sentiments as labels.
        noise: share of the characters that are swapped for homophones, 0 for none; punctuation goes too.
        seed: of the noise.
    """
    gold = [row.label for row in rows]
    binary = Sentiment.NEUTRAL not in gold
    given = []
    for row in rows:
        feeling = understanding.feeling(heard(row.text, noise=noise, seed=seed))
        given.append(feeling.better() if binary else feeling.best()[0])
    return scores(gold, given)


def evaluate_intent(understanding: Understanding, rows: Sequence[Row], *, noise: float, seed: int) -> IntentScores:
    """Score intents: rows labelled with the 17 codes (or none), or with CIC's 118 fine labels.

    Fine labels are mapped to the 17 for the second pair of figures; the eleven that map to nothing are a class there.
    """
    if all(row.label in (*Intent, NONE) for row in rows):
        abstain = any(row.label == NONE for row in rows)
        given = [_one_intent(understanding, heard(row.text, noise=noise, seed=seed), abstain=abstain) for row in rows]
        gold = [got if got in row.also else row.label for row, got in zip(rows, given, strict=True)]
        whole = scores(gold, given)
        return IntentScores(whole.n, whole.accuracy, whole.macro_f1, whole.accuracy, whole.macro_f1)
    fine, coarse = [], []
    for row in rows:
        probabilities = understanding.fine_intents(heard(row.text, noise=noise, seed=seed))
        fine.append(max(probabilities, key=probabilities.__getitem__))
        coarse.append(_coarse(probabilities))
    exact = scores([row.label for row in rows], fine)
    mapped = scores([intent_of(row.label) or NONE for row in rows], coarse)
    return IntentScores(exact.n, exact.accuracy, exact.macro_f1, mapped.accuracy, mapped.macro_f1)


def _coarse(probabilities: Mapping[str, float]) -> str:
    total: dict[str, float] = {}
    for label, probability in probabilities.items():
        intent = intent_of(label) or NONE
        total[intent] = total.get(intent, 0.0) + probability
    return max(total, key=total.__getitem__)


def _one_intent(understanding: Understanding, text: str, *, abstain: bool) -> str:
    probabilities = understanding.intents(text)
    best = max(probabilities, key=probabilities.__getitem__)
    return NONE if abstain and not understanding.counts(best, probabilities[best]) else best
