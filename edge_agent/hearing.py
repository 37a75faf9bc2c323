"""From a source's audio to blocks of recognised text, one block at a time; audio never leaves memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from edge_agent.alignment import Said, align, unread
from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance
from edge_agent.listening import Listened, Listening
from edge_agent.punctuation import written
from edge_agent.quality import suspicion
from edge_agent.recognition import Recogniser, Segment
from edge_agent.segmentation import Segmentation, Speech
from hardware.audio import SAMPLES_PER_MS, AudioSource
from models.conversation import Recognition
from nlp.normalise import to_simplified

__all__ = ["HeardBlock", "HeardSpan", "HeardUtterance", "Hearing"]

# The model at times ends early or jumps over a sentence; shorter holes are its imprecise time stamps.
_PASSED_OVER_MS = 1_500


class Hearing:
    """Hears a source from its start to its end."""

    def __init__(self, recogniser: Recogniser, *, segmentation: Segmentation | None = None) -> None:
        """Hear with a recogniser, which may be shared by one hearing after another."""
        self._recogniser = recogniser
        self._segmentation = segmentation or Segmentation()

    def hear(self, source: AudioSource, *, skip_blocks: int = 0) -> Iterator[HeardBlock]:
        """Give the source's blocks in order; pulling the next one is what drives the work.

        Args:
            source: opened by this call and closed when the iterator ends or is closed.
            skip_blocks: blocks that an earlier hearing of the same file has delivered; they are neither recognised
                nor given again.

        Raises:
            AudioError: the source cannot be read.
            RecognitionError: the speech detector does not load.
        """
        listening = Listening(settings=self._segmentation)
        with closing(source):
            for ordinal, listened in enumerate(listening.blocks(source.frames())):
                if ordinal >= skip_blocks:
                    yield self._heard(ordinal, listened)

    def _heard(self, ordinal: int, listened: Listened) -> HeardBlock:
        segments, cpu_s = self._read(listened) if listened.plan.speech else ([], 0.0)
        return HeardBlock(
            ordinal=ordinal,
            start_ms=listened.plan.start_ms,
            end_ms=listened.plan.end_ms,
            utterances=self._utterances(segments, listened.plan.speech) if segments else (),
            spans=listened.spans,
            recognition_cpu_s=cpu_s,
        )

    def _read(self, listened: Listened) -> tuple[list[Segment], float]:
        """Recognise a clip, and once more each stretch that the model passed over; give segments and CPU seconds."""
        speech = listened.plan.speech
        clip_start_ms = speech[0].start_ms
        first = self._recogniser.recognise(listened.clip)
        segments = [segment.later(clip_start_ms) for segment in first.segments]
        cpu_s = first.cpu_s
        for stretch in unread(segments, speech, shortest_ms=_PASSED_OVER_MS):
            from_ms, to_ms = stretch.start_ms - clip_start_ms, stretch.end_ms - clip_start_ms
            again = self._recogniser.recognise(listened.clip[from_ms * SAMPLES_PER_MS : to_ms * SAMPLES_PER_MS])
            segments += [segment.later(stretch.start_ms) for segment in again.segments]
            cpu_s += again.cpu_s
        return sorted(segments, key=lambda segment: segment.start_ms), cpu_s

    def _utterances(self, segments: Sequence[Segment], speech: Sequence[Speech]) -> tuple[HeardUtterance, ...]:
        peak = max(stretch.peak for stretch in speech)
        return tuple(
            self._utterance(said, [segments[at] for at in said.pieces], detector_peak=peak)
            for said in align(segments, speech)
        )

    def _utterance(self, said: Said, segments: Sequence[Segment], *, detector_peak: float) -> HeardUtterance:
        text = to_simplified(written([segment.text for segment in segments]))
        sizes = [len(segment.text) for segment in segments]
        recognition = Recognition(
            model=self._recogniser.model_name,
            avg_logprob=sum(s.avg_logprob * size for s, size in zip(segments, sizes, strict=True)) / sum(sizes),
            no_speech_prob=max(segment.no_speech_prob for segment in segments),
            compression_ratio=max(segment.compression_ratio for segment in segments),
        )
        return HeardUtterance(
            start_ms=said.start_ms,
            end_ms=said.end_ms,
            text=text,
            recognition=recognition,
            suspect=suspicion(text=text, recognition=recognition, detector_peak=detector_peak),
        )
