"""How long after speech its text appears: a recording heard as if it were live, without the waiting.

Nothing is modelled. The real hearing decodes each clip with the real recogniser on this machine; only the time that a
live source would let it wait is skipped, and none while a block is being read beside the listening. So a block that is
still being decoded when the next one ends delays it here as it would at a counter. What is left out: the sound card's
own delay, and audio given up under overload.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge_agent.heard import FirstText, HeardBlock
from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from edge_agent.segmentation import Segmentation
from edge_agent.speakers import Speakers
from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, AudioSource
from models.labels import CoverageState

_FRAME_MS = 20
"""How sound cards hand sound over."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One block's way from the end of speech to its text."""

    text_after_s: float
    """From the end of the block's last speech to the moment when text of all its speech was there, first text or last.
    Speech ends with the detector's last sure window; what is kept behind it for soft consonants is waiting."""
    settled_after_s: float
    """The same to its last text."""
    recognition_s: float
    """What one decoding of the block's clip took, by itself."""

    @property
    def ratio(self) -> float:
        """Text after speech, in bare recognition times; 1.5 is wanted."""
        return self.text_after_s / self.recognition_s


_LOOKED_S = 0.002
"""How often it is looked whether a block has been read."""


class _SkippingClock:
    """Real time without the waits in which nothing is done."""

    def __init__(self) -> None:
        self._skipped_s = -time.perf_counter()

    def now_s(self) -> float:
        """Seconds since the start, skipped ones included."""
        return time.perf_counter() + self._skipped_s

    def wait_until(self, moment_s: float, *, while_reading: Callable[[], bool]) -> None:
        """Let time pass: really while something is read, then at once."""
        while self.now_s() < moment_s and while_reading():
            time.sleep(_LOOKED_S)
        self._skipped_s += max(0.0, moment_s - self.now_s())


class _Live:
    """A recording that comes in as from a sound card: each frame not before it has been spoken."""

    def __init__(self, source: AudioSource, clock: _SkippingClock, *, is_reading: Callable[[], bool]) -> None:
        self._source = source
        self._clock = clock
        self._is_reading = is_reading

    @property
    def name(self) -> str:
        return self._source.name

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        for item in self._source.frames():
            for part in _parts(item):
                self._clock.wait_until(part.end_ms / 1000, while_reading=self._is_reading)
                yield part

    def close(self) -> None:
        self._source.close()


def _parts(item: AudioFrame | AudioGap) -> Iterator[AudioFrame | AudioGap]:
    if isinstance(item, AudioGap):
        yield item
        return
    for at_ms in range(0, item.end_ms - item.start_ms, _FRAME_MS):
        samples = item.samples[at_ms * SAMPLES_PER_MS : (at_ms + _FRAME_MS) * SAMPLES_PER_MS]
        yield AudioFrame(start_ms=item.start_ms + at_ms, samples=samples, directions=item.directions)


def hear_as_if_live(
    recogniser: Recogniser,
    source: AudioSource,
    *,
    segmentation: Segmentation | None = None,
    speakers: Callable[[str], Speakers] | None = None,
    staff: str | None = None,
) -> Iterator[tuple[HeardBlock, Latency | None]]:
    """Hear a recording as a device at a counter would; give each block, and the latency of those that hold text.

    The blocks say the same as those of `Hearing.hear` at fast pace.

    Args:
        recogniser: of this machine.
        source: a recording, read as fast as it comes.
        segmentation: where to cut.
        speakers: as for Hearing.
        staff: as for `Hearing.hear`.

    Raises:
        AudioError: the source cannot be read.
        RecognitionError: the speech detector does not load.
    """
    settings = segmentation or Segmentation()
    clock = _SkippingClock()
    hearing = Hearing(recogniser, segmentation=settings, speakers=speakers, clock_s=clock.now_s)
    drafted: dict[int, list[tuple[int, float]]] = {}

    def on_first_text(text: FirstText) -> None:
        if text.utterances:
            drafted.setdefault(text.ordinal, []).append((text.end_ms, clock.now_s()))

    live = _Live(source, clock, is_reading=lambda: hearing.is_reading)
    for block in hearing.hear(live, staff=staff, on_first_text=on_first_text):
        there_s = clock.now_s()
        latency = None
        if block.utterances:
            end_ms = max(span.end_ms for span in block.spans if span.state is not CoverageState.SILENT)
            # The first that had it all: a later one may hold the beginning of the next block too.
            whole_s = [at_s for until_ms, at_s in drafted.pop(block.ordinal, []) if until_ms >= end_ms]
            seen_s = whole_s[0] if whole_s else there_s
            latency = Latency(
                text_after_s=seen_s - (end_ms - settings.padding_ms) / 1000,
                settled_after_s=there_s - (end_ms - settings.padding_ms) / 1000,
                recognition_s=block.recognition_s,
            )
        yield block, latency
