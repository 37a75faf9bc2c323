"""The people of one conversation: who spoke each utterance, as far as is known when it is heard, and revised later."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.alignment import Phrase, Spoken
from edge_agent.attribution import Attributed, Evidence, Vector, decided, staff_probabilities
from edge_agent.heard import Remembered, RevisedRole
from edge_agent.sides import HeardDirections, Sides
from edge_agent.voice_embedder import WINDOW_SAMPLES, VoiceEmbedder, Voices
from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, Samples
from models.labels import Role
from nlp.normalise import to_simplified

StaffLogOdds = Callable[[str], float]
"""What the words of a text say of its speaker, for staff when positive."""

_MOST_PIECES = 200
"""Utterances that are weighed together, some ten minutes; what is further back stays as it was attributed."""

_REVISED_FROM = 0.2
"""A confidence that moves by less is not worth a record; another role always is."""

_WINDOW_MS = WINDOW_SAMPLES * 1000 / SAMPLE_RATE_HZ
_FILLED = 0.9
"""Share of a window that a phrase must fill for the voice in it to be the speaker's."""

_NO_WORDS = re.compile(r"〔[^〕]*〕|[^\u4e00-\u9fff]|[零一二三四五六七八九十百千万亿两幺点]")

_BREATH_MS = 800
"""A pause of one who goes on: with it a turn of ten conversations makes 1.5 utterances, without it 2.7."""
_LONGEST_TURN_MS = 15_000
_SURE = 0.9
"""Of phrases attributed with this confidence 99 in 100 are right."""

_LEVEL_SAMPLES = 512
_SILENCE = 1e-9


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person said in one go."""

    phrase: Phrase
    said_by: Attributed


@dataclass(frozen=True, slots=True)
class Turns:
    """What a block adds to a conversation."""

    turns: tuple[Turn, ...]
    revisions: tuple[RevisedRole, ...]
    """Of earlier turns, now that more is known."""


@dataclass(slots=True)
class _Known:
    evidence: Evidence
    told: Attributed
    """As it was last given out."""


class Speakers:
    """Remembers of a conversation how its people sound: in memory, and no longer than it lasts."""

    def __init__(
        self,
        *,
        embedder: VoiceEmbedder,
        staff_log_odds: StaffLogOdds,
        staff_voice: Vector | None = None,
        sides: Sides | None = None,
    ) -> None:
        """Begin a conversation.

        Args:
            embedder: of voices.
            staff_log_odds: of what is said.
            staff_voice: the enrolled voice of the staff member, a unit vector, shape (256,).
            sides: where people are about an array; None without one.
        """
        self._embedder = embedder
        self._staff_log_odds = staff_log_odds
        self._staff_voice = staff_voice
        self._sides = sides
        self._directions = HeardDirections()
        self._known: list[_Known] = []

    def watch(self, items: Iterable[AudioFrame | AudioGap]) -> Iterator[AudioFrame | AudioGap]:
        """Pass the conversation's audio on, and remember from where each moment was heard."""
        return self._directions.watch(items)

    def attribute(self, phrases: Sequence[Phrase], clip: Samples, *, clip_start_ms: int) -> Turns:
        """Join the phrases of a block to turns, and say who spoke each, and who spoke earlier ones after all.

        Args:
            phrases: of the block, in order.
            clip: its sound, from `clip_start_ms` on.
            clip_start_ms: in the milliseconds of the phrases.
        """
        if not phrases:
            return Turns(turns=(), revisions=())
        del self._known[:-_MOST_PIECES]
        sound = _Sound(clip, clip_start_ms, self._embedder.windows(clip))
        # By the block alone: a hearing that goes on after an interruption must cut as one that was never broken off.
        joined = _joined(phrases, self._staff_probabilities(self._evidence(phrases, sound)))
        new = self._evidence(joined, sound)
        everything = [*(known.evidence for known in self._known), *new]
        attributed = [decided(probability) for probability in self._staff_probabilities(everything)]
        revisions = self._revised(attributed)
        latest = attributed[len(self._known) :]
        self._known += [_Known(evidence, told) for evidence, told in zip(new, latest, strict=True)]
        turns = tuple(Turn(phrase, told) for phrase, told in zip(joined, latest, strict=True))
        return Turns(turns=turns, revisions=revisions)

    def recall(self, before: Sequence[Remembered], clip: Samples, *, clip_start_ms: int) -> None:
        """Hear again what an earlier hearing delivered of a block, to go on as if it had never been broken off.

        Args:
            before: utterances of the block; those that do not lie in the clip are left out.
            clip: its sound, from `clip_start_ms` on.
            clip_start_ms: in the milliseconds of the utterances.
        """
        clip_end_ms = clip_start_ms + len(clip) // SAMPLES_PER_MS
        inside = [one for one in before if clip_start_ms <= one.start_ms and one.end_ms <= clip_end_ms]
        sound = _Sound(clip, clip_start_ms, self._embedder.windows(clip))
        for one, evidence in zip(inside, self._evidence(inside, sound), strict=True):
            self._known.append(_Known(evidence, Attributed(role=one.role, confidence=one.role_confidence)))

    def _staff_probabilities(self, pieces: Sequence[Evidence]) -> list[float]:
        return staff_probabilities(pieces, staff_voice=self._staff_voice)

    def _revised(self, attributed: Sequence[Attributed]) -> tuple[RevisedRole, ...]:
        revisions = []
        for known, now in zip(self._known, attributed, strict=False):
            if now.role is not known.told.role or abs(now.confidence - known.told.confidence) >= _REVISED_FROM:
                known.told = now
                revisions.append(RevisedRole(known.evidence.start_ms, now.role, now.confidence))
        return tuple(revisions)

    def _evidence(self, said: Sequence[Spoken], sound: "_Sound") -> list[Evidence]:
        found: list[Evidence] = []
        for one in said:
            from_ms, to_ms = one.start_ms - sound.start_ms, one.end_ms - sound.start_ms
            voice, windows = voice_between(sound.voices, from_ms, to_ms)
            found.append(
                Evidence(
                    start_ms=one.start_ms,
                    end_ms=one.end_ms,
                    voice=voice,
                    voice_windows=windows,
                    level_db=speech_level_db(sound.samples[from_ms * SAMPLES_PER_MS : to_ms * SAMPLES_PER_MS]),
                    words_log_odds=self._staff_log_odds(words_alone(one.text)),
                    asks=one.text.rstrip()[-1:] in ("?", "？"),
                    follows_at_once=bool(found) and found[-1].end_ms == one.start_ms,
                    direction_log_odds=self._direction_log_odds(one),
                )
            )
        return found

    def _direction_log_odds(self, said: Spoken) -> float:
        if self._sides is None:
            return 0.0
        return self._sides.staff_log_odds(self._directions.between(said.start_ms, said.end_ms))


@dataclass(frozen=True, slots=True, eq=False)
class _Sound:
    """A clip and the voices in it."""

    samples: Samples
    start_ms: int
    voices: Voices


def words_alone(text: str) -> str:
    """Return the Han characters of a text without numbers and masks: the same before and after it is masked."""
    return _NO_WORDS.sub("", to_simplified(text))


def in_stretches(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Join the phrases of each stretch of speech, for those who do not ask who spoke."""
    joined: list[Phrase] = []
    for phrase in phrases:
        if joined and joined[-1].stretch == phrase.stretch:
            joined[-1] = joined[-1].joined(phrase)
        else:
            joined.append(phrase)
    return joined


def voice_between(voices: Voices, from_ms: float, to_ms: float) -> tuple[Vector, float]:
    """Return the mean voice of a stretch of a sound, and of how many windows it is.

    Windows count that lie nine tenths inside. Where the stretch is shorter than that, the window that it fills most
    counts by the share that it fills; a sound without a window gives no voice.
    """
    if not len(voices.start_ms):
        return np.zeros(voices.embeddings.shape[1]), 0.0
    starts_ms = voices.start_ms
    inside_ms = np.minimum(starts_ms + _WINDOW_MS, to_ms) - np.maximum(starts_ms, from_ms)
    filled = np.clip(inside_ms / _WINDOW_MS, 0.0, 1.0)
    chosen = filled >= _FILLED
    if chosen.any():
        return voices.embeddings[chosen].mean(axis=0, dtype=np.float64), float(chosen.sum())
    best = int(filled.argmax())
    return voices.embeddings[best].astype(np.float64), float(filled[best])


def speech_level_db(samples: Samples) -> float:
    """Return the mean power of the louder two thirds of a sound's 32 ms windows, dB below full scale."""
    whole = len(samples) // _LEVEL_SAMPLES * _LEVEL_SAMPLES
    powers = np.square(samples[:whole], dtype=np.float64).reshape(-1, _LEVEL_SAMPLES).mean(axis=1)
    louder = np.sort(powers)[len(powers) // 3 :]
    return float(10 * np.log10((louder.mean() if len(louder) else 0.0) + _SILENCE))


def _joined(phrases: Sequence[Phrase], staff: Sequence[float]) -> list[Phrase]:
    """Join neighbours where one known person speaks on, over a breath where it is sure; what is joined stays so."""
    joined: list[Phrase] = []
    before = decided(0.5)
    for phrase, probability in zip(phrases, staff, strict=True):
        now = decided(probability)
        if joined and now.role is before.role is not Role.UNKNOWN and _speaks_on(joined[-1], before, phrase, now):
            joined[-1] = joined[-1].joined(phrase)
        else:
            joined.append(phrase)
        before = now
    return joined


def _speaks_on(said: Phrase, before: Attributed, phrase: Phrase, now: Attributed) -> bool:
    if said.stretch == phrase.stretch:
        return True
    is_breath = phrase.start_ms - said.end_ms <= _BREATH_MS and phrase.end_ms - said.start_ms <= _LONGEST_TURN_MS
    return is_breath and min(before.confidence, now.confidence) >= _SURE
