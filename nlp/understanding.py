"""What a conversation's turns say: feeling, intents, staff acts, aspects, who speaks.

Linear models over character n-grams, rules as data, and beside them the encoder where the weights have one. One
conversation at a time, whole and in order; no clock, no randomness: the same turns give the same analyses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from models.analysis import Analysis, Label
from models.errors import UnderstandingError
from models.labels import Intent, Role, Sentiment
from nlp import bundle
from nlp.answers import Answers, answers
from nlp.encoder import GRAPH, Encoder
from nlp.features import Sounds, plain
from nlp.framing import Said
from nlp.linear import LinearModel, sigmoid, softmax
from nlp.normalise import normalise
from nlp.patterns import RULED_OUT, Rule, read_rules
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
    """One turn as the linear models see it."""

    normalised: str
    ngrams: frozenset[str]
    scores: dict[str, float]
    """Log-odds of each intent, and of staff speaking."""

    @property
    def staff_log_odds(self) -> float:
        return self.scores[_STAFF] if self.ngrams else 0.0


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
        encoder: Encoder | None = None,
    ) -> None:
        """Take the parts as `load()` reads them."""
        self.model = model
        self._sounds = sounds
        self._sentiment = sentiment
        self._intents = intents
        self._fine = fine_intents
        self._thresholds = thresholds
        self._encoder = encoder
        self._acts = read_rules("acts", label="act")
        self._aspects = read_rules("aspects", label="aspect")

    def analyse(self, turns: Sequence[Turn]) -> list[Analysis]:
        """Analyse one conversation, whole, in order: one analysis for each turn."""
        seen = [self._seen(turn.text) for turn in turns]
        limits = self._thresholds
        roles = read_roles(
            [turn.role for turn in turns],
            [one.staff_log_odds for one in seen],
            change=limits.role_change,
            known_from=limits.role_known_from,
        )
        said = [Said(role, one.normalised) for (role, _), one in zip(roles, seen, strict=True)]
        given = answers(self._encoder, said)
        return [
            self._analysis(turn, role, one, own)
            for turn, (role, _), one, own in zip(turns, roles, seen, given, strict=True)
        ]

    def _alone(self, seen: "_Seen", role: Role) -> Answers:
        (alone,) = answers(self._encoder, [Said(role, seen.normalised)])
        return alone

    def _seen(self, text: str) -> "_Seen":
        normalised = normalise(text).text
        ngrams = self._sounds.ngrams(plain(normalised))
        scores = map(float, self._intents.scores(ngrams))
        return _Seen(normalised, ngrams, dict(zip(self._intents.labels, scores, strict=True)))

    def _analysis(self, turn: Turn, role: Role, seen: "_Seen", own: Answers) -> Analysis:
        feeling = self._feeling(seen.ngrams, role, own)
        sentiment, probability = feeling.best()
        intents = self._intent_labels(seen, feeling, own) if role is not Role.STAFF else ()
        acts = self._ruled(_odds(self._acts, seen), _itself, own) if role is not Role.CUSTOMER else ()
        felt = sentiment is not Sentiment.NEUTRAL or any(label.name in _FELT for label in intents)
        return Analysis(
            utterance_id=turn.utterance_id,
            role=role,
            sentiment=sentiment,
            sentiment_probability=probability,
            sentiment_uncertain=not seen.ngrams or probability < self._thresholds.certain_from,
            intents=intents,
            acts=acts,
            aspects=self._ruled(_odds(self._aspects, seen, holding=felt), _polarities, own)
            if role is not Role.STAFF
            else (),
            terms=terms().find(seen.normalised),
            model=self.model,
        )

    def feeling(self, text: str, *, role: Role = Role.CUSTOMER) -> Feeling:
        """The sentiment of one text; a text without a word is neutral without certainty."""
        seen = self._seen(text)
        return self._feeling(seen.ngrams, role, self._alone(seen, role))

    def _feeling(self, ngrams: frozenset[str], role: Role, own: Answers) -> Feeling:
        if not ngrams:
            return Feeling(0.25, 0.5, 0.25)
        scores = zip(self._sentiment.labels, map(float, self._sentiment.scores(ngrams)), strict=True)
        opinion, positive = (own.mixed(question, score) for question, score in scores)
        limits = self._thresholds
        felt = sigmoid(opinion + (limits.staff_bias if role is Role.STAFF else limits.feeling_bias))
        share = sigmoid(positive)
        return Feeling(felt * (1 - share), 1 - felt, felt * share)

    def intents(self, text: str) -> dict[Intent, float]:
        """The probability of each intent for one customer turn, before thresholds."""
        seen = self._seen(text)
        own = self._alone(seen, Role.CUSTOMER)
        return {
            Intent(label): sigmoid(own.mixed(label, score)) for label, score in seen.scores.items() if label != _STAFF
        }

    def staff_log_odds(self, text: str) -> float:
        """What the words of one turn say of its speaker: log-odds, for staff when positive; 0 for no words."""
        return self._seen(text).staff_log_odds

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
        seen = self._seen(text)
        own = self._alone(seen, Role.CUSTOMER)
        scores = own.mixed_fine(self._fine.labels, self._fine.scores(seen.ngrams))
        return dict(zip(self._fine.labels, map(float, softmax(scores)), strict=True))

    def counts(self, intent: Intent, probability: float) -> bool:
        """Whether an intent of that probability is given, or abstained from."""
        return probability >= self._thresholds.intent(intent)

    def _intent_labels(self, seen: "_Seen", feeling: Feeling, own: Answers) -> tuple[Label, ...]:
        found = [
            Label(name=name, probability=probability)
            for name, score in seen.scores.items()
            if seen.ngrams
            and name != _STAFF
            and (probability := sigmoid(own.mixed(name, score))) >= self._thresholds.intent(name)
            and self._thresholds.agrees(name, negative=feeling.negative, positive=feeling.positive)
        ]
        return tuple(sorted(found, key=lambda label: (-label.probability, label.name)))

    def _ruled(
        self, odds: Mapping[str, float], questions: Callable[[str], tuple[str, ...]], own: Answers
    ) -> tuple[Label, ...]:
        """The labels that rules and encoder together hold likelier than not."""
        mixed = {name: max(own.mixed(one, before) for one in questions(name)) for name, before in odds.items()}
        return tuple(Label(name=name, probability=round(sigmoid(one), 4)) for name, one in mixed.items() if one > 0)

    def explain(self, text: str, *, role: Role = Role.CUSTOMER, most: int = 5) -> tuple[Reason, ...]:
        """The characters that spoke most for what was said of a text: for its feeling, and for each of its intents."""
        seen = self._seen(text)
        shown = plain(seen.normalised)
        own = self._alone(seen, role)
        feeling = self._feeling(seen.ngrams, role, own)
        sentiment, _ = feeling.best()
        reasons = []
        if sentiment is not Sentiment.NEUTRAL:
            sign = 1.0 if sentiment is Sentiment.POSITIVE else -1.0
            reasons += self._reasons(self._sentiment, "positive", shown, label=sentiment, sign=sign)[:most]
        for label in self._intent_labels(seen, feeling, own) if role is not Role.STAFF else ():
            reasons += self._reasons(self._intents, label.name, shown, label=label.name, sign=1.0)[:most]
        return tuple(reasons)

    def _reasons(self, model: LinearModel, column: str, shown: str, *, label: str, sign: float) -> list[Reason]:
        added: dict[str, float] = {}
        for gram, words in dict.fromkeys(self._sounds.places(shown)):
            bare = words.strip("^$")
            added[bare] = added.get(bare, 0.0) + sign * model.weight(gram, column)
        ranked = sorted(added.items(), key=lambda pair: (-pair[1], pair[0]))
        return [Reason(label, words, round(weight, 3)) for words, weight in ranked if words and weight > 0]


def _odds(rules: Sequence[Rule], seen: _Seen, *, holding: bool = True) -> dict[str, float]:
    """Log-odds of each label by its rules; RULED_OUT for all where none may hold."""
    odds = dict.fromkeys((rule.label for rule in rules), RULED_OUT)
    for rule in rules if holding else ():
        odds[rule.label] = max(odds[rule.label], rule.log_odds(seen.normalised))
    return odds


def _itself(label: str) -> tuple[str, ...]:
    return (label,)


def _polarities(aspect: str) -> tuple[str, ...]:
    """The encoder's questions about an aspect."""
    return tuple(f"{aspect}:{polarity}" for polarity in (Sentiment.NEGATIVE, Sentiment.POSITIVE))


def load(folder: Path | None = None, *, threads: int = 1) -> Understanding:
    """Read the weights of a folder, by default the shipped ones, after checking them against their manifest.

    Args:
        folder: with the linear models, and the encoder where one was trained.
        threads: that one call of the encoder may use.

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
        encoder=Encoder.read(place, threads=threads) if (place / GRAPH).is_file() else None,
    )
