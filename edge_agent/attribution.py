"""Who spoke: evidence about each utterance of a conversation, fused. Pure; nothing here hears or reads.

Voices, levels and words are weighed together with the turns around them: expectation maximisation of a hidden Markov
model with two states (Rabiner 1989). What separates the two voices, and the two levels, is learned from the
conversation itself. Two voices can be told apart without knowing whose they are; which is staff, the words, the level
of a worn microphone, the direction or an enrolled voice must say. Where these do not, the answer is that it is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.labels import Role
from nlp.roles import Smoothed, smoothed

Vector = npt.NDArray[np.float64]

KNOWN_FROM = 0.8
"""Below this probability a role is unknown. On ten of the written conversations 0.99 of the pieces between 0.9 and 1
and 0.86 of those between 0.8 and 0.9 were right, and 0.56 of those below."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much each kind of evidence counts; tuned on the ten written conversations with odd numbers."""

    change_without_pause: float = 0.12
    """Probability that another person goes on where a sentence ends without a pause."""
    change_after_pause: tuple[tuple[int, float], ...] = ((300, 0.25), (500, 0.45), (1_000_000, 0.6))
    """The same after a pause shorter than so many milliseconds. Written conversations change nearly always after long
    pauses; people who think do not, so these stay nearer to a half."""
    change_after_question: float = 0.7
    words: float = 0.25
    """Per log-odds of the text model, which reads misheard words: on recognised pieces a quarter of its claim holds."""
    most_words: float = 2.0
    most_voice: float = 4.0
    most_level: float = 3.0
    most_direction: float = 4.0
    """Log-odds that one piece may gain from its words, voice, level or direction."""
    window_independence: float = 0.3
    """Windows of a voice overlap and sound alike: each beyond the first counts so much."""
    print_windows: float = 20.0
    """Windows of this conversation that an enrolled voice, heard in another room, is worth."""
    print_nearness: float = 30.0
    """Log-odds per unit of cosine by which the staff's pieces are nearer to the enrolled voice than the customer's."""
    shrinking_windows: float = 5.0
    """Windows of nobody's voice mixed into each voice, so that a piece or two make no voice of their own."""
    staff_louder_db: float = 2.0
    staff_louder_spread_db: float = 4.0
    """How much louder staff are than customers, at which spread: a microphone is nearer to who wears it, or as near."""
    rounds: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of one piece of speech: of one person, without a long pause."""

    start_ms: int
    end_ms: int
    voice: Vector
    """Mean of the unit vectors of its windows, as `edge_agent.voice_embedder` gives them, shape (256,)."""
    voice_windows: float
    """How many windows that mean is of; below 1 where the piece fills only a part of its window."""
    level_db: float
    words_log_odds: float
    """For staff when positive, as the text model says it."""
    asks: bool
    """It ends with a question mark."""
    follows_at_once: bool
    """No pause parts it from the piece before."""
    direction_log_odds: float = 0.0
    """For staff when positive; 0 without an array."""


@dataclass(frozen=True, slots=True)
class Attributed:
    """Who spoke, as far as the evidence goes."""

    role: Role
    """UNKNOWN below `KNOWN_FROM`."""
    confidence: float
    """Probability of the likelier role, from 0.5 to 1."""


def decided(staff: float) -> Attributed:
    """Return the role that a probability of staff speaking amounts to."""
    confidence = max(staff, 1 - staff)
    if confidence < KNOWN_FROM:
        return Attributed(role=Role.UNKNOWN, confidence=confidence)
    return Attributed(role=Role.STAFF if staff > 0.5 else Role.CUSTOMER, confidence=confidence)


def staff_probabilities(
    pieces: Sequence[Evidence], *, staff_voice: Vector | None = None, weighing: Weighing | None = None
) -> list[float]:
    """Return for each piece of a conversation the probability that staff spoke it.

    Several readings are tried, each begun from one kind of evidence, and each also with the roles exchanged; they
    count by how well they explain everything. So a conversation whose voices are clear but whose roles are not comes
    out near one half.

    Args:
        pieces: in the order of time.
        staff_voice: the enrolled voice of the staff member, a unit vector, shape (256,).
        weighing: how much each kind of evidence counts.
    """
    if not pieces:
        return []
    conversation = _Conversation(pieces, staff_voice=staff_voice, weighing=weighing or Weighing())
    readings: list[_Reading] = []
    for odds in conversation.beginnings():
        _put(readings, conversation.settled(conversation.smoothed(odds)))
    best = max(readings, key=lambda reading: reading.log_evidence)
    _put(readings, conversation.settled(1 - best.staff))
    highest = max(reading.log_evidence for reading in readings)
    weights = np.exp([reading.log_evidence - highest for reading in readings])
    staff: list[float] = np.average([reading.staff for reading in readings], axis=0, weights=weights).tolist()
    return staff


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One reading of a whole conversation."""

    staff: Vector
    log_evidence: float


_SAME_READING = 0.05
_CERTAIN = 1e-4


def _put(readings: list[_Reading], reading: _Reading) -> None:
    if all(np.abs(reading.staff - other.staff).mean() >= _SAME_READING for other in readings):
        readings.append(reading)


class _Conversation:
    """The evidence of a conversation as arrays, one row per piece."""

    def __init__(self, pieces: Sequence[Evidence], *, staff_voice: Vector | None, weighing: Weighing) -> None:
        self._weighing = weighing
        self._voices = np.array([piece.voice for piece in pieces], dtype=np.float64)
        self._windows = np.maximum(0.1, [piece.voice_windows for piece in pieces])
        # A window that the piece does not fill holds somebody else too.
        self._independent = np.where(
            self._windows < 1, self._windows**2 / 2, 1 + weighing.window_independence * (self._windows - 1)
        )
        self._levels_db = np.array([piece.level_db for piece in pieces])
        self._seconds = np.array([piece.end_ms - piece.start_ms for piece in pieces]) / 1000
        words = np.clip(
            [weighing.words * piece.words_log_odds for piece in pieces], -weighing.most_words, weighing.most_words
        )
        self._words = words + np.clip(
            [piece.direction_log_odds for piece in pieces], -weighing.most_direction, weighing.most_direction
        )
        self._changes = [_change(one, later, weighing) for one, later in pairwise(pieces)]
        self._staff_voice = staff_voice

    @cached_property
    def _mean_voice(self) -> Vector:
        mean: Vector = np.average(self._voices, axis=0, weights=self._windows)
        return mean

    def smoothed(self, log_odds: Vector) -> Vector:
        """Return probabilities of staff from log-odds of single pieces, none of them certain."""
        return _uncertain(smoothed(log_odds.tolist(), self._changes))

    def beginnings(self) -> list[Vector]:
        """Return log-odds to begin from: what each kind of evidence says alone."""
        by_level = np.clip(self._levels_db - np.median(self._levels_db), -4, 4)
        centred = self._voices - self._mean_voice
        strongest = np.linalg.svd(centred * np.sqrt(self._windows)[:, None], full_matrices=False)[2][0]
        by_voice = _standardised(centred @ strongest)
        # Which end of the strongest axis is staff, nobody knows.
        given = [self._words, by_level, by_voice, -by_voice]
        if self._staff_voice is not None:
            given.append(_standardised(self._voices @ self._staff_voice))
        return given

    def settled(self, staff: Vector) -> _Reading:
        """Learn voices and levels from probabilities, and probabilities from those, until they agree."""
        log_evidence = 0.0
        for _ in range(self._weighing.rounds):
            levels, louder_db = self._level_log_odds(staff)
            log_odds = self._words + self._voice_log_odds(staff) + levels
            result = smoothed(log_odds.tolist(), self._changes)
            staff = _uncertain(result)
            log_evidence = result.log_evidence + self._louder(louder_db)
        return _Reading(staff=staff, log_evidence=log_evidence + self._near_print(staff))

    def _voice_log_odds(self, staff: Vector) -> Vector:
        """Score each piece along the line between the two voices, which are learned from all other pieces.

        Left in, a piece would resemble whichever voice it was counted to, and any split of one voice would look real.
        """
        how = self._weighing
        given, worth = np.zeros(self._voices.shape[1]), 0.0
        if self._staff_voice is not None:
            worth = how.print_windows
            given = worth * np.linalg.norm(self._mean_voice) * self._staff_voice
        of_staff = self._voices_of_others(staff * self._windows, given, worth)
        of_customer = self._voices_of_others((1 - staff) * self._windows, np.zeros_like(given), 0.0)
        lines = of_staff - of_customer
        lines /= np.linalg.norm(lines, axis=1, keepdims=True) + 1e-9
        scores = (self._voices * lines).sum(axis=1)
        # A mean of n windows scatters by 1/n: the variance is that of a single window.
        count = len(scores)
        odds, apart = _two_normals(scores, staff, self._independent, count=count, least_variance=0.002)
        if apart <= 0:
            return np.zeros(count)
        return np.clip(self._independent * odds, -how.most_voice, how.most_voice)

    def _voices_of_others(self, weights: Vector, given: Vector, worth: float) -> Vector:
        """Return for each piece one role's mean voice without that piece, beginning from a voice worth some windows."""
        begun = given + self._weighing.shrinking_windows * self._mean_voice
        sums = begun + weights @ self._voices - weights[:, None] * self._voices
        counts = worth + self._weighing.shrinking_windows + weights.sum() - weights
        means: Vector = sums / counts[:, None]
        return means

    def _level_log_odds(self, staff: Vector) -> tuple[Vector, float]:
        """Return what levels say, and by how much staff are louder, in dB."""
        counted_s = np.minimum(self._seconds, 3.0)
        odds, louder_db = _two_normals(
            self._levels_db, staff, counted_s, count=float(counted_s.sum()), least_variance=4.0
        )
        most = self._weighing.most_level
        return np.clip(odds * np.minimum(1.0, self._seconds), -most, most), louder_db

    def _louder(self, louder_db: float) -> float:
        how = self._weighing
        return -((louder_db - how.staff_louder_db) ** 2) / (2 * how.staff_louder_spread_db**2)

    def _near_print(self, staff: Vector) -> float:
        if self._staff_voice is None:
            return 0.0
        nearness = self._voices @ self._staff_voice
        of_staff = np.average(nearness, weights=staff * self._windows)
        of_customer = np.average(nearness, weights=(1 - staff) * self._windows)
        return self._weighing.print_nearness * float(of_staff - of_customer)


def _two_normals(
    values: Vector, staff: Vector, weights: Vector, *, count: float, least_variance: float
) -> tuple[Vector, float]:
    """Fit a normal distribution of equal variance to each role; return log-odds per value, and staff's mean less."""
    of_staff, of_customer = staff * weights, (1 - staff) * weights
    high, low = np.average(values, weights=of_staff), np.average(values, weights=of_customer)
    spread = of_staff @ (values - high) ** 2 + of_customer @ (values - low) ** 2
    variance = max(float(spread / count), least_variance)
    return ((values - low) ** 2 - (values - high) ** 2) / (2 * variance), float(high - low)


def _change(one: Evidence, later: Evidence, weighing: Weighing) -> float:
    pause_ms = later.start_ms - one.end_ms
    if later.follows_at_once:
        change = weighing.change_without_pause
    else:
        change = next(change for below_ms, change in weighing.change_after_pause if pause_ms < below_ms)
    return max(change, weighing.change_after_question) if one.asks else change


def _standardised(values: Vector) -> Vector:
    return np.asarray(2 * (values - np.median(values)) / (values.std() + 1e-9))


def _uncertain(result: Smoothed) -> Vector:
    return np.clip(result.staff, _CERTAIN, 1 - _CERTAIN)
