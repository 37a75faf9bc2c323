"""How good the models are on whole conversations with gold labels."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from models.analysis import Analysis
from models.errors import UnderstandingError
from models.labels import Role, Sentiment
from nlp.evaluation import Scores, f1, heard, scores
from nlp.redaction import redact
from nlp.understanding import Turn, Understanding


@dataclass(slots=True)
class Tally:
    """What was right, invented and missed of one label."""

    right: int = 0
    invented: int = 0
    missed: int = 0

    def precision(self) -> float:
        """Share of what was given that is right; 1 where nothing was given."""
        given = self.right + self.invented
        return self.right / given if given else 1.0

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

    def compare(self, gold: Mapping[str, Any], analysis: Analysis) -> None:
        """Count what is right and wrong in the analysis of one turn."""
        staff = gold["role"] == Role.STAFF
        self.turns += 1
        self.roles_right += analysis.role == gold["role"]
        self.roles_wrong += analysis.role not in (gold["role"], Role.UNKNOWN)
        _count(self.intents, () if staff else gold["intents"], (label.name for label in analysis.intents))
        _count(self.acts, gold["intents"] if staff else (), (label.name for label in analysis.acts))
        _count(self.aspects, (one["aspect"] for one in gold["aspects"]), (label.name for label in analysis.aspects))
        if not staff:
            self.gold.append(gold["sentiment"])
            self.given.append(Sentiment.NEUTRAL if analysis.sentiment_uncertain else analysis.sentiment)
            self.certain += not analysis.sentiment_uncertain

    def sentiment(self) -> Scores:
        """Figures over the customers' turns; an uncertain one counts as neutral."""
        return scores(self.gold, self.given)

    def as_values(self) -> dict[str, object]:
        """The figures as plain values."""
        whole = self.sentiment()
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

    Raises:
        UnderstandingError: a file is no such conversation (broken_line), or there is no consented one (no_rows).
    """
    figures = ConversationFigures()
    for path in sorted(folder.glob("*.json")):
        try:
            conversation: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if conversation["consent"] == "granted":
                said = conversation["turns"]
                turns = _turns(said, roles_known=roles_known, noise=noise, seed=seed)
                for one, analysis in zip(said, understanding.analyse(turns), strict=True):
                    figures.compare(one, analysis)
        except (KeyError, TypeError, ValueError) as broken:
            raise UnderstandingError(
                f"{path} is no conversation with gold labels: {broken!r}.",
                code="broken_line",
                advice="Give consent and turns with role, text, sentiment, intents, aspects, start and end.",
            ) from broken
    return figures


def _turns(said: Sequence[Mapping[str, Any]], *, roles_known: bool, noise: float, seed: int) -> list[Turn]:
    return [
        Turn(
            UUID(int=number),
            Role(one["role"]) if roles_known else Role.UNKNOWN,
            int(one["start"] * 1000),
            int(one["end"] * 1000),
            heard(redact(one["text"]).text, noise=noise, seed=seed),
        )
        for number, one in enumerate(said)
    ]
