"""A source whose sound can be asked for once more while it is heard, for the few seconds of an answer."""

from collections.abc import Iterator

import numpy as np

from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, AudioSource, Samples


class RememberedSound:
    """Passes a source on and remembers all of it, in memory, until it is closed: only for sources that end soon."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._parts: list[Samples] = []

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give what the source gives; a gap is remembered as silence.

        Raises:
            AudioError: the source's.
        """
        for item in self._source.frames():
            if isinstance(item, AudioFrame):
                self._parts.append(item.samples)
            else:
                self._parts.append(np.zeros((item.end_ms - item.start_ms) * SAMPLES_PER_MS, dtype=np.float32))
            yield item

    def between(self, start_ms: int, end_ms: int) -> Samples:
        """Return the sound of a time that was given already, milliseconds since the source started."""
        sound = np.concatenate(self._parts) if self._parts else np.zeros(0, dtype=np.float32)
        return sound[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS]

    def close(self) -> None:
        """Close the source, and forget."""
        self._parts.clear()
        self._source.close()
