"""What is listened to does not depend on how the audio arrives, and its coverage tiles the time."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.listening import Listened, Listening, coverage
from edge_agent.segmentation import PlannedBlock, Segmentation, Speech
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap, GapReason
from hardware.media_file import MediaFileSource, Pace
from models.labels import CoverageState
from support.programs import ROOT


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """20 s of a demonstration conversation, and a fraction of a window."""
    source = MediaFileSource(ROOT / "demo" / "conversations" / "02-third-trip.opus", pace=Pace.FAST)
    sound = np.concatenate([item.samples for item in source.frames() if isinstance(item, AudioFrame)])
    return sound[: 20 * SAMPLE_RATE_HZ + 160]


def framed(sound: np.ndarray, sizes: Sequence[int]) -> Iterator[AudioFrame]:
    """Cut sound into frames whose lengths go through `sizes` again and again."""
    at = turn = 0
    while at < len(sound):
        samples = sound[at : at + sizes[turn % len(sizes)]]
        yield AudioFrame(start_ms=at // 16, samples=samples)
        at, turn = at + len(samples), turn + 1


def blocks_of(items: Iterable[AudioFrame | AudioGap]) -> list[Listened]:
    """Listen to a source to its end."""
    return [found for found in Listening(settings=Segmentation()).blocks(items) if isinstance(found, Listened)]


def listened(sound: np.ndarray, sizes: Sequence[int]) -> list[Listened]:
    return blocks_of(framed(sound, sizes))


@pytest.mark.parametrize("sizes", [(160,), (1, 7, 4000), (512,), (5000,), (16_000, 16), (400_000,)])
def test_blocks_do_not_depend_on_the_frames(speech: np.ndarray, sizes: tuple[int, ...]) -> None:
    """Frames of a sample, of 10 ms or of the whole recording give the same plans and the same sound."""
    wanted, given_out = listened(speech, (4096,)), listened(speech, sizes)
    assert [block.plan for block in given_out] == [block.plan for block in wanted]
    assert [block.spans for block in given_out] == [block.spans for block in wanted]
    assert all(np.array_equal(one.clip, other.clip) for one, other in zip(given_out, wanted, strict=True))


def test_a_clip_is_the_sound_of_its_time(speech: np.ndarray) -> None:
    """The clip of a block is what was spoken from its first speech to its last, sample by sample."""
    blocks = listened(speech, (4096,))
    assert any(block.plan.speech for block in blocks)
    for block in blocks:
        if block.plan.speech:
            from_ms, to_ms = block.plan.speech[0].start_ms, block.plan.speech[-1].end_ms
            assert np.array_equal(block.clip, speech[from_ms * 16 : to_ms * 16])


def test_damage_every_second_does_not_cut_every_second(speech: np.ndarray) -> None:
    """Lost packets of 60 ms are bridged: as many blocks as without them, and each gap is lost time."""
    items: list[AudioFrame | AudioGap] = []
    for at_ms in range(0, 20_000, 1000):
        items.append(AudioFrame(start_ms=at_ms, samples=speech[at_ms * 16 : (at_ms + 940) * 16]))
        items.append(AudioGap(start_ms=at_ms + 940, end_ms=at_ms + 1000, reason=GapReason.DECODE_ERROR))
    blocks = blocks_of(items)
    lost = [span for block in blocks for span in block.spans if span.state is CoverageState.LOST]
    assert sum(span.end_ms - span.start_ms for span in lost) == 20 * 60
    assert len(blocks) <= len(listened(speech, (4096,))) + 1


TIMES = st.lists(st.integers(0, 2000), unique=True, max_size=12).map(sorted)


@given(gaps=TIMES, speech=TIMES, block=st.tuples(st.integers(0, 2000), st.integers(1, 2000)))
def test_coverage_tiles_its_block(gaps: list[int], speech: list[int], block: tuple[int, int]) -> None:
    """Spans follow each other without a hole from the block's start to its end, and neighbours differ."""
    start_ms, end_ms = block[0], block[0] + block[1]
    lost = [
        AudioGap(start_ms=one, end_ms=other, reason=GapReason.OVERLOAD)
        for one, other in zip(gaps[::2], gaps[1::2], strict=False)
    ]
    parts = tuple(
        Speech(start_ms=one, end_ms=other, peak=1.0)
        for one, other in zip(speech[::2], speech[1::2], strict=False)
        if start_ms <= one and other <= end_ms
    )
    now_ms, before = start_ms, None
    for span in coverage(PlannedBlock(start_ms=start_ms, end_ms=end_ms, speech=parts), lost):
        assert span.start_ms == now_ms < span.end_ms
        assert span.state != before
        now_ms, before = span.end_ms, span.state
    assert now_ms == end_ms


def test_a_pause_between_two_sentences_is_part_of_the_talk() -> None:
    """A block is heard from its first speech to its last; only before and after is it silent."""
    parts = (Speech(start_ms=500, end_ms=900, peak=1.0), Speech(start_ms=1_600, end_ms=2_000, peak=1.0))
    spans = coverage(PlannedBlock(start_ms=0, end_ms=2_400, speech=parts), ())
    assert [(span.state, span.start_ms, span.end_ms) for span in spans] == [
        (CoverageState.SILENT, 0, 500),
        (CoverageState.HEARD, 500, 2_000),
        (CoverageState.SILENT, 2_000, 2_400),
    ]
