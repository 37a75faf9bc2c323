"""How well each answer of a closed set explains a short clip, by the recogniser's own probabilities.

Whisper reads a single word badly: alone it has no sentence to lean on. Asked which of a few answers it was, it knows
far more often. Each answer is given to the decoder, and its probability after the sound is held against the same
answer's probability after silence, noise and hum: what the model would say without hearing anything counts for nothing
(pointwise mutual information against a null input: Holtzman et al., "Surface Form Competition", EMNLP 2021,
https://arxiv.org/abs/2104.08315).
"""

from collections.abc import Iterator
from typing import Final

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper.tokenizer import Tokenizer

from edge_agent.agent.spoken_answer import ANSWERS, Meaning, Weighed
from edge_agent.recognition import Recogniser
from hardware.audio import SAMPLE_RATE_HZ, Samples

_Encoded = npt.NDArray[np.float32]
"""Shape (1, positions, width); a position is 20 ms."""

_FRAMES_PER_S: Final = 100
_FRAMES_PER_POSITION: Final = 2
_CONTEXT_FRAMES: Final = 1_000
"""The encoder hears the clip and silence up to 10 s, as in recognition …"""
_SPARE_POSITIONS: Final = 25
_FEWEST_POSITIONS: Final = 50
"""… and the decoder looks at the clip and half a second after it: a fifth of the time for the same order of answers."""
_TOGETHER: Final = 64
_ENDED_BY: Final = "。"
"""Alignment leaves the model's own end out of its probabilities, so a mark stands for it: else 不 explains 不同意."""
_RAREST: Final = 1e-30
_NULL_S: Final = 0.9
_NULL_LEVEL: Final = 0.03


class AnswerScoring:
    """Weighs `ANSWERS` with a recogniser's model; like that, threads may share it."""

    def __init__(self, recogniser: Recogniser) -> None:
        """Prepare: weigh them after sounds in which nothing is said."""
        self._whisper = recogniser.whisper
        self._tokenizer = Tokenizer(
            self._whisper.hf_tokenizer,
            self._whisper.model.is_multilingual,
            task="transcribe",
            language=recogniser.decoding.language,
        )
        self._answers = [(meaning, text) for meaning, texts in ANSWERS.items() for text in texts]
        self._tokens = [self._tokenizer.encode(text + _ENDED_BY) for _, text in self._answers]
        nulls = np.array([self._log_likelihoods(null) for null in _nulls()])
        self._prior = np.logaddexp.reduce(nulls, axis=0) - np.log(len(nulls))

    def weigh(self, *clips: Samples) -> Weighed:
        """Say how well each kind of answer explains an answer, cut out of its surroundings in one way or several.

        A cut that is 150 ms wider can change a gain by 6 nats; so what is cut in several ways is given the mean. Where
        the sound lasts for more than a few seconds, no answer explains it.
        """
        gains = (np.mean([self._log_likelihoods(clip) for clip in clips], axis=0) - self._prior).tolist()
        best: dict[Meaning, tuple[float, str]] = {}
        for (meaning, text), gain in zip(self._answers, gains, strict=True):
            best[meaning] = max(best.get(meaning, (gain, text)), (gain, text))
        return Weighed(
            texts={meaning: text for meaning, (_, text) in best.items()},
            gains={meaning: gain for meaning, (gain, _) in best.items()},
        )

    def _log_likelihoods(self, clip: Samples) -> npt.NDArray[np.float64]:
        frames = len(clip) * _FRAMES_PER_S // SAMPLE_RATE_HZ
        encoded = self._encoded(clip, frames=frames)
        found: list[float] = []
        for at in range(0, len(self._tokens), _TOGETHER):
            tokens = self._tokens[at : at + _TOGETHER]
            sound = ctranslate2.StorageView.from_array(np.repeat(encoded, len(tokens), axis=0))
            start = list(self._tokenizer.sot_sequence)
            aligned = self._whisper.model.align(sound, start, tokens, [frames] * len(tokens))
            found += [float(np.log(np.maximum(one.text_token_probs, _RAREST)).sum()) for one in aligned]
        return np.array(found)

    def _encoded(self, clip: Samples, *, frames: int) -> _Encoded:
        features = self._whisper.feature_extractor(clip)[:, :frames]
        silence = max(0, _CONTEXT_FRAMES - frames)
        padded = np.pad(features, ((0, 0), (0, silence)), constant_values=features.min())[np.newaxis]
        sound = ctranslate2.StorageView.from_array(np.ascontiguousarray(padded))
        encoded = np.asarray(self._whisper.model.encode(sound, to_cpu=True)).astype(np.float32)
        positions = max(_FEWEST_POSITIONS, frames // _FRAMES_PER_POSITION + _SPARE_POSITIONS)
        return np.ascontiguousarray(encoded[:, :positions])


def _nulls() -> Iterator[Samples]:
    """Give sounds in which nothing is said: silence, noise, mains hum."""
    size = round(_NULL_S * SAMPLE_RATE_HZ)
    hum = _NULL_LEVEL * np.sin(2 * np.pi * 150 * np.arange(size) / SAMPLE_RATE_HZ)
    yield np.zeros(size, dtype=np.float32)
    yield np.random.default_rng(0).normal(0, _NULL_LEVEL, size).astype(np.float32)
    yield hum.astype(np.float32)
