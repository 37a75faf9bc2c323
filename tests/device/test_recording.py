"""From heard blocks to records: each millisecond once, each text masked, and nothing but time after a "no"."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.heard import HeardBlock, HeardSpan, RevisedRole
from edge_agent.recording import (
    Stamp,
    after,
    block_records,
    merged,
    opening_records,
    record_of,
    remembered,
    totals_of,
    utterance_id,
)
from edge_agent.recording_ends import closing_records, ending_of, withheld_record
from edge_agent.recordings import Recording, Totals
from models.conversation import Consent, Conversation, CoverageSpan, RoleRevision, Utterance
from models.labels import ConsentState, CoverageState, RevisedBy, Role
from models.wire import Body
from nlp.redaction import redact_turns
from support.edge_device import NOW, conversation, encounter, heard_block

STAMP = Stamp(monotonic_ms=7, clock_offset_ms=-120)

spans = st.lists(
    st.tuples(st.sampled_from([CoverageState.HEARD, CoverageState.SILENT, CoverageState.LOST]), st.integers(0, 3)),
    max_size=12,
)


def tiled(parts: list[tuple[CoverageState, int]], *, start_ms: int = 0) -> list[HeardSpan]:
    tiles = []
    for state, length_ms in parts:
        tiles.append(HeardSpan(state, "", start_ms, start_ms + length_ms))
        start_ms += length_ms
    return tiles


def by_millisecond(tiles: list[HeardSpan]) -> list[tuple[CoverageState, str]]:
    return [(tile.state, tile.reason) for tile in tiles for _ in range(tile.start_ms, tile.end_ms)]


def bodies(block: HeardBlock, begun: Conversation) -> list[Body]:
    records = block_records(block, before=[], conversation=begun, redact=redact_turns, now=NOW, stamp=STAMP)
    return [record.body for record in records]


@given(spans)
def test_merging_changes_no_millisecond_and_leaves_no_equal_neighbours(
    parts: list[tuple[CoverageState, int]],
) -> None:
    """Merged spans say the same of each millisecond, with neither empty spans nor equal neighbours."""
    tiles = tiled(parts)
    joined = merged(tiles)
    assert by_millisecond(joined) == by_millisecond(tiles)
    assert all(one.state is not two.state for one, two in itertools.pairwise(joined))
    assert all(tile.end_ms > tile.start_ms for tile in joined)


@given(parts=spans, start_ms=st.integers(0, 20), from_ms=st.integers(0, 40))
def test_what_a_resumed_recording_takes_of_a_block_follows_without_hole_or_overlap(
    parts: list[tuple[CoverageState, int]], start_ms: int, from_ms: int
) -> None:
    """Its spans tile exactly from where the recording stood; time before the block is lost, not forgotten."""
    tiles = tuple(tiled(parts, start_ms=start_ms))
    end_ms = tiles[-1].end_ms if tiles else start_ms
    block = HeardBlock(0, start_ms, end_ms, utterances=(), spans=tiles, recognition_cpu_s=0)
    rest = after(block, from_ms=from_ms)
    assert (rest.start_ms, rest.end_ms) == (from_ms, max(end_ms, from_ms))
    said = by_millisecond(list(rest.spans))
    assert len(said) == rest.end_ms - rest.start_ms
    lost = [(CoverageState.LOST, "interrupted")] * max(0, start_ms - from_ms)
    assert said == lost + by_millisecond(list(tiles))[max(0, from_ms - start_ms) :]


def test_an_utterance_that_was_sealed_before_is_not_taken_again() -> None:
    """Utterances that began before the point of resumption are left out."""
    block = heard_block(0, start_ms=0, end_ms=3000, texts=["一", "二", "三"])
    assert [heard.text for heard in after(block, from_ms=1000).utterances] == ["二", "三"]


def test_a_block_becomes_masked_utterances_and_coverage_at_their_moments() -> None:
    """Texts are masked, offsets and moments kept, and spans belong to the conversation."""
    begun = conversation()
    block = heard_block(3, start_ms=60_000, end_ms=65_000, texts=["我的手机号是13912345678", "好的"], suspect="loop")
    records = block_records(block, before=[], conversation=begun, redact=redact_turns, now=NOW, stamp=STAMP)
    bodies = [record.body for record in records]
    said = [body for body in bodies if isinstance(body, Utterance)]
    assert [body.text.text for body in said] == ["我的手机号是〔手机号〕", "好的"]
    assert {body.quarantined for body in said} == {"loop"}
    covered = [body for body in bodies if isinstance(body, CoverageSpan)]
    assert [(body.state, body.start_ms, body.end_ms) for body in covered] == [
        (CoverageState.HEARD, 60_000, 62_000),
        (CoverageState.SILENT, 62_000, 65_000),
    ]
    assert {body.conversation_id for body in (*said, *covered)} == {begun.id}
    assert [record.occurred_at - NOW for record in records] == [
        timedelta(milliseconds=body.start_ms) for body in (*said, *covered)
    ]
    assert {(record.monotonic_ms, record.clock_offset_ms) for record in records} == {(7, -120)}


def test_who_spoke_is_sealed_with_the_words_and_revised_by_their_id() -> None:
    """An utterance carries its role; a revision in a later block names the same utterance, and the device as author."""
    begun = conversation()
    first = heard_block(0, start_ms=0, end_ms=3000, texts=["您好"])
    first = replace(first, utterances=(replace(first.utterances[0], role=Role.CUSTOMER, role_confidence=0.85),))
    revised = RevisedRole(first.utterances[0].start_ms, Role.STAFF, 0.97)
    later = replace(heard_block(1, start_ms=3000, end_ms=6000, texts=["嗯"]), revisions=(revised,))
    (said,) = [body for body in bodies(first, begun) if isinstance(body, Utterance)]
    (revision,) = [body for body in bodies(later, begun) if isinstance(body, RoleRevision)]
    assert (said.role, said.role_confidence) == (Role.CUSTOMER, 0.85)
    assert revision == RoleRevision(
        conversation_id=begun.id,
        utterance_id=said.id,
        role=Role.STAFF,
        role_confidence=0.97,
        by=RevisedBy.DEVICE,
        at=NOW,
    )


def test_what_an_interrupted_recording_remembers_is_what_the_device_told_last() -> None:
    """Masked words with the device's latest role; what staff said of a role is no evidence of a voice."""
    begun = conversation()
    first = heard_block(0, start_ms=0, end_ms=3000, texts=["您好", "我的手机号是13912345678"])
    at_ms = [heard.start_ms for heard in first.utterances]
    later = replace(
        heard_block(1, start_ms=3000, end_ms=6000),
        revisions=(RevisedRole(at_ms[0], Role.STAFF, 0.9), RevisedRole(at_ms[0], Role.STAFF, 0.97)),
    )
    records = [
        record
        for block in (first, later)
        for record in block_records(block, before=[], conversation=begun, redact=redact_turns, now=NOW, stamp=STAMP)
    ]
    by_staff = RoleRevision(
        conversation_id=begun.id,
        utterance_id=utterance_id(begun.id, start_ms=at_ms[1]),
        role=Role.CUSTOMER,
        role_confidence=1.0,
        by=RevisedBy.STAFF,
        at=NOW,
    )
    known = remembered([*records, record_of(by_staff, at=NOW, stamp=STAMP)])
    assert [(one.start_ms, one.text, one.role, one.role_confidence) for one in known] == [
        (at_ms[0], "您好", Role.STAFF, 0.97),
        (at_ms[1], "我的手机号是〔手机号〕", Role.UNKNOWN, 0.0),
    ]


@given(st.lists(st.integers(0, 10_000_000), unique=True, max_size=20))
def test_utterances_of_a_conversation_have_ids_of_their_own(starts_ms: list[int]) -> None:
    """The same start gives the same id; another start, or another conversation, gives another."""
    one, other = conversation().id, conversation().id
    ids = [utterance_id(conversation, start_ms=start_ms) for conversation in (one, other) for start_ms in starts_ms]
    assert len(set(ids)) == 2 * len(starts_ms)
    assert ids[: len(starts_ms)] == [utterance_id(one, start_ms=start_ms) for start_ms in starts_ms]


def test_a_number_that_began_in_the_block_before_is_masked_in_the_next() -> None:
    """The earlier texts are in sight of the masks, and are not recorded again."""
    block = heard_block(1, start_ms=0, end_ms=2000, texts=["三四五六七八"])
    records = block_records(
        block, before=["我手机号一三九幺二"], conversation=conversation(), redact=redact_turns, now=NOW, stamp=STAMP
    )
    said = [record.body for record in records if isinstance(record.body, Utterance)]
    assert len(said) == 1
    assert "三四五六七八" not in said[0].text.text


def test_a_conversation_opens_with_its_consent_and_closes_with_its_end() -> None:
    """Two records open it and one closes it; the closing one completes the opening one."""
    begun = conversation()
    first, second = (record.body for record in opening_records(begun, how="button", stamp=STAMP))
    (last,) = (record.body for record in closing_records(begun, end_ms=90_500, stamp=STAMP))
    assert first == begun
    assert isinstance(second, Consent)
    assert (second.conversation_id, second.state) == (begun.id, ConsentState.GRANTED)
    assert isinstance(last, Conversation)
    assert last == begun.model_copy(update={"ended_at": NOW + timedelta(milliseconds=90_500)})


def test_a_killed_live_conversation_is_closed_with_what_was_lost() -> None:
    """From its last sealed block until its program was last alive is lost, and that is its end."""
    begun = conversation()
    recording = Recording(id=begun.id, fingerprint="f", live=True, conversation=begun, until_ms=10_000)
    killed = ending_of(recording, duration_ms=16_000, state=CoverageState.LOST, stamp=STAMP)
    lost, closing = (record.body for record in killed.records)
    assert isinstance(lost, CoverageSpan)
    assert (lost.state, lost.reason, lost.start_ms, lost.end_ms) == (
        CoverageState.LOST,
        "interrupted",
        10_000,
        16_000,
    )
    assert isinstance(closing, Conversation)
    assert closing.ended_at == NOW + timedelta(seconds=16)
    assert killed.advance.totals == Totals(lost_ms=6000)
    at_once = ending_of(recording, duration_ms=10_000, state=CoverageState.LOST, stamp=STAMP)
    assert (len(at_once.records), at_once.advance.totals) == (1, Totals())


def test_after_a_no_one_record_says_that_time_passed_and_names_nobody() -> None:
    """It stands without conversation and customer; times of 1970 and 2100 are carried as they are."""
    who = encounter(consent=ConsentState.DECLINED, customer="C-GEHEIM")
    for year in (1970, 2100):
        at = datetime(year, 1, 2, tzinfo=UTC)
        record = withheld_record(who, started_at=at, duration_ms=70_000, stamp=STAMP)
        assert isinstance(record.body, CoverageSpan)
        assert (record.body.state, record.body.reason) == (CoverageState.WITHHELD, "consent_declined")
        assert (record.body.conversation_id, record.body.end_ms) == (None, 70_000)
        assert record.occurred_at == at
        assert "C-GEHEIM" not in record.model_dump_json()


def test_totals_count_what_a_block_holds() -> None:
    """Utterances, suspects and milliseconds by state."""
    totals = totals_of(heard_block(0, start_ms=0, end_ms=5000, texts=["一", "二"], suspect="no_speech"))
    assert (totals.utterances, totals.quarantined, totals.heard_ms, totals.silent_ms) == (2, 2, 2000, 3000)
