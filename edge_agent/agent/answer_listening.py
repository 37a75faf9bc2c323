"""Hears the few seconds after the question, in memory: what was said, read and weighed."""

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from edge_agent.agent.remembered_sound import RememberedSound
from edge_agent.agent.spoken_answer import LONGEST_ANSWER_MS, Said
from edge_agent.heard import HeardBlock
from edge_agent.quality import Suspicion
from hardware.audio import AudioSource
from models.labels import CoverageState

if TYPE_CHECKING:
    from edge_agent.answer_scoring import AnswerScoring
    from edge_agent.hearing import Hearing

_WIDER_MS: Final = 300
"""On each side of an answer, for the second time that it is weighed."""


def listened(source: AudioSource, *, hearing: "Hearing", scoring: "AnswerScoring") -> Generator[Said, None, None]:
    """Give what is said, block by block, until the source ends; closed with the iterator.

    Raises:
        AudioError: the source cannot be read.
        RecognitionError: the speech detector does not load.
    """
    sound = RememberedSound(source)
    with closing(hearing.hear(sound)) as blocks:
        for block in blocks:
            yield _said(block, sound, scoring=scoring)


def _said(block: HeardBlock, sound: RememberedSound, *, scoring: "AnswerScoring") -> Said:
    """Return a block's text, and how it is weighed unless it is too long for one answer."""
    texts = tuple(heard.text for heard in block.utterances if heard.suspect is None)
    doubtful = tuple(heard.text for heard in block.utterances if heard.suspect == Suspicion.IMPROBABLE)
    spoken = [span for span in block.spans if span.state is CoverageState.HEARD]
    weighed = None
    if spoken and spoken[-1].end_ms - spoken[0].start_ms <= LONGEST_ANSWER_MS:
        start_ms, end_ms = spoken[0].start_ms, spoken[-1].end_ms
        wider = sound.between(max(0, start_ms - _WIDER_MS), end_ms + _WIDER_MS)
        weighed = scoring.weigh(sound.between(start_ms, end_ms), wider)
    return Said(texts=texts, doubtful=doubtful, weighed=weighed)
