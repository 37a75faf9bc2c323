"""One conversation on its way from sound to sealed text."""

import threading

from edge_agent.agent.tap import Tap
from edge_agent.heard import HeardBlock
from edge_agent.recorder import Recorder
from edge_agent.recordings import Recording
from models.errors import AbandonedError


class Dictation:
    """What the recognising thread and the withdrawing customer share.

    A block is sealed wholly before a withdrawal or not at all.
    """

    def __init__(self, recording: Recording, tap: Tap) -> None:
        self.tap = tap
        self._recording = recording
        self._withdrawn = False
        self._gate = threading.Lock()

    @property
    def recording(self) -> Recording:
        """As far as it is sealed."""
        with self._gate:
            return self._recording

    @property
    def staff(self) -> str | None:
        """Who receives the customer; None of a recording without a conversation."""
        conversation = self.recording.conversation
        return None if conversation is None else conversation.staff

    @property
    def is_over(self) -> bool:
        """All of it is sealed, or thrown away."""
        with self._gate:
            return self._withdrawn or self._recording.complete

    def seal(self, recorder: Recorder, block: HeardBlock) -> None:
        """Store a block.

        Raises:
            AbandonedError: the customer withdrew.
            OutboxError: it could not be stored.
        """
        with self._gate:
            self._check()
            self._recording = recorder.seal(block, self._recording)
            self.tap.written(self._recording.until_ms)

    def close(self, recorder: Recorder) -> None:
        """End the conversation.

        Raises:
            AbandonedError: the customer withdrew.
            OutboxError: it could not be stored.
        """
        with self._gate:
            self._check()
            self._recording = recorder.close(self._recording)

    def give_up(self) -> Recording:
        """Stop and throw away what is not sealed; return the recording as far as it is."""
        with self._gate:
            self._withdrawn = True
            self.tap.abandon()
            return self._recording

    def _check(self) -> None:
        if self._withdrawn:
            raise AbandonedError("the customer withdrew")
