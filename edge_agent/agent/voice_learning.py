"""Learning the voice of a member of staff from the microphone of the shift, in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.agent.tap import Tap
from edge_agent.clock import Reading
from edge_agent.voiceprint import Voiceprints
from hardware.audio import AudioFrame
from models.errors import AbandonedError, VoicetrailError


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningEvents:
    """What is told of it, in its thread."""

    progress: Callable[[float], None]
    """Share 0…1 of the speech that is wanted."""
    over: Callable[[VoicetrailError | None], None]
    """It is learnt, or why it is not; given up by `stop` it is silent."""


class VoiceLearning:
    """Hears one person until there is enough speech, or their time is over; nothing but a vector remains."""

    def __init__(
        self,
        tap: Tap,
        *,
        staff: str,
        seconds: float,
        voiceprints: Voiceprints,
        clock: Callable[[], Reading],
        events: LearningEvents,
    ) -> None:
        """Begin.

        Args:
            tap: what the microphone hears while only they speak; it ends when their time is over.
            staff: whose voice.
            seconds: of speech that are wanted.
            voiceprints: where it is kept.
            clock: of the device.
            events: told in the thread.
        """
        self._tap = tap
        self._staff = staff
        self._seconds = seconds
        self._voiceprints = voiceprints
        self._clock = clock
        self._events = events
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up; what was heard is thrown away."""
        self._tap.abandon()

    def _run(self) -> None:
        try:
            self._learn()
        except AbandonedError:
            return
        except VoicetrailError as error:
            self._events.over(error)
        else:
            self._events.over(None)
        finally:
            self._tap.abandon()

    def _learn(self) -> None:
        # The detector and the embedder take half a second to load.
        from edge_agent.voice_embedder import VoiceEmbedder
        from edge_agent.voice_enrolment import VoiceEnrolment

        enrolment = VoiceEnrolment(VoiceEmbedder())
        for item in self._tap.frames():
            if isinstance(item, AudioFrame):
                enrolment.add(item.samples)
                self._events.progress(min(1.0, enrolment.speech_s / self._seconds))
            if enrolment.speech_s >= self._seconds:
                break
        self._voiceprints.keep(enrolment.finish(staff=self._staff, at=self._clock().moment))
