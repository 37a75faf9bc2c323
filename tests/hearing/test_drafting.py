"""A draft reads every sentence once or with what follows it, in short pieces, and costs no more than its share."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drafting import Allowance, Draft, Waited
from edge_agent.heard import HeardUtterance
from edge_agent.segmentation import Speech
from hardware.audio import AudioGap, GapReason
from support.edge_device import RECOGNITION

# Stretches of speech as pauses and lengths in milliseconds.
TALK = st.lists(st.tuples(st.integers(0, 1500), st.integers(320, 5000)), min_size=1, max_size=12)


def stretches(talk: list[tuple[int, int]]) -> tuple[Speech, ...]:
    now_ms, speech = 0, []
    for pause_ms, spoken_ms in talk:
        speech.append(Speech(start_ms=now_ms + pause_ms, end_ms=now_ms + pause_ms + spoken_ms, peak=1.0))
        now_ms = speech[-1].end_ms
    return tuple(speech)


def said(piece: tuple[Speech, ...]) -> HeardUtterance:
    return HeardUtterance(piece[0].start_ms, piece[-1].end_ms, "…", RECOGNITION, None)


@given(talk=TALK, skipped=st.sets(st.integers(0, 11)))
def test_all_speech_is_in_the_draft_once_also_when_pauses_were_passed_over(
    talk: list[tuple[int, int]], skipped: set[int]
) -> None:
    """After each reading the draft reaches from the first word to the last without a hole or an overlap."""
    speech, draft = stretches(talk), Draft[str]()
    for at in range(len(speech)):
        if at in skipped:
            continue
        piece = draft.next_piece(speech[: at + 1])
        draft.add(piece, "read", utterances=(said(piece),), cpu_s=0.1)
        read = draft.utterances
        assert (read[0].start_ms, read[-1].end_ms) == (speech[0].start_ms, speech[at].end_ms)
        spoken_ms = sum(part.end_ms - part.start_ms for part in speech[: at + 1])
        gaps_ms = sum(late.start_ms - early.end_ms for early, late in pairwise(read))
        assert 0 <= gaps_ms <= speech[at].end_ms - speech[0].start_ms - spoken_ms


@given(talk=TALK)
def test_a_piece_stays_short(talk: list[tuple[int, int]]) -> None:
    """With a reading at each pause no piece is longer than 6 s and one pause and stretch more."""
    speech, draft = stretches(talk), Draft[str]()
    for at in range(len(speech)):
        piece = draft.next_piece(speech[: at + 1])
        draft.add(piece, "read", utterances=(), cpu_s=0.1)
        assert piece[-1].end_ms - piece[0].start_ms < 6_000 + 1_500 + 5_000


def test_a_block_of_one_piece_is_not_read_again() -> None:
    """What was read of the very speech of the block is its reading; of less it is not."""
    speech, draft = stretches([(0, 2000), (300, 2000)]), Draft[str]()
    draft.add(draft.next_piece(speech[:1]), "one", utterances=(), cpu_s=0.1)
    assert draft.of(speech) is None
    draft.add(draft.next_piece(speech), "both", utterances=(), cpu_s=0.1)
    assert draft.of(speech) == "both"


def test_a_pause_inside_a_word_is_not_read_twice() -> None:
    """Speech that grew by less than a syllable gives no new piece."""
    draft = Draft[str]()
    spoken = Speech(start_ms=0, end_ms=2000, peak=1.0)
    draft.add(draft.next_piece((spoken,)), "read", utterances=(), cpu_s=0.1)
    assert draft.next_piece((Speech(start_ms=0, end_ms=2200, peak=1.0),)) == ()
    assert draft.next_piece((Speech(start_ms=0, end_ms=2400, peak=1.0),)) != ()


@given(costs=st.lists(st.floats(0.05, 2.0), max_size=60), every_ms=st.integers(100, 20_000))
def test_what_is_spent_in_vain_is_a_share_of_the_time(costs: list[float], every_ms: int) -> None:
    """Whatever readings cost, all together stay below 0.6 of a core, what was saved up, and the last one."""
    allowance, spent_s = Allowance(), 0.0
    for turn, cost_s in enumerate(costs, start=1):
        if allowance.is_left(listened_ms=turn * every_ms):
            allowance.spend(cost_s)
            spent_s += cost_s
        assert spent_s <= 0.6 * turn * every_ms / 1000 + 15.0 + max(costs)


def test_who_finds_an_item_ready_is_behind() -> None:
    """Items that are there at once say that more may wait; one that took its time says that nothing does."""
    now_s = 0.0

    def items() -> Iterator[AudioGap]:
        nonlocal now_s
        for at_ms, wait_s in ((0, 0.0), (20, 0.02), (40, 0.0)):
            now_s += wait_s
            yield AudioGap(start_ms=at_ms, end_ms=at_ms + 20, reason=GapReason.LINK_LOST)

    waited = Waited(items(), clock_s=lambda: now_s)
    assert [(item.end_ms, waited.is_idle, waited.until_ms) for item in waited] == [
        (20, False, 20),
        (40, True, 40),
        (60, False, 60),
    ]
