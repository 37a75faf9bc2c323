"""How good the models are on whole conversations with gold labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.analysis import Analysis
from models.labels import Role, Sentiment
from nlp.evaluation import Scores, calibration_error, f1, heard, scores
from nlp.event_scores import EventScores, spoken_of, utterance_id
from nlp.events.rules import shipped_rules
from nlp.gold import GoldConversation, GoldTurn, Ids, read_gold
from nlp.redaction import redact_turns
from nlp.tally import Tally
from nlp.understanding import Turn, Understanding


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
    confidences: list[tuple[float, bool]] = field(default_factory=list)
    """Of customers' turns: the probability of the likeliest sentiment, and whether it is right."""
    whole: EventScores = field(default_factory=EventScores)

    def compare(self, gold: GoldTurn, analysis: Analysis) -> None:
        """Count what is right and wrong in the analysis of one turn."""
        staff = gold.role is Role.STAFF
        self.turns += 1
        self.roles_right += analysis.role == gold.role
        self.roles_wrong += analysis.role not in (gold.role, Role.UNKNOWN)
        _count(self.intents, () if staff else gold.intents, (label.name for label in analysis.intents))
        _count(self.acts, gold.intents if staff else (), (label.name for label in analysis.acts))
        _count(self.aspects, (one.aspect for one in gold.aspects), (label.name for label in analysis.aspects))
        if not staff:
            self.gold.append(gold.sentiment)
            self.given.append(Sentiment.NEUTRAL if analysis.sentiment_uncertain else analysis.sentiment)
            self.certain += not analysis.sentiment_uncertain
            self.confidences.append((analysis.sentiment_probability, analysis.sentiment == gold.sentiment))

    def sentiment(self) -> Scores:
        """Figures over the customers' turns; an uncertain one counts as neutral."""
        return scores(self.gold, self.given)

    def as_values(self) -> dict[str, object]:
        """The figures as plain values."""
        whole = self.sentiment()
        return {
            **self.whole.as_values(),
            "ece": calibration_error(self.confidences),
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
    understanding: Understanding, place: Path, *, roles_known: bool, noise: float, seed: int, ids: Ids = Ids.ALL
) -> ConversationFigures:
    """Score everything on consented conversations with gold labels.

    Args:
        understanding: the models.
        place: a folder of ID.json files as in the project's shared data, or a file like our own training set.
        roles_known: tell the models who speaks; else they read it from the words.
        noise: share of the characters that are swapped for homophones.
        seed: of the noise.
        ids: which conversations.

    Raises:
        UnderstandingError: a file is no such conversation (broken_line), the set cannot be read (data_missing), or
            there is no consented conversation (no_rows).
    """
    figures = ConversationFigures()
    for gold in read_gold(place, ids=ids):
        _score(figures, gold, understanding, roles_known=roles_known, noise=noise, seed=seed)
    return figures


def _score(
    figures: ConversationFigures,
    gold: GoldConversation,
    understanding: Understanding,
    *,
    roles_known: bool,
    noise: float,
    seed: int,
) -> None:
    redacted = redact_turns([turn.text for turn in gold.turns])
    texts = [heard(text.text, noise=noise, seed=seed) for text in redacted]
    roles = [turn.role if roles_known else Role.UNKNOWN for turn in gold.turns]
    said = [
        Turn(utterance_id(place), role, int(turn.start * 1000), int(turn.end * 1000), text)
        for place, (turn, role, text) in enumerate(zip(gold.turns, roles, texts, strict=True))
    ]
    analyses = understanding.analyse(said)
    for turn, analysis in zip(gold.turns, analyses, strict=True):
        figures.compare(turn, analysis)
    spoken = [
        spoken_of(place, turn, text=texts[place], role=roles[place], analysis=analyses[place])
        for place, turn in enumerate(gold.turns)
    ]
    figures.whole.count(gold, spoken, redacted, rules=shipped_rules())
