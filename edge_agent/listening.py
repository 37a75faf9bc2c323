"""Audio in any frames to planned blocks with their sound and their coverage, in bounded memory."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge_agent.heard import HeardSpan
from edge_agent.segmentation import PlannedBlock, Segmentation, Segmenter, Speech
from edge_agent.speech import WINDOW_SAMPLES, SpeechDetector
from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, Samples
from hardware.framing import FrameCutter
from models.labels import CoverageState

# 64 ms, two windows: text waits for the frame that ends a pause. Frames of 256 ms would save 0.07 % of a core.
_FRAME_SAMPLES = 2 * WINDOW_SAMPLES

# A shorter gap (some lost packets) is bridged with silence, so that damage every second does not cut every second.
_BRIDGED_GAP_MS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Listened:
    """A planned block with what is needed to recognise it."""

    plan: PlannedBlock
    clip: Samples
    """From the start of its first speech to the end of its last; empty for silence."""
    spans: tuple[HeardSpan, ...]
    """Heard, silent and lost; they tile the block."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """The speech of a block that is not over, at a pause."""

    speech: tuple[Speech, ...]


class Listening:
    """Listens to one source; it remembers sound from the start of the current clip on, and hardly more."""

    def __init__(self, *, settings: Segmentation, drafting: bool = False) -> None:
        """Load the detector.

        Args:
            settings: where to cut.
            drafting: also say what was spoken of a block at each of its pauses.

        Raises:
            RecognitionError: detector_unusable.
        """
        self._settings = settings
        self._drafting = drafting
        self._so_far: tuple[Speech, ...] = ()
        self._detector = SpeechDetector()
        self._gaps: deque[AudioGap] = deque()
        self._start_anew(at_ms=0)

    def blocks(self, items: Iterable[AudioFrame | AudioGap]) -> Iterator[Listened | SoFar | None]:
        """Give blocks as they are complete; they do not depend on how the audio is cut into frames.

        After each item comes None: a moment to do something else.
        """
        for item in items:
            if isinstance(item, AudioGap):
                yield from self._lost(item)
            else:
                yield from self._sound(item.samples)
            yield None
        yield from self._finish()

    def sound(self, speech: Sequence[Speech]) -> Samples:
        """Give the sound from the start of the first to the end of the last, as long as their block is not over."""
        return self._memory.between(speech[0].start_ms, speech[-1].end_ms)

    def _lost(self, gap: AudioGap) -> Iterator[Listened | SoFar]:
        if gap.end_ms - gap.start_ms <= _BRIDGED_GAP_MS:
            self._gaps.append(gap)
            yield from self._sound(np.zeros((gap.end_ms - gap.start_ms) * SAMPLES_PER_MS, dtype=np.float32))
            return
        yield from self._finish()
        block = PlannedBlock(start_ms=gap.start_ms, end_ms=gap.end_ms, speech=())
        self._gaps.append(gap)
        yield self._listened(block)
        self._start_anew(at_ms=gap.end_ms)

    def _sound(self, samples: Samples) -> Iterator[Listened | SoFar]:
        for frame in self._cutter.push(samples):
            yield from self._watch(frame.samples)
            yield from self._pause()

    def _finish(self) -> Iterator[Listened]:
        for frame in self._cutter.flush():
            yield from self._watch(frame.samples)
        for block in self._segmenter.finish(end_ms=self._cutter.position_ms):
            yield self._listened(block)

    def _watch(self, sound: Samples) -> Iterator[Listened]:
        self._memory.add(sound)
        samples = np.pad(sound, (0, -len(sound) % WINDOW_SAMPLES))
        probabilities = self._detector.probabilities(samples)
        levels = np.square(samples).reshape(-1, WINDOW_SAMPLES).mean(axis=1)
        for probability, level in zip(probabilities.tolist(), levels.tolist(), strict=True):
            for block in self._segmenter.push(probability=probability, level=level):
                yield self._listened(block)
        self._memory.forget_before(self._segmenter.keep_from_ms)

    def _pause(self) -> Iterator[SoFar]:
        speech = self._segmenter.so_far() if self._drafting else ()
        if speech and speech != self._so_far:
            self._so_far = speech
            yield SoFar(speech=speech)

    def _listened(self, block: PlannedBlock) -> Listened:
        clip = np.zeros(0, dtype=np.float32)
        if block.speech:
            clip = self.sound(block.speech)
        spans = tuple(coverage(block, self._gaps))
        while self._gaps and self._gaps[0].end_ms <= block.end_ms:
            self._gaps.popleft()
        return Listened(plan=block, clip=clip, spans=spans)

    def _start_anew(self, *, at_ms: int) -> None:
        self._detector.reset()
        self._cutter = FrameCutter(start_ms=at_ms, frame_samples=_FRAME_SAMPLES)
        self._memory = _Memory(start_ms=at_ms)
        self._segmenter = Segmenter(settings=self._settings, start_ms=at_ms)


class _Memory:
    """The sound that may still be needed, by its time."""

    def __init__(self, *, start_ms: int) -> None:
        self._parts: deque[Samples] = deque()
        self._start_ms = start_ms

    def add(self, samples: Samples) -> None:
        """Remember more sound, a whole number of milliseconds."""
        self._parts.append(samples)

    def between(self, start_ms: int, end_ms: int) -> Samples:
        """Give the sound of a time that has not been forgotten."""
        at = (start_ms - self._start_ms) * SAMPLES_PER_MS
        return np.concatenate(self._parts)[at : at + (end_ms - start_ms) * SAMPLES_PER_MS]

    def forget_before(self, time_ms: int) -> None:
        """Let go of older sound, as far as whole frames of it are older."""
        while self._parts and self._start_ms + len(self._parts[0]) // SAMPLES_PER_MS <= time_ms:
            self._start_ms += len(self._parts.popleft()) // SAMPLES_PER_MS


def coverage(block: PlannedBlock, gaps: Iterable[AudioGap]) -> list[HeardSpan]:
    """Tile a block: lost where a gap lies, heard from its first speech to its last, silent elsewhere.

    A pause inside a block is part of the talk (at most `Segmentation.longest_pause_ms`): spans of their own for each
    breath were two thirds of all records and told nobody anything.
    """
    lost = [(gap.start_ms, gap.end_ms, gap.reason) for gap in gaps]
    edges = {block.start_ms, block.end_ms}
    edges.update(edge for start_ms, end_ms, _ in lost for edge in (start_ms, end_ms))
    talk = (block.speech[0].start_ms, block.speech[-1].end_ms) if block.speech else (0, 0)
    edges.update(talk if block.speech else ())
    inside = sorted(edge for edge in edges if block.start_ms <= edge <= block.end_ms)
    spans: list[HeardSpan] = []
    for start_ms, end_ms in pairwise(inside):
        state, reason = _state_at(start_ms, lost=lost, talk=talk)
        joins = bool(spans) and (spans[-1].state, spans[-1].reason) == (state, reason)
        since_ms = spans.pop().start_ms if joins else start_ms
        spans.append(HeardSpan(state=state, reason=reason, start_ms=since_ms, end_ms=end_ms))
    return spans


def _state_at(
    time_ms: int, *, lost: Iterable[tuple[int, int, str]], talk: tuple[int, int]
) -> tuple[CoverageState, str]:
    for start_ms, end_ms, reason in lost:
        if start_ms <= time_ms < end_ms:
            return CoverageState.LOST, reason
    return (CoverageState.HEARD if talk[0] <= time_ms < talk[1] else CoverageState.SILENT), ""
