"""What a conversation's turns say: feeling, intents, staff acts, aspects, who speaks.

Linear models over character n-grams, and rules as data. One conversation at a time, whole and in order; no clock, no
randomness: the same turns give the same analyses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from models.analysis import Analysis, Label
from models.errors import UnderstandingError
from models.labels import Intent, Role, Sentiment
from nlp import bundle
from nlp.features import Sounds, plain, readable
from nlp.linear import LinearModel, sigmoid, softmax
from nlp.normalise import normalise
from nlp.patterns import Rule, read_rules
from nlp.roles import read_roles
from nlp.terms import terms
from nlp.thresholds import Thresholds

_STAFF: Final = "staff"
_FELT: Final = frozenset({Intent.COMPLAIN, Intent.PRAISE, Intent.PRICE_OBJECTION, Intent.COMPENSATION, Intent.ESCALATE})
"""Intents that carry a feeling about something, so that an aspect may stand."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a conversation, redacted."""

    utterance_id: UUID
    role: Role
    start_ms: int
    end_ms: int
    text: str


class Feeling(NamedTuple):
    """Probabilities of the three sentiments; they add up to 1."""

    negative: float
    neutral: float
    positive: float

    def best(self) -> tuple[Sentiment, float]:
        """The likeliest sentiment with its probability."""
        return max(zip(Sentiment, self, strict=True), key=lambda pair: pair[1])

    def better(self) -> Sentiment:
        """Negative or positive, for texts that are known to carry feeling."""
        return Sentiment.POSITIVE if self.positive > self.negative else Sentiment.NEGATIVE


class Reason(NamedTuple):
    """Characters of a text, and what they add to the log-odds of a label."""

    label: str
    words: str
    weight: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """One turn as the models see it."""

    normalised: str
    ngrams: frozenset[str]
    scores: dict[str, float]
    """Log-odds of each intent, and of staff speaking."""


class Understanding:
    """The models of one folder of weights. Does not change after it is loaded; threads may share it.

    Attributes:
        model: name and version of models and rules.
    """

    def __init__(
        self,
        *,
        model: str,
        sounds: Sounds,
        sentiment: LinearModel,
        intents: LinearModel,
        fine_intents: LinearModel | None,
        thresholds: Thresholds,
    ) -> None:
        """Take the parts as `load()` reads them."""
        self.model = model
        self._sounds = sounds
        self._sentiment = sentiment
        self._intents = intents
        self._fine = fine_intents
        self._thresholds = thresholds
        self._acts = read_rules("acts", label="act")
        self._aspects = read_rules("aspects", label="aspect")

    def analyse(self, turns: Sequence[Turn]) -> list[Analysis]:
        """Analyse one conversation, whole, in order: one analysis for each turn."""
        seen = [self._seen(turn.text) for turn in turns]
        limits = self._thresholds
        roles = read_roles(
            [turn.role for turn in turns],
            [one.scores[_STAFF] if one.ngrams else 0.0 for one in seen],
            change=limits.role_change,
            known_from=limits.role_known_from,
        )
        return [self._analysis(turn, role, one) for turn, (role, _), one in zip(turns, roles, seen, strict=True)]

    def _seen(self, text: str) -> "_Seen":
        normalised = normalise(text).text
        ngrams = self._sounds.ngrams(plain(normalised))
        scores = map(float, self._intents.scores(ngrams))
        return _Seen(normalised, ngrams, dict(zip(self._intents.labels, scores, strict=True)))

    def _analysis(self, turn: Turn, role: Role, seen: "_Seen") -> Analysis:
        feeling = self._feeling(seen.ngrams, role)
        sentiment, probability = feeling.best()
        intents = self._intent_labels(seen, feeling) if role is not Role.STAFF else ()
        acts = _labels(self._acts, seen.normalised) if role is not Role.CUSTOMER else ()
        felt = sentiment is not Sentiment.NEUTRAL or any(label.name in _FELT for label in intents)
        return Analysis(
            utterance_id=turn.utterance_id,
            role=role,
            sentiment=sentiment,
            sentiment_probability=probability,
            sentiment_uncertain=not seen.ngrams or probability < self._thresholds.certain_from,
            intents=intents,
            acts=acts,
            aspects=_labels(self._aspects, seen.normalised) if felt and role is not Role.STAFF else (),
            terms=terms().find(seen.normalised),
            model=self.model,
        )

    def feeling(self, text: str, *, role: Role = Role.CUSTOMER) -> Feeling:
        """The sentiment of one text; a text without a word is neutral without certainty."""
        return self._feeling(self._sounds.ngrams(readable(text)), role)

    def _feeling(self, ngrams: frozenset[str], role: Role) -> Feeling:
        if not ngrams:
            return Feeling(0.25, 0.5, 0.25)
        opinion, positive = map(float, self._sentiment.scores(ngrams))
        limits = self._thresholds
        felt = sigmoid(opinion + (limits.staff_bias if role is Role.STAFF else limits.feeling_bias))
        share = sigmoid(positive)
        return Feeling(felt * (1 - share), 1 - felt, felt * share)

    def intents(self, text: str) -> dict[Intent, float]:
        """The probability of each intent for one customer turn, before thresholds."""
        scores = self._seen(text).scores
        return {Intent(label): sigmoid(score) for label, score in scores.items() if label != _STAFF}

    def fine_intents(self, text: str) -> dict[str, float]:
        """The probabilities of CIC's fine intents; they add up to 1.

        Raises:
            UnderstandingError: these weights have none (no_fine_intents).
        """
        if self._fine is None:
            raise UnderstandingError(
                "These weights were trained without the fine intents.",
                code="no_fine_intents",
                advice="Train without --licensed-only, or evaluate on rows with the 17 intents.",
            )
        scores = self._fine.scores(self._sounds.ngrams(readable(text)))
        return dict(zip(self._fine.labels, map(float, softmax(scores)), strict=True))

    def counts(self, intent: Intent, probability: float) -> bool:
        """Whether an intent of that probability is given, or abstained from."""
        return probability >= self._thresholds.intent(intent)

    def _intent_labels(self, seen: "_Seen", feeling: Feeling) -> tuple[Label, ...]:
        found = [
            Label(name=name, probability=probability)
            for name, score in seen.scores.items()
            if seen.ngrams
            and name != _STAFF
            and (probability := sigmoid(score)) >= self._thresholds.intent(name)
            and self._thresholds.agrees(name, negative=feeling.negative, positive=feeling.positive)
        ]
        return tuple(sorted(found, key=lambda label: (-label.probability, label.name)))

    def explain(self, text: str, *, role: Role = Role.CUSTOMER, most: int = 5) -> tuple[Reason, ...]:
        """The characters that spoke most for what was said of a text: for its feeling, and for each of its intents."""
        seen = self._seen(text)
        shown = plain(seen.normalised)
        feeling = self._feeling(seen.ngrams, role)
        sentiment, _ = feeling.best()
        reasons = []
        if sentiment is not Sentiment.NEUTRAL:
            sign = 1.0 if sentiment is Sentiment.POSITIVE else -1.0
            reasons += self._reasons(self._sentiment, "positive", shown, label=sentiment, sign=sign)[:most]
        for label in self._intent_labels(seen, feeling) if role is not Role.STAFF else ():
            reasons += self._reasons(self._intents, label.name, shown, label=label.name, sign=1.0)[:most]
        return tuple(reasons)

    def _reasons(self, model: LinearModel, column: str, shown: str, *, label: str, sign: float) -> list[Reason]:
        added: dict[str, float] = {}
        for gram, words in dict.fromkeys(self._sounds.places(shown)):
            bare = words.strip("^$")
            added[bare] = added.get(bare, 0.0) + sign * model.weight(gram, column)
        ranked = sorted(added.items(), key=lambda pair: (-pair[1], pair[0]))
        return [Reason(label, words, round(weight, 3)) for words, weight in ranked if words and weight > 0]


def _labels(rules: Sequence[Rule], text: str) -> tuple[Label, ...]:
    found = {rule.label: rule.probability for rule in rules if rule.holds(text)}
    return tuple(Label(name=name, probability=probability) for name, probability in found.items())


def load(folder: Path | None = None) -> Understanding:
    """Read the weights of a folder, by default the shipped ones, after checking them against their manifest.

    Raises:
        UnderstandingError: a file is absent (weights_missing) or not as it was trained (weights_altered).
    """
    place = folder or bundle.SHIPPED
    model = bundle.check(place)
    fine = place / "fine_intents.npz"
    return Understanding(
        model=model,
        sounds=Sounds.read(place / "sounds.txt"),
        sentiment=LinearModel.read(place / "sentiment.npz"),
        intents=LinearModel.read(place / "intents.npz"),
        fine_intents=LinearModel.read(fine) if fine.is_file() else None,
        thresholds=Thresholds.read(place / "settings.json"),
    )
