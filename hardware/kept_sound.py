"""What a microphone that is worn keeps of the time in which nobody could hear it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

from hardware.audio import AudioSource, Samples


class KeptStretch(Protocol):
    """A stretch that the device heard by itself."""

    @property
    def recorded_at(self) -> datetime | None:
        """When it began, by the device's clock; None when that was not set."""

    @property
    def samples(self) -> Samples:
        """At 16 kHz, mono, shape (n,)."""

    def acknowledge(self) -> None:
        """Let the device forget it.

        Raises:
            AudioError: the device does not know it yet; what was said counts.
        """


class SoundStore(Protocol):
    """What one device keeps."""

    def read(self) -> Iterator[KeptStretch]:
        """Give what was not given yet, the oldest first.

        Raises:
            AudioError: permanent where nothing is kept, another one when it is to be tried again.
        """


@runtime_checkable
class KeepsSound(Protocol):
    """A source whose device keeps what it hears while it is not connected."""

    @property
    def offline_store(self) -> SoundStore | None:
        """Usable while `frames` runs in another thread; None of a device that keeps nothing."""


def store_of(source: AudioSource) -> SoundStore | None:
    """Return what a source's device keeps sound in; None when it keeps none."""
    return source.offline_store if isinstance(source, KeepsSound) else None
