"""From a source's audio to blocks of recognised text, one block at a time; audio never leaves memory."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from edge_agent.alignment import phrases, unread
from edge_agent.attribution import Attributed
from edge_agent.drafting import Allowance, Draft, Waited
from edge_agent.heard import FirstText, HeardBlock, HeardSpan, HeardUtterance, Remembered
from edge_agent.level_range import level_range_db
from edge_agent.listening import Listened, Listening
from edge_agent.murmur import is_murmur, nobody_near
from edge_agent.punctuation import written
from edge_agent.quality import suspicion
from edge_agent.reader import MOST_WAITING, Reader
from edge_agent.recognition import Recogniser, Segment
from edge_agent.segmentation import Segmentation, Speech
from edge_agent.speakers import Speakers, Turn, Turns, in_stretches
from edge_agent.terms import Terms
from hardware.audio import SAMPLES_PER_MS, AudioSource, Samples
from models.conversation import Recognition
from models.errors import AbandonedError, AudioError
from models.labels import Role
from nlp.normalise import to_simplified

__all__ = ["FirstText", "HeardBlock", "HeardSpan", "HeardUtterance", "Hearing"]

# The model at times ends early or jumps over a sentence; shorter holes are its imprecise time stamps.
_PASSED_OVER_MS = 1_500
# A single word may be level from its start to its end.
_WITH_PAUSES_MS = 1_000


@dataclass(frozen=True, slots=True)
class _Read:
    """What a clip says, and what reading it cost."""

    segments: list[Segment]
    cpu_s: float
    recognition_s: float
    level_range_db: float | None = None
    """Of the clip; None where it is too short to have pauses."""


_NOTHING = _Read(segments=[], cpu_s=0.0, recognition_s=0.0)
_MURMUR = _Read(segments=[], cpu_s=0.0, recognition_s=0.0)
_NOBODY = Attributed(role=Role.UNKNOWN, confidence=0.0)


class Hearing:
    """Hears a source from its start to its end."""

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        segmentation: Segmentation | None = None,
        terms: Terms | None = None,
        speakers: Callable[[str], Speakers] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hear with a recogniser, which may be shared by one hearing after another.

        Args:
            recogniser: reads clips.
            segmentation: where to cut.
            terms: the site's own words; an utterance that may have misheard one is read again with it in mind.
            speakers: begins a conversation with a member of staff; without it nobody is told who spoke.
            clock_s: tells whether the source had to be waited for.
        """
        self._recogniser = recogniser
        self._segmentation = segmentation or Segmentation()
        self._terms = terms
        self._speakers = speakers
        self._clock_s = clock_s
        self._reader = Reader()

    def hear(
        self,
        source: AudioSource,
        *,
        staff: str | None = None,
        skip_blocks: int = 0,
        before: Sequence[Remembered] = (),
        on_first_text: Callable[[FirstText], None] | None = None,
    ) -> Generator[HeardBlock, None, None]:
        """Give the source's blocks in order; pulling the next one is what drives the work.

        Where first texts are wanted, a block is read in a thread of its own while what follows is listened to.

        Args:
            source: opened by this call and closed when the iterator ends or is closed.
            staff: who receives the customer; None when it is not asked who speaks.
            skip_blocks: blocks that an earlier hearing of the same file has delivered; they are neither recognised
                nor given again.
            before: utterances of those blocks, so that who spoke goes on as if there had been no interruption.
            on_first_text: for live sources: told, in the caller's thread, at pauses, while nothing else waits, what the
                block so far probably says. What is spent on that in vain is at most 0.6 of a core. The blocks are the
                same either way.

        Raises:
            AudioError: the source cannot be read; what was heard before is given first, unless it is AbandonedError.
            RecognitionError: the speech detector does not load.
            VoiceError: the enrolled voices do not open.
        """
        speakers = self._speakers(staff) if self._speakers is not None and staff is not None else None
        listening = Listening(settings=self._segmentation, drafting=on_first_text is not None)
        begun: deque[Future[HeardBlock]] = deque()
        with closing(source), _called_off(begun):
            given = source.frames() if speakers is None else speakers.watch(source.frames())
            items = Waited(given, clock_s=self._clock_s)
            allowance = Allowance()
            draft: Draft[_Read] = Draft()
            ordinal = 0
            try:
                for found in listening.blocks(items):
                    if isinstance(found, Listened):
                        heard = partial(self._heard, ordinal, found, draft=draft, speakers=speakers)
                        if ordinal >= skip_blocks and on_first_text is None:
                            yield heard()
                        elif ordinal >= skip_blocks:
                            begun.append(self._reader.begin(heard))
                            allowance.spend(-draft.saved_cpu_s(found.plan.speech))
                        elif speakers is not None:
                            _recall(before, found, speakers)
                        draft = Draft()
                        ordinal += 1
                    elif found is None or on_first_text is None or ordinal < skip_blocks:
                        pass
                    elif items.is_idle and allowance.is_left(listened_ms=items.until_ms):
                        sound = listening.sound
                        allowance.spend(self._read_ahead(ordinal, found.speech, sound, draft, tell=on_first_text))
                    yield from _read_of(begun, most_waiting=MOST_WAITING)
            except AbandonedError:
                raise
            except AudioError:
                # What was heard before is not lost with the source.
                yield from _read_of(begun, most_waiting=0)
                raise
            yield from _read_of(begun, most_waiting=0)

    @property
    def is_reading(self) -> bool:
        """A block is being read beside what is listened to."""
        return self._reader.is_reading

    def _read_ahead(
        self,
        ordinal: int,
        speech: tuple[Speech, ...],
        clip_of: Callable[[Sequence[Speech]], Samples],
        draft: Draft[_Read],
        *,
        tell: Callable[[FirstText], None],
    ) -> float:
        """Read what the draft lacks, and tell it; give CPU seconds."""
        piece = draft.next_piece(speech)
        if not piece:
            return 0.0
        clip = clip_of(piece)
        read = self._read(piece, clip)
        # Nobody is asked who spoke: what speakers hear they remember, and a piece is heard again with its block.
        turns = self._turns(read, piece, clip, None).turns
        draft.add(piece, read, utterances=self._utterances(turns, read, piece), cpu_s=read.cpu_s)
        if read.cpu_s:
            tell(FirstText(ordinal=ordinal, end_ms=speech[-1].end_ms, utterances=draft.utterances))
        return read.cpu_s

    def _heard(self, ordinal: int, listened: Listened, *, draft: Draft[_Read], speakers: Speakers | None) -> HeardBlock:
        speech = listened.plan.speech
        read, known = _NOTHING, draft.of(speech) if speech else None
        if speech:
            read = known or self._read(speech, listened.clip)
        said = self._turns(read, speech, listened.clip, speakers)
        utterances = self._utterances(said.turns, read, speech)
        again = [self._with_terms(one, listened.clip, clip_start_ms=speech[0].start_ms) for one in utterances]
        return HeardBlock(
            ordinal=ordinal,
            start_ms=listened.plan.start_ms,
            end_ms=listened.plan.end_ms,
            utterances=tuple(one for one, _ in again),
            revisions=said.revisions,
            spans=nobody_near(listened.spans) if read is _MURMUR else listened.spans,
            recognition_cpu_s=read.cpu_s + sum(cpu_s for _, cpu_s in again),
            recognition_s=read.recognition_s,
            drafting_cpu_s=draft.cpu_s - (known.cpu_s if known else 0.0),
        )

    def _with_terms(self, said: HeardUtterance, clip: Samples, *, clip_start_ms: int) -> tuple[HeardUtterance, float]:
        """Read an utterance again where it may have misheard one of the site's words; give it and CPU seconds."""
        hints = self._terms.hints(said.text) if self._terms is not None and said.suspect is None else ()
        if self._terms is None or not hints:
            return said, 0.0
        from_ms, to_ms = said.start_ms - clip_start_ms, said.end_ms - clip_start_ms
        again = self._recogniser.recognise(clip[from_ms * SAMPLES_PER_MS : to_ms * SAMPLES_PER_MS], hints=hints)
        text = to_simplified(written([segment.text for segment in again.segments]))
        if not self._terms.takes(text, instead_of=said.text, hints=hints):
            return said, again.cpu_s
        sizes = [len(segment.text) for segment in again.segments]
        recognition = _judged(again.segments, sizes, model=self._recogniser.model_name)
        # The detector has heard this stretch already, and found it to be speech.
        if suspicion(text=text, recognition=recognition, detector_peak=1.0) is not None:
            return said, again.cpu_s
        return replace(said, text=text, recognition=recognition), again.cpu_s

    def _read(self, speech: Sequence[Speech], clip: Samples) -> _Read:
        """Recognise a clip, and once more each stretch that the model passed over; nothing of a murmur."""
        if is_murmur(clip):
            return _MURMUR
        clip_start_ms = speech[0].start_ms
        first = self._recogniser.recognise(clip)
        segments = [segment.later(clip_start_ms) for segment in first.segments]
        cpu_s = first.cpu_s
        # By its words: where the model jumps over a sentence, the time stamps of its segments are off by as much.
        words = [word for segment in segments for word in segment.words]
        for stretch in unread(words, speech, shortest_ms=_PASSED_OVER_MS):
            from_ms, to_ms = stretch.start_ms - clip_start_ms, stretch.end_ms - clip_start_ms
            again = self._recogniser.recognise(clip[from_ms * SAMPLES_PER_MS : to_ms * SAMPLES_PER_MS])
            segments += [segment.later(stretch.start_ms) for segment in again.segments]
            cpu_s += again.cpu_s
        segments.sort(key=lambda segment: segment.words[0].start_ms if segment.words else segment.start_ms)
        range_db = level_range_db(clip) if len(clip) >= _WITH_PAUSES_MS * SAMPLES_PER_MS else None
        return _Read(segments=segments, cpu_s=cpu_s, recognition_s=first.wall_s, level_range_db=range_db)

    def _turns(self, read: _Read, speech: Sequence[Speech], clip: Samples, speakers: Speakers | None) -> Turns:
        spoken = phrases([segment.words for segment in read.segments], speech)
        if speakers is not None and spoken:
            return speakers.attribute(spoken, clip, clip_start_ms=speech[0].start_ms)
        turns = tuple(Turn(phrase, _NOBODY) for phrase in in_stretches(spoken))
        return Turns(turns=turns, revisions=())

    def _utterances(self, turns: Sequence[Turn], read: _Read, speech: Sequence[Speech]) -> tuple[HeardUtterance, ...]:
        peak = max((stretch.peak for stretch in speech), default=0.0)
        return tuple(self._utterance(turn, read, detector_peak=peak) for turn in turns)

    def _utterance(self, turn: Turn, read: _Read, *, detector_peak: float) -> HeardUtterance:
        pieces = turn.phrase.pieces
        segments = [read.segments[piece.of] for piece in pieces]
        text = to_simplified(written([piece.text.strip() for piece in pieces]))
        recognition = _judged(segments, [len(piece.text) for piece in pieces], model=self._recogniser.model_name)
        return HeardUtterance(
            start_ms=turn.phrase.start_ms,
            end_ms=turn.phrase.end_ms,
            text=text,
            recognition=recognition,
            suspect=suspicion(
                text=text, recognition=recognition, detector_peak=detector_peak, level_range_db=read.level_range_db
            ),
            role=turn.said_by.role,
            role_confidence=turn.said_by.confidence,
        )


def _read_of(begun: deque[Future[HeardBlock]], *, most_waiting: int) -> Iterator[HeardBlock]:
    """Give the blocks that are read, in order, and wait for the first ones while more than so many are left."""
    while begun and (begun[0].done() or len(begun) > most_waiting):
        yield begun.popleft().result()


def _recall(before: Sequence[Remembered], listened: Listened, speakers: Speakers) -> None:
    plan = listened.plan
    if plan.speech:
        inside = [one for one in before if plan.start_ms <= one.start_ms < plan.end_ms]
        speakers.recall(inside, listened.clip, clip_start_ms=plan.speech[0].start_ms)


@contextmanager
def _called_off(begun: Iterable[Future[HeardBlock]]) -> Iterator[None]:
    """Leave unread at the end what nobody will ask for."""
    try:
        yield
    finally:
        for one in begun:
            one.cancel()


def _judged(segments: Sequence[Segment], sizes: Sequence[int], *, model: str) -> Recognition:
    """Give what the model says of a text, each segment by how much of the text is its own."""
    return Recognition(
        model=model,
        avg_logprob=sum(s.avg_logprob * size for s, size in zip(segments, sizes, strict=True)) / sum(sizes),
        no_speech_prob=max(segment.no_speech_prob for segment in segments),
        compression_ratio=max(segment.compression_ratio for segment in segments),
    )
