"""Where network speakers find the microphone that is open, if one is."""

import threading
from typing import TYPE_CHECKING, Final

from hardware.network_frames import Hello, no_shift
from models.errors import AudioError

if TYPE_CHECKING:
    from hardware.network_microphone import NetworkMicrophone, Speaker


class Door:
    """Where speakers find the source that is open, if one is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: NetworkMicrophone | None = None

    def open(self, source: "NetworkMicrophone") -> None:
        """Lead speakers to a source.

        Raises:
            AudioError: `microphone_in_use`, they are led to another one.
        """
        with self._lock:
            if self._open is not None and self._open is not source:
                raise AudioError(
                    "the network microphone is open already",
                    code="microphone_in_use",
                    permanent=False,
                    advice="End the other shift first.",
                )
            self._open = source

    def shut(self, source: "NetworkMicrophone") -> None:
        """Lead no speaker to a source any more."""
        with self._lock:
            if self._open is source:
                self._open = None

    def enter(self, hello: Hello, *, who: str, encrypted: bool) -> "Speaker":
        """Let a speaker in to the open source; see `NetworkMicrophone.enter`.

        Raises:
            SpeakerError: speaker_busy, no_shift.
        """
        with self._lock:
            source = self._open
        if source is None:
            raise no_shift()
        return source.enter(hello, who=who, encrypted=encrypted)


DOOR: Final = Door()
"""The door of this program: a program has one, as a machine has one sound card."""
