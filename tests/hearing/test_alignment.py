"""Recognised text goes back to the speech it was spoken in."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.alignment import Phrase, phrases, unread
from edge_agent.segmentation import Speech

STRETCHES = st.lists(st.tuples(st.integers(0, 800), st.integers(1, 4000)), min_size=1, max_size=8)


def in_a_row(steps: list[tuple[int, int]]) -> list[Speech]:
    """Stretches from (pause before, length) pairs."""
    parts, now_ms = [], 0
    for pause_ms, length_ms in steps:
        parts.append(Speech(start_ms=now_ms + pause_ms, end_ms=now_ms + pause_ms + length_ms, peak=1.0))
        now_ms = parts[-1].end_ms
    return parts


TEXTS = st.lists(st.lists(st.tuples(st.integers(0, 800), st.integers(1, 400)), min_size=1, max_size=6), max_size=4)
WORDS = st.sampled_from(["好", "您好，", "吗？", " ok", "的"])


@dataclass(frozen=True)
class Word:
    """A word with its time."""

    start_ms: int
    end_ms: int
    text: str


def spoken(lines: list[list[tuple[int, int]]], words: Iterator[str]) -> list[list[Word]]:
    """Texts whose words follow each other, from (pause before, length) pairs."""
    texts, now_ms = [], 0
    for line in lines:
        text = []
        for pause_ms, length_ms in line:
            text.append(Word(now_ms + pause_ms, now_ms + pause_ms + length_ms, next(words)))
            now_ms = text[-1].end_ms
        texts.append(text)
    return texts


def said(*words: tuple[int, int, str]) -> list[Word]:
    """One text."""
    return [Word(*word) for word in words]


@given(lines=TEXTS, speech=STRETCHES, data=st.data())
def test_no_word_is_dropped_or_given_twice(
    lines: list[list[tuple[int, int]]], speech: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Whatever the time stamps say, the phrases are all words in their order, and each knows its text."""
    texts = spoken(lines, iter(lambda: data.draw(WORDS), None))
    pieces = [piece for phrase in phrases(texts, in_a_row(speech)) for piece in phrase.pieces]
    assert [piece.of for piece in pieces] == sorted(piece.of for piece in pieces)
    for at, text in enumerate(texts):
        assert "".join(piece.text for piece in pieces if piece.of == at) == "".join(word.text for word in text)


@given(lines=TEXTS, speech=STRETCHES, data=st.data())
def test_phrases_are_in_order_and_inside_their_stretch(
    lines: list[list[tuple[int, int]]], speech: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Phrases never overlap, last some time, and those of a stretch fill it."""
    parts = in_a_row(speech)
    found = phrases(spoken(lines, iter(lambda: data.draw(WORDS), None)), parts)
    assert all(one.start_ms < one.end_ms for one in found)
    for one, later in pairwise(found):
        assert one.end_ms == later.start_ms if one.stretch == later.stretch else one.end_ms <= later.start_ms
    for stretch in {phrase.stretch for phrase in found}:
        inside = [phrase for phrase in found if phrase.stretch == stretch]
        assert (inside[0].start_ms, inside[-1].end_ms) == (parts[stretch].start_ms, parts[stretch].end_ms)


@given(lines=TEXTS, speech=STRETCHES, data=st.data())
def test_joined_phrases_are_as_if_never_cut(
    lines: list[list[tuple[int, int]]], speech: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Joining all phrases of a stretch gives its time and its words, one piece for each text."""
    parts = in_a_row(speech)
    found = phrases(spoken(lines, iter(lambda: data.draw(WORDS), None)), parts)
    for stretch in {phrase.stretch for phrase in found}:
        inside = [phrase for phrase in found if phrase.stretch == stretch]
        whole = reduce(Phrase.joined, inside)
        assert (whole.start_ms, whole.end_ms) == (parts[stretch].start_ms, parts[stretch].end_ms)
        assert whole.text == "".join(phrase.text for phrase in inside)
        assert len({piece.of for piece in whole.pieces}) == len(whole.pieces)


def test_a_text_over_two_speakers_is_cut_in_the_pause_between_them() -> None:
    """One text with one time stamp, spoken in two stretches: each stretch gets the words that were spoken in it."""
    speech = in_a_row([(0, 1000), (300, 1000)])
    text = said((0, 400, "修"), (400, 900, "车"), (1300, 1800, "又"), (1800, 2200, "来"))
    assert [(one.start_ms, one.end_ms, one.text) for one in phrases([text], speech)] == [
        (0, 1000, "修车"),
        (1300, 2300, "又来"),
    ]


def test_a_speaker_may_change_at_every_mark() -> None:
    """Without a pause, text is cut where a sentence or a part of it ends, and where the recogniser cut it."""
    speech = in_a_row([(0, 3000)])
    texts = [said((0, 400, "修"), (400, 900, "车，"), (1100, 1500, "又")), said((1500, 2000, "您"), (2000, 2400, "好"))]
    assert [(one.start_ms, one.end_ms, one.text) for one in phrases(texts, speech)] == [
        (0, 1000, "修车，"),
        (1000, 1500, "又"),
        (1500, 3000, "您好"),
    ]


def test_a_number_is_not_cut_at_its_decimal_point() -> None:
    """一点五五 as digits, 1.55, is one word however the recogniser divides it; a number may still end a sentence."""
    words = said((0, 300, "是"), (300, 600, "1."), (600, 900, "55"), (900, 1_200, "，"), (1_200, 1_500, "对"))
    assert [phrase.text for phrase in phrases([words], in_a_row([(0, 1_500)]))] == ["是1.55，", "对"]
    ended = said((0, 300, "是2."), (300, 600, "对"))
    assert [phrase.text for phrase in phrases([ended], in_a_row([(0, 600)]))] == ["是2.", "对"]


def test_a_word_outside_all_speech_goes_to_the_nearest() -> None:
    """A word stamped into a pause is not lost."""
    speech = in_a_row([(0, 1000), (3000, 1000)])
    assert [(one.start_ms, one.text) for one in phrases([said((3200, 3600, "好"))], speech)] == [(4000, "好")]


def test_words_late_by_a_little_stay_with_their_neighbours() -> None:
    """The order of words is the order of speech, also where one is stamped too early."""
    speech = in_a_row([(0, 1000), (300, 1000)])
    text = said((1400, 1600, "您"), (700, 800, "好"))
    assert [(one.start_ms, one.text) for one in phrases([text], speech)] == [(1300, "您好")]


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
