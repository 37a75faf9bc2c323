"""Recognised text goes back to the speech it was spoken in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.alignment import align, unread
from edge_agent.segmentation import Speech

STRETCHES = st.lists(st.tuples(st.integers(0, 800), st.integers(1, 4000)), min_size=1, max_size=8)


def in_a_row(steps: list[tuple[int, int]]) -> list[Speech]:
    """Stretches from (pause before, length) pairs."""
    parts, now_ms = [], 0
    for pause_ms, length_ms in steps:
        parts.append(Speech(start_ms=now_ms + pause_ms, end_ms=now_ms + pause_ms + length_ms, peak=1.0))
        now_ms = parts[-1].end_ms
    return parts


@given(pieces=STRETCHES, speech=STRETCHES)
def test_no_text_is_dropped_or_given_twice(pieces: list[tuple[int, int]], speech: list[tuple[int, int]]) -> None:
    """Whatever the time stamps say, each piece of text stands in exactly one utterance, in order there."""
    said = align(in_a_row(pieces), in_a_row(speech))
    given_out = [at for one in said for at in one.pieces]
    assert sorted(given_out) == list(range(len(pieces)))
    assert all(list(one.pieces) == sorted(one.pieces) for one in said)


@given(pieces=STRETCHES, speech=STRETCHES)
def test_utterances_are_in_order_and_apart(pieces: list[tuple[int, int]], speech: list[tuple[int, int]]) -> None:
    """Utterances never overlap, and each starts and ends with a stretch of speech."""
    parts = in_a_row(speech)
    said = align(in_a_row(pieces), parts)
    assert all(one.end_ms <= later.start_ms for one, later in pairwise(said))
    assert {one.start_ms for one in said} <= {part.start_ms for part in parts}
    assert {one.end_ms for one in said} <= {part.end_ms for part in parts}


def test_each_piece_goes_to_the_stretch_it_overlaps_most() -> None:
    """Time stamps that are a little off do not move text to the neighbour."""
    speech = in_a_row([(500, 4000), (600, 3000)])
    pieces = in_a_row([(500, 4200), (0, 3300)])
    assert [(one.start_ms, one.pieces) for one in align(pieces, speech)] == [(500, (0,)), (5100, (1,))]


def test_a_piece_over_several_stretches_makes_them_one_utterance() -> None:
    """Text that was spoken over a short pause keeps the whole time in which it was spoken."""
    speech = in_a_row([(0, 1000), (300, 1000), (300, 2000)])
    pieces = in_a_row([(0, 2300), (300, 2000)])
    assert [(one.start_ms, one.end_ms, one.pieces) for one in align(pieces, speech)] == [
        (0, 2300, (0,)),
        (2600, 4600, (1,)),
    ]


def test_a_piece_outside_all_speech_goes_to_the_nearest() -> None:
    """A piece stamped into a pause is not lost."""
    speech = in_a_row([(0, 1000), (3000, 1000)])
    pieces = in_a_row([(3200, 500)])
    assert [(one.start_ms, one.pieces) for one in align(pieces, speech)] == [(4000, (0,))]


@given(pieces=st.lists(st.tuples(st.integers(0, 800), st.integers(1, 4000)), max_size=8), speech=STRETCHES)
def test_what_was_passed_over_is_speech_without_text(
    pieces: list[tuple[int, int]], speech: list[tuple[int, int]]
) -> None:
    """A stretch to be read again lies within speech, overlaps no text, and is worth it."""
    texts, parts = in_a_row(pieces), in_a_row(speech)
    for stretch in unread(texts, parts, shortest_ms=1500):
        assert stretch.end_ms - stretch.start_ms >= 1500
        assert stretch.start_ms >= parts[0].start_ms
        assert stretch.end_ms <= parts[-1].end_ms
        assert not any(text.start_ms < stretch.end_ms and text.end_ms > stretch.start_ms for text in texts)


def test_a_recogniser_that_stops_early_is_asked_again() -> None:
    """Speech before, between and after the text is passed over; half a second is only an imprecise time stamp."""
    speech = in_a_row([(0, 14_000)])
    pieces = in_a_row([(2000, 3000), (500, 2000), (2500, 1000)])
    assert [(one.start_ms, one.end_ms) for one in unread(pieces, speech, shortest_ms=1500)] == [
        (0, 2000),
        (7500, 10_000),
        (11_000, 14_000),
    ]


def test_silence_is_never_passed_over() -> None:
    """A long pause between two texts holds nothing to be read again."""
    speech = in_a_row([(0, 3000), (5000, 3000)])
    assert unread(in_a_row([(0, 3000), (5000, 3000)]), speech, shortest_ms=1500) == []
