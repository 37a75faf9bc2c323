"""Blocks tile the time, lose no speech, and never grow beyond what is recognised at once."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.segmentation import WINDOW_MS, PlannedBlock, Segmentation, Segmenter, Speech, plan

SETTINGS = Segmentation()
SPOKEN, SILENT = 0.97, 0.02

# Runs of windows with one kind of sound each: what people and rooms do, and what a detector does in noise.
RUNS = st.lists(
    st.tuples(st.sampled_from([SPOKEN, 0.6, 0.4, SILENT]), st.integers(1, 700), st.floats(1e-6, 1.0)), max_size=8
)


def windows_of(runs: list[tuple[float, int, float]]) -> list[tuple[float, float]]:
    return [(probability, level) for probability, count, level in runs for _ in range(count)]


def planned(windows: list[tuple[float, float]], *, end_ms: int | None = None) -> list[PlannedBlock]:
    whole_ms = len(windows) * WINDOW_MS
    return plan(windows, settings=SETTINGS, start_ms=0, end_ms=whole_ms if end_ms is None else end_ms)


@given(runs=RUNS, cut_ms=st.integers(0, WINDOW_MS - 1))
def test_blocks_tile_the_time(runs: list[tuple[float, int, float]], cut_ms: int) -> None:
    """Each block starts where the one before it ended, from 0 to the end of the audio."""
    windows = windows_of(runs)
    end_ms = max(0, len(windows) * WINDOW_MS - cut_ms)
    now_ms = 0
    for block in planned(windows, end_ms=end_ms):
        assert block.start_ms == now_ms
        assert block.end_ms > block.start_ms
        now_ms = block.end_ms
    assert now_ms == end_ms


@given(runs=RUNS)
def test_speech_lies_in_order_inside_its_block(runs: list[tuple[float, int, float]]) -> None:
    """Stretches of speech do not overlap, and none reaches out of its block."""
    for block in planned(windows_of(runs)):
        now_ms = block.start_ms
        for speech in block.speech:
            assert now_ms <= speech.start_ms < speech.end_ms
            now_ms = speech.end_ms
        assert now_ms <= block.end_ms


@given(runs=RUNS)
def test_no_clip_is_longer_than_what_is_recognised_at_once(runs: list[tuple[float, int, float]]) -> None:
    """From the first speech of a block to its last there are at most 29 s, however long people speak."""
    for block in planned(windows_of(runs)):
        if block.speech:
            assert block.speech[-1].end_ms - block.speech[0].start_ms <= SETTINGS.longest_clip_ms


@given(runs=RUNS)
def test_no_speech_is_lost(runs: list[tuple[float, int, float]]) -> None:
    """Each run that is surely speech and longer than a click lies in stretches of speech from end to end."""
    windows = windows_of(runs)
    speech = [part for block in planned(windows) for part in block.speech]
    at_ms = 0
    for probability, count, _ in runs:
        end_ms = at_ms + count * WINDOW_MS
        if probability == SPOKEN and end_ms - at_ms >= SETTINGS.shortest_speech_ms:
            covered_ms = sum(max(0, min(part.end_ms, end_ms) - max(part.start_ms, at_ms)) for part in speech)
            assert covered_ms == end_ms - at_ms
        at_ms = end_ms


@given(runs=RUNS)
def test_silence_is_reported_often(runs: list[tuple[float, int, float]]) -> None:
    """A block without speech lasts at most 30 s and the pause before a block's first speech hardly longer."""
    for block in planned(windows_of(runs)):
        before_ms = (block.speech[0].start_ms if block.speech else block.end_ms) - block.start_ms
        assert before_ms <= SETTINGS.longest_silence_ms + SETTINGS.longest_pause_ms


@given(runs=RUNS)
def test_what_was_let_go_is_never_asked_for(runs: list[tuple[float, int, float]]) -> None:
    """The sound of every clip is still at hand when its block is planned, and never more than a clip and a pause."""
    segmenter = Segmenter(settings=SETTINGS)
    kept_from_ms, now_ms = 0, 0
    for probability, level in windows_of(runs):
        blocks = segmenter.push(probability=probability, level=level)
        now_ms += WINDOW_MS
        assert all(block.speech[0].start_ms >= kept_from_ms for block in blocks if block.speech)
        kept_from_ms = segmenter.keep_from_ms
        assert now_ms - kept_from_ms <= SETTINGS.longest_clip_ms + SETTINGS.longest_pause_ms + WINDOW_MS


def test_neighbours_are_merged_over_short_pauses_and_parted_at_long_ones() -> None:
    """Two utterances half a second apart are one block; two that are 3 s apart are two."""
    near = planned(windows_of([(SPOKEN, 60, 0.1), (SILENT, 16, 0.0), (SPOKEN, 60, 0.1), (SILENT, 10, 0.0)]))
    apart = planned(windows_of([(SPOKEN, 60, 0.1), (SILENT, 94, 0.0), (SPOKEN, 60, 0.1), (SILENT, 10, 0.0)]))
    assert [len(block.speech) for block in near] == [2]
    assert [len(block.speech) for block in apart] == [1, 1]


def test_a_full_block_ends_at_the_pause_before_what_does_not_fit() -> None:
    """Three utterances of 10 s: two fit into 29 s, the third starts a block of its own."""
    ten_s = [(SPOKEN, 312, 0.1), (SILENT, 10, 0.0)]
    blocks = planned(windows_of(ten_s * 3))
    assert [len(block.speech) for block in blocks] == [2, 1]
    assert blocks[0].end_ms == blocks[0].speech[-1].end_ms


def test_an_endless_speech_is_cut_where_it_is_quietest() -> None:
    """40 s without a pause, with a quiet breath at 24 s: the first block ends in that breath."""
    breath_at = 24_000 // WINDOW_MS
    windows = [(SPOKEN, 0.001 if abs(at - breath_at) <= 2 else 0.1) for at in range(40_000 // WINDOW_MS)]
    first, second = planned(windows)
    assert abs(first.end_ms - 24_000) <= 3 * WINDOW_MS
    assert second.speech[0].start_ms == first.end_ms


def test_a_click_is_silence() -> None:
    """Two windows above the threshold are no word."""
    blocks = planned(windows_of([(SILENT, 30, 0.0), (SPOKEN, 2, 0.5), (SILENT, 60, 0.0)]))
    assert [block.speech for block in blocks] == [()]


def test_a_stretch_knows_how_sure_the_detector_was() -> None:
    """The peak of a stretch is the detector's highest probability in it."""
    windows = windows_of([(0.6, 20, 0.1), (0.8, 1, 0.1), (0.6, 20, 0.1), (SILENT, 20, 0.0)])
    assert planned(windows)[0].speech[0].peak == 0.8


def test_three_hours_of_uninterrupted_speech_are_remembered_no_longer_than_a_clip() -> None:
    """What the segmenter remembers does not grow with how long somebody speaks."""

    def remembered_bytes(windows: int) -> int:
        segmenter = Segmenter(settings=SETTINGS)
        for _ in range(windows):
            segmenter.push(probability=SPOKEN, level=0.1)
        return len(pickle.dumps(segmenter))

    clip_windows = SETTINGS.longest_clip_ms // WINDOW_MS
    assert remembered_bytes(3 * 3_600_000 // WINDOW_MS) < 1.5 * remembered_bytes(clip_windows)


def test_padding_reaches_before_and_after_speech() -> None:
    """Soft consonants at both ends of a word are kept."""
    blocks = planned(windows_of([(SILENT, 30, 0.0), (SPOKEN, 30, 0.1), (SILENT, 60, 0.0)]))
    speech = blocks[0].speech[0]
    padding_ms = SETTINGS.padding_ms
    assert speech == Speech(start_ms=30 * 32 - padding_ms, end_ms=60 * 32 + padding_ms, peak=SPOKEN)
