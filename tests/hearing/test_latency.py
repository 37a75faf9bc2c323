"""Live, words appear while people still talk, and what is kept is the same as without hurry."""

import statistics
import threading
import weakref
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from typing import cast

import numpy as np
import pytest

from edge_agent.hearing import FirstText, HeardBlock, Hearing
from edge_agent.latency import Latency, hear_as_if_live
from edge_agent.reader import Reader
from edge_agent.recognition import Recognised, Recogniser
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap, Samples
from hardware.media_file import MediaFileSource, Pace
from models.errors import AbandonedError
from support.programs import DEMO_AUDIO, wait_until

pytestmark = pytest.mark.speech

RECORDING = DEMO_AUDIO / "02-third-trip.opus"
FIRST_MS = 60_000
FIRST_BLOCK_MS = 28_000
"""The first block is over by then."""


WHOLE_BLOCK = 20 * SAMPLE_RATE_HZ
"""Longer than any piece of a draft."""


class Held:
    """The recogniser, but whole blocks are not read before somebody lets it."""

    def __init__(self, recogniser: Recogniser, let: threading.Event) -> None:
        self.model_name = recogniser.model_name
        self.asked_for_blocks = 0
        self._recogniser = recogniser
        self._let = let

    def recognise(self, samples: Samples, *, hints: Sequence[str] = ()) -> Recognised:
        self.asked_for_blocks += threading.current_thread().name.startswith("reader")
        assert len(samples) < WHOLE_BLOCK or self._let.wait(timeout=120)
        return self._recogniser.recognise(samples, hints=hints)


class Beginning:
    """The first seconds of a demonstration conversation, as fast as they are taken."""

    name = RECORDING.name

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        frames = MediaFileSource(RECORDING, pace=Pace.FAST).frames()
        return takewhile(lambda frame: frame.end_ms <= FIRST_MS, frames)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def as_if_live(recogniser: Recogniser) -> list[tuple[HeardBlock, Latency | None]]:
    """A conversation, heard without waiting."""
    return list(hear_as_if_live(recogniser, Beginning()))


def test_first_texts_change_nothing_of_what_is_kept(
    recogniser: Recogniser, as_if_live: list[tuple[HeardBlock, Latency | None]]
) -> None:
    """Blocks heard live, in small frames and with drafts, say what a fast replay says."""
    replayed = Hearing(recogniser).hear(Beginning())
    assert [(block.ordinal, block.utterances, block.spans) for block, _ in as_if_live] == [
        (block.ordinal, block.utterances, block.spans) for block in replayed
    ]


def test_text_appears_soon_after_speech(as_if_live: list[tuple[HeardBlock, Latency | None]]) -> None:
    """Half of the blocks have text within 1.5 bare recognition times; before there were first texts it was 2.8."""
    latencies = [latency for _, latency in as_if_live if latency is not None]
    assert len(latencies) > 2
    assert statistics.median(latency.ratio for latency in latencies) < 1.5
    assert all(0 < latency.text_after_s <= latency.settled_after_s for latency in latencies)


def test_a_block_is_read_while_what_follows_is_heard(recogniser: Recogniser) -> None:
    """The first block is held back until words of the second were told: nobody waits for the block before."""
    told = threading.Event()
    ticks = count()
    hearing = Hearing(cast(Recogniser, Held(recogniser, told)), clock_s=lambda: float(next(ticks)))
    blocks = hearing.hear(Beginning(), on_first_text=lambda text: told.set() if text.ordinal == 1 else None)
    ordinals = [block.ordinal for block in blocks if block.utterances]
    assert ordinals == [*range(len(ordinals))]
    assert told.is_set()


def test_a_block_is_given_while_no_sound_comes(recogniser: Recogniser) -> None:
    """A link that is lost after a block does not keep its text from being sealed."""
    given = threading.Event()

    class Lost(Beginning):
        def frames(self) -> Iterator[AudioFrame | AudioGap]:
            for frame in super().frames():
                yield frame
                if frame.end_ms > FIRST_BLOCK_MS:
                    break
            while not given.wait(0.05):
                yield AudioFrame(start_ms=frame.end_ms, samples=np.zeros(0, dtype=np.float32))

    blocks = Hearing(recogniser).hear(Lost(), on_first_text=lambda _: None)
    assert next(blocks).utterances
    given.set()
    assert [block.ordinal for block in blocks] == [1]


def test_what_was_taken_back_is_not_read(recogniser: Recogniser) -> None:
    """The sound is thrown away while one block is read and another waits: nothing is given, the other is not begun."""
    let = threading.Event()

    class Withdrawn(Beginning):
        def frames(self) -> Iterator[AudioFrame | AudioGap]:
            yield from super().frames()
            raise AbandonedError("the sound was thrown away")

    held = Held(recogniser, let)
    hearing = Hearing(cast(Recogniser, held))
    with pytest.raises(AbandonedError):
        list(hearing.hear(Withdrawn(), on_first_text=lambda _: None))
    let.set()
    wait_until(lambda: not hearing.is_reading, what="the end of reading")
    assert held.asked_for_blocks == 1


def test_what_was_read_is_not_kept() -> None:
    """Whoever reads remembers nothing of it: the words may be taken back."""
    reader = Reader()
    begun = reader.begin(lambda: set("您好"))
    text = weakref.ref(begun.result())
    del begun
    wait_until(lambda: text() is None, what="the text to be gone")
    assert not reader.is_reading


def test_drafts_cost_at_most_their_share(as_if_live: list[tuple[HeardBlock, Latency | None]]) -> None:
    """0.6 of a core for what was read in vain, what the start has saved up, and one reading."""
    blocks = [block for block, _ in as_if_live]
    longest_s = max(block.recognition_cpu_s for block in blocks)
    assert sum(block.drafting_cpu_s for block in blocks) <= 0.6 * blocks[-1].end_ms / 1000 + 15 + longest_s


def test_at_real_pace_a_sentence_is_seen_before_its_block_is_over(recogniser: Recogniser) -> None:
    """In real time, as at a counter: the first sentence is there while the block that holds it still goes on."""
    seen: list[FirstText] = []
    source = MediaFileSource(RECORDING, pace=Pace.REAL)
    blocks = Hearing(recogniser).hear(source, on_first_text=seen.append)
    first = next(blocks)
    blocks.close()
    early = [text for text in seen if text.ordinal == first.ordinal and text.utterances]
    assert early
    assert early[0].end_ms < first.end_ms
    assert [text.end_ms for text in early] == sorted(text.end_ms for text in early)
