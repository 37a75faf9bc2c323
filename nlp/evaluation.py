"""How good the models are: on labelled rows, and on conversations with gold labels."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from models.errors import UnderstandingError
from models.labels import Intent, Role, Sentiment
from nlp.mapping import intent_of
from nlp.noise import homophone_noise
from nlp.rows import Row
from nlp.understanding import Turn, Understanding

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


def _heard(text: str, *, noise: float, seed: int) -> str:
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
        feeling = understanding.feeling(_heard(row.text, noise=noise, seed=seed))
        given.append(feeling.better() if binary else feeling.best()[0])
    return scores(gold, given)


def evaluate_intent(understanding: Understanding, rows: Sequence[Row], *, noise: float, seed: int) -> IntentScores:
    """Score intents: rows labelled with the 17 codes (or none), or with CIC's 118 fine labels.

    Fine labels are mapped to the 17 for the second pair of figures; the eleven that map to nothing are a class there.
    """
    if all(row.label in (*Intent, NONE) for row in rows):
        gold = [row.label for row in rows]
        given = [_one_intent(understanding, _heard(row.text, noise=noise, seed=seed), gold) for row in rows]
        whole = scores(gold, given)
        return IntentScores(whole.n, whole.accuracy, whole.macro_f1, whole.accuracy, whole.macro_f1)
    fine, coarse = [], []
    for row in rows:
        probabilities = understanding.fine_intents(_heard(row.text, noise=noise, seed=seed))
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


def _one_intent(understanding: Understanding, text: str, gold: Sequence[str]) -> str:
    probabilities = understanding.intents(text)
    best = max(probabilities, key=probabilities.__getitem__)
    given = understanding.counts(best, probabilities[best])
    return best if given or NONE not in gold else NONE


@dataclass(slots=True)
class Tally:
    """What was right, invented and missed of one label."""

    right: int = 0
    invented: int = 0
    missed: int = 0

    def figures(self) -> dict[str, float | int | None]:
        """Precision and recall; None where nothing was given or nothing was there."""
        given, there = self.right + self.invented, self.right + self.missed
        return {
            "n": there,
            "given": given,
            "precision": round(self.right / given, 3) if given else None,
            "recall": round(self.right / there, 3) if there else None,
        }


@dataclass(slots=True)
class ConversationFigures:
    """Figures over the turns of conversations with gold labels; sentiment over customers' turns only."""

    gold: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    certain: int = 0
    roles_right: int = 0
    roles_wrong: int = 0
    turns: int = 0
    intents: dict[str, Tally] = field(default_factory=dict)
    acts: dict[str, Tally] = field(default_factory=dict)
    aspects: dict[str, Tally] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The figures as plain values."""
        whole = scores(self.gold, self.given)
        return {
            "turns": self.turns,
            "sentiment": {"n": whole.n, "accuracy": whole.accuracy, "macro_f1": whole.macro_f1, "certain": self.certain}
            | {"f1": {label: round(value, 3) for label, value in f1(self.gold, self.given).items()}},
            "roles": {"right": self.roles_right, "wrong": self.roles_wrong},
            **{
                kind: {"all": _sum(tallies).figures()} | {name: tallies[name].figures() for name in sorted(tallies)}
                for kind, tallies in (("intents", self.intents), ("acts", self.acts), ("aspects", self.aspects))
            },
        }


def _sum(tallies: Mapping[str, Tally]) -> Tally:
    whole = Tally()
    for tally in tallies.values():
        whole.right += tally.right
        whole.invented += tally.invented
        whole.missed += tally.missed
    return whole


def _count(tallies: dict[str, Tally], gold: Iterable[str], given: Iterable[str]) -> None:
    want, got = set(gold), set(given)
    for name in want | got:
        tally = tallies.setdefault(name, Tally())
        tally.right += name in want and name in got
        tally.invented += name not in want
        tally.missed += name not in got


def evaluate_conversations(
    understanding: Understanding, folder: Path, *, roles_known: bool, noise: float, seed: int
) -> ConversationFigures:
    """Score everything on the consented conversations of a folder of ID.json files.

    Args:
        understanding: the models.
        folder: with conversations as in the project's shared data.
        roles_known: tell the models who speaks; else they read it from the words.
        noise: share of the characters that are swapped for homophones.
        seed: of the noise.
    """
    figures = ConversationFigures()
    for path in sorted(folder.glob("*.json")):
        conversation: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if conversation.get("consent") != "granted":
            continue
        said = conversation["turns"]
        turns = [
            Turn(
                UUID(int=number),
                Role(one["role"]) if roles_known else Role.UNKNOWN,
                int(one["start"] * 1000),
                int(one["end"] * 1000),
                _heard(one["text"], noise=noise, seed=seed),
            )
            for number, one in enumerate(said)
        ]
        for one, analysis in zip(said, understanding.analyse(turns), strict=True):
            figures.turns += 1
            figures.roles_right += analysis.role == one["role"]
            figures.roles_wrong += analysis.role not in (one["role"], Role.UNKNOWN)
            staff = one["role"] == Role.STAFF
            _count(figures.intents, () if staff else one["intents"], (label.name for label in analysis.intents))
            _count(figures.acts, one["intents"] if staff else (), (label.name for label in analysis.acts))
            _count(figures.aspects, (a["aspect"] for a in one["aspects"]), (label.name for label in analysis.aspects))
            if not staff:
                figures.gold.append(one["sentiment"])
                figures.given.append(Sentiment.NEUTRAL if analysis.sentiment_uncertain else analysis.sentiment)
                figures.certain += not analysis.sentiment_uncertain
    return figures
