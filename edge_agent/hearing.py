"""From a source's audio to blocks of recognised text, one block at a time; audio never leaves memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from edge_agent.alignment import Said, align
from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance
from edge_agent.listening import Listened, Listening
from edge_agent.punctuation import written
from edge_agent.quality import suspicion
from edge_agent.recognition import Recogniser, Segment
from edge_agent.segmentation import Segmentation, Speech
from hardware.audio import AudioSource
from models.conversation import Recognition
from nlp.normalise import to_simplified

__all__ = ["HeardBlock", "HeardSpan", "HeardUtterance", "Hearing"]


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
        utterances: tuple[HeardUtterance, ...] = ()
        cpu_s = 0.0
        if listened.plan.speech:
            recognised = self._recogniser.recognise(listened.clip)
            cpu_s = recognised.cpu_s
            speech = listened.plan.speech
            utterances = self._utterances([part.later(speech[0].start_ms) for part in recognised.segments], speech)
        return HeardBlock(
            ordinal=ordinal,
            start_ms=listened.plan.start_ms,
            end_ms=listened.plan.end_ms,
            utterances=utterances,
            spans=listened.spans,
            recognition_cpu_s=cpu_s,
        )

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
