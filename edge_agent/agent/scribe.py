"""Writes down what taps give, one after the other, in a thread of its own: nothing waits for recognition."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from edge_agent.agent.answer_listening import listened
from edge_agent.agent.dictation import Dictation
from edge_agent.agent.spoken_answer import Said
from edge_agent.agent.tap import Tap
from edge_agent.heard import FirstText, HeardBlock, HeardSpan
from edge_agent.outbox import Outbox
from edge_agent.recorder import Recorder
from models.errors import AbandonedError, OutboxError, VoicetrailError
from models.labels import CoverageState

if TYPE_CHECKING:
    from edge_agent.answer_scoring import AnswerScoring
    from edge_agent.hearing import Hearing

_STORE_AGAIN_S: Final = 1.0
"""How often a block that found no room is offered again; meanwhile sound waits in its bounded place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWanted:
    """A few seconds of sound of which is told, to one who forgets it, what was said."""

    tap: Tap
    heard: Callable[[Sequence[Said]], bool]
    """Told what was said so far, in the scribe's thread; True when that is enough."""
    over: Callable[[], None]
    """Told when the time is over and it was not enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScribeEvents:
    """What is told of the work, in its thread."""

    trouble: Callable[[VoicetrailError | None], None]
    """What keeps it from writing; None when that is over."""
    drafted: Callable[[Dictation, FirstText], None]
    """What probably was said last in a conversation."""
    closed: Callable[[], None]
    """A conversation was written down to its end, or thrown away."""


class Scribe:
    """Recognises conversations in the order in which they were granted; the recogniser is loaded for the first."""

    def __init__(
        self,
        *,
        open_outbox: Callable[[], Outbox],
        recorder: Callable[[Outbox], Recorder],
        hearing: "Callable[[], Hearing]",
        scoring: "Callable[[], AnswerScoring]",
        events: ScribeEvents,
    ) -> None:
        """Prepare.

        Args:
            open_outbox: for the thread.
            recorder: into that outbox.
            hearing: loads the recogniser.
            scoring: prepares it for answers.
            events: told in the thread.
        """
        self._open_outbox = open_outbox
        self._recorder = recorder
        self._load = hearing
        self._loaded: Hearing | None = None
        self._prepare = scoring
        self._scoring: AnswerScoring | None = None
        self._events = events
        self._queue: queue.SimpleQueue[Dictation | AnswerWanted | None] = queue.SimpleQueue()
        self._later: deque[Dictation | None] = deque()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)

    def start(self) -> None:
        """Begin to wait for work."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """It takes work."""
        return self._thread.is_alive()

    def write(self, dictation: Dictation) -> None:
        """Write a conversation down as it is heard."""
        self._queue.put(dictation)

    def read_answer(self, wanted: AnswerWanted) -> None:
        """Recognise a tap in memory; between two blocks of a conversation if need be."""
        self._queue.put(wanted)

    def close(self, *, wait_s: float) -> None:
        """Finish what is there, at most so long; what is not sealed then is closed by the next start."""
        self._queue.put(None)
        self._thread.join(timeout=wait_s)
        self._stopped.set()
        self._thread.join(timeout=_STORE_AGAIN_S)

    def _run(self) -> None:
        outbox = self._open_outbox()
        with closing(outbox):
            recorder = self._recorder(outbox)
            while True:
                job = self._later.popleft() if self._later else self._queue.get()
                if job is None:
                    return
                if isinstance(job, AnswerWanted):
                    self._answer(job)
                else:
                    self._write(job, recorder)
                    self._events.closed()

    def _write(self, dictation: Dictation, recorder: Recorder) -> None:
        try:
            try:
                for block in self._blocks(dictation):
                    self._store(partial(dictation.seal, recorder, block))
                    self._answers_first()
            except AbandonedError:
                raise
            except VoicetrailError as error:
                self._events.trouble(error)
                lost = _lost(dictation, reason=error.code)
                self._store(partial(dictation.seal, recorder, lost))
            self._store(partial(dictation.close, recorder))
        except AbandonedError:
            # The customer withdrew: who took the withdrawal has written down what remains.
            return

    def _blocks(self, dictation: Dictation) -> Iterator[HeardBlock]:
        drafted = partial(self._events.drafted, dictation)
        return self._hearing().hear(dictation.tap, staff=dictation.staff, on_first_text=drafted)

    def _store(self, store: Callable[[], None]) -> None:
        failed = False
        while not self._stopped.is_set():
            try:
                store()
            except OutboxError as error:
                failed = True
                self._events.trouble(error)
                self._stopped.wait(_STORE_AGAIN_S)
            else:
                if failed:
                    self._events.trouble(None)
                return
        raise AbandonedError("the program ends")

    def _answers_first(self) -> None:
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(job, AnswerWanted):
                self._answer(job)
            else:
                self._later.append(job)

    def _answer(self, wanted: AnswerWanted) -> None:
        said: list[Said] = []
        try:
            hearing = self._hearing()
            if self._scoring is None:
                self._scoring = self._prepare()
            with closing(listened(wanted.tap, hearing=hearing, scoring=self._scoring)) as heard:
                for one in heard:
                    said.append(one)
                    if wanted.heard(said):
                        return
        except AbandonedError:
            return
        except VoicetrailError as error:
            self._events.trouble(error)
        finally:
            wanted.tap.abandon()
        wanted.over()

    def _hearing(self) -> "Hearing":
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded


def _lost(dictation: Dictation, *, reason: str) -> HeardBlock:
    """Let the rest of a conversation pass by unheard; return the block that says so."""
    recording = dictation.recording
    end_ms = recording.until_ms
    for item in dictation.tap.frames():
        end_ms = max(end_ms, item.end_ms)
    span = HeardSpan(CoverageState.LOST, reason, recording.until_ms, end_ms)
    return HeardBlock(
        ordinal=recording.blocks,
        start_ms=recording.until_ms,
        end_ms=end_ms,
        utterances=(),
        spans=(span,) if end_ms > recording.until_ms else (),
        recognition_cpu_s=0.0,
    )
