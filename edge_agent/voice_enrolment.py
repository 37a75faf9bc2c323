"""Learning a voice from what its owner says: twelve seconds of speech, of which nothing but a vector remains."""

from datetime import datetime
from typing import Final

import numpy as np

from edge_agent.speech import WINDOW_SAMPLES, SpeechDetector
from edge_agent.voice_embedder import WINDOW_SAMPLES as VOICE_SAMPLES
from edge_agent.voice_embedder import VoiceEmbedder
from edge_agent.voice_model import DIMENSIONS
from edge_agent.voiceprint import VoiceError, Voiceprint
from hardware.audio import SAMPLE_RATE_HZ, Samples

LEAST_SPEECH_S: Final = 12.0
"""With 12 s all turns of a dialogue of 35 were told apart."""

_SPEECH_FROM = 0.5
_SPOKEN_SHARE = 0.9
"""Of a voice window, as the detector hears it."""
_PART_SAMPLES = SAMPLE_RATE_HZ * 4


class VoiceEnrolment:
    """Hears one person for a while; it holds at most 4 s of sound."""

    def __init__(self, embedder: VoiceEmbedder) -> None:
        """Begin.

        Raises:
            RecognitionError: the speech detector does not load.
        """
        self._embedder = embedder
        self._detector = SpeechDetector()
        self._waiting: Samples = np.zeros(0, dtype=np.float32)
        self._sum = np.zeros(DIMENSIONS)
        self._speech_windows = 0

    @property
    def speech_s(self) -> float:
        """Speech heard so far, seconds, in steps of 4 s of sound."""
        return self._speech_windows * WINDOW_SAMPLES / SAMPLE_RATE_HZ

    @property
    def is_enough(self) -> bool:
        """There is as much speech as a voiceprint needs."""
        return self.speech_s >= LEAST_SPEECH_S

    def add(self, samples: Samples) -> None:
        """Hear more, any number of samples."""
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= _PART_SAMPLES:
            self._hear(self._waiting[:_PART_SAMPLES])
            self._waiting = self._waiting[_PART_SAMPLES:].copy()

    def finish(self, *, staff: str, at: datetime) -> Voiceprint:
        """Return the voiceprint of what was heard.

        Raises:
            VoiceError: voice_too_short.
        """
        self._hear(self._waiting[: len(self._waiting) // WINDOW_SAMPLES * WINDOW_SAMPLES])
        self._waiting = self._waiting[:0]
        if not self.is_enough or not self._sum.any():
            raise VoiceError(
                f"{self.speech_s:.0f} s of speech were heard; a voiceprint needs {LEAST_SPEECH_S:.0f} s",
                code="voice_too_short",
                advice="Speak on, alone and without long pauses, for half a minute.",
            )
        vector = self._sum / np.linalg.norm(self._sum)
        return Voiceprint(staff=staff, vector=tuple(vector.tolist()), speech_s=self.speech_s, made_at=at)

    def _hear(self, part: Samples) -> None:
        is_speech = self._detector.probabilities(part) >= _SPEECH_FROM
        self._speech_windows += int(is_speech.sum())
        voices = self._embedder.windows(part)
        begins = voices.start_ms * SAMPLE_RATE_HZ // 1000 // WINDOW_SAMPLES
        spoken = [is_speech[at : at + VOICE_SAMPLES // WINDOW_SAMPLES].mean() >= _SPOKEN_SHARE for at in begins]
        self._sum += voices.embeddings[np.array(spoken, dtype=bool)].sum(axis=0, dtype=np.float64)
