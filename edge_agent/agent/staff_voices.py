"""Voices of the staff, as far as they have them learnt on this device."""

from collections.abc import Callable
from typing import Final

from edge_agent.agent.parts import Later
from edge_agent.agent.screen import Screen
from edge_agent.agent.shift import Shift
from edge_agent.agent.tap import Tap
from edge_agent.agent.voice_learning import LearningEvents, VoiceLearning
from edge_agent.clock import Reading
from edge_agent.voiceprint import Voiceprints
from models.errors import VoicetrailError

_PAUSES: Final = 3
"""Speech is waited for three times as long as it lasts."""


class StaffVoices:
    """Has one voice at a time learnt, and shows how far it is; used by the desk's thread."""

    def __init__(
        self,
        voiceprints: Voiceprints,
        *,
        screen: Screen,
        later: Later,
        look: Callable[[], None],
        clock: Callable[[], Reading],
    ) -> None:
        """Prepare.

        Args:
            voiceprints: where they are kept.
            screen: shows them.
            later: for what the learning thread has to say.
            look: called when one is learnt.
            clock: of the device.
        """
        self._voiceprints = voiceprints
        self._screen = screen
        self._later = later
        self._look = look
        self._clock = clock
        self._learning: Tap | None = None

    def learn(self, shift: Shift, *, seconds: float) -> None:
        """Learn the voice of a shift's staff from the next seconds of speech, while no customer is there.

        Raises:
            AgentError: an encounter goes on.
        """
        tap = shift.listen_to_staff(for_ms=round(seconds * 1000) * _PAUSES, now=self._clock())
        self._learning = tap
        VoiceLearning(
            tap,
            staff=shift.place.staff,
            seconds=seconds,
            voiceprints=self._voiceprints,
            clock=self._clock,
            events=LearningEvents(
                progress=lambda share: self._later(lambda: self._learnt(tap, share)),
                over=lambda error: self._later(lambda: self._over(tap, error)),
            ),
        )
        self._learnt(tap, 0.0)

    def break_off(self) -> None:
        """Show that none is learnt any more: its sound was thrown away."""
        self._learning = None
        self._screen.voice_learnt(None)

    def forget(self, staff: str) -> None:
        """Delete a voiceprint.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: it cannot be deleted.
        """
        self._voiceprints.forget(staff)

    def _learnt(self, tap: Tap, share: float) -> None:
        if self._learning is tap:
            self._screen.voice_learnt(share)

    def _over(self, tap: Tap, error: VoicetrailError | None) -> None:
        if self._learning is tap:
            self.break_off()
            self._screen.trouble(error)
            self._look()
