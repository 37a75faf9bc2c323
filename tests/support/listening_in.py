"""Listens to a source in a thread, so that a test can act on its device meanwhile."""

import threading
from collections.abc import Callable

import numpy as np

from hardware.audio import AudioFrame, AudioGap, AudioSource
from hardware.signals import Signal


class ListeningIn:
    """What a source gave so far; use it with `with`. Time is checked to be tiled."""

    def __init__(self, source: AudioSource, signals: list[Signal]) -> None:
        self.source = source
        self.signals = signals
        self.items: list[AudioFrame | AudioGap] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "ListeningIn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.join()

    def join(self) -> None:
        """Wait for the end of the source."""
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "the source did not end"

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        waiting = threading.Event()
        for _ in range(6000):
            if condition():
                return
            waiting.wait(0.01)
        raise AssertionError(f"waited in vain; {self.items[-3:]} {self.signals} {self.error}")

    @property
    def samples(self) -> np.ndarray:
        """All audio, without the gaps."""
        return np.concatenate(
            [np.zeros(0, np.float32), *(item.samples for item in self.items if isinstance(item, AudioFrame))]
        )

    @property
    def gaps(self) -> list[AudioGap]:
        return [item for item in self.items if isinstance(item, AudioGap)]

    @property
    def end_ms(self) -> int:
        return self.items[-1].end_ms if self.items else 0

    def _listen(self) -> None:
        try:
            for item in self.source.frames():
                assert item.start_ms == self.end_ms, (item, self.end_ms)
                self.items.append(item)
        except Exception as error:  # looked at by the test
            self.error = error
