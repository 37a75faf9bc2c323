"""A recording can be broken off anywhere and goes on where it stopped, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.clock import Reading
from edge_agent.heard import HeardBlock
from edge_agent.identity import Identity
from edge_agent.outbox import Outbox
from edge_agent.recorder import Recorder
from edge_agent.recording import Stamp, consent_record
from edge_agent.recordings import Totals, withdrawn
from edge_agent.server_clock import ServerClock
from models.conversation import Conversation, CoverageSpan, Utterance
from models.ids import new_id
from models.labels import ConsentState, CoverageState
from models.wire import Record
from nlp.redaction import redact_turns
from support.edge_device import NOW, NOW_MS, encounter, heard_block, opened_outbox

IDENTITY = Identity(server="http://127.0.0.1:1", tenant="t", device_id=new_id(), enrolled_at=NOW)
BLOCKS = (
    heard_block(0, start_ms=0, end_ms=10_000, texts=["您好", "我手机号一三九幺二"]),
    heard_block(1, start_ms=10_000, end_ms=20_000, texts=["三四五六七八"]),
    heard_block(2, start_ms=20_000, end_ms=31_000, texts=["好的"], suspect="no_speech"),
)


class PowerCutError(Exception):
    """The program ends here."""


def recorder(outbox: Outbox) -> Recorder:
    clock = Reading(wall_ms=NOW_MS, monotonic_ms=5)
    return Recorder(outbox, identity=IDENTITY, redact=redact_turns, on_sealed=lambda _: None, clock=lambda: clock)


def until_the_power_fails(blocks: tuple[HeardBlock, ...], *, after: int) -> Iterator[HeardBlock]:
    yield from blocks[:after]
    raise PowerCutError


def sealed(folder: Path) -> list[Record]:
    with opened_outbox(folder) as outbox:
        return [item.record for item in outbox.due(now_ms=NOW_MS, limit=1000, max_bytes=1 << 30)]


def said(records: list[Record]) -> list[tuple[int, str, str | None]]:
    bodies = [record.body for record in records]
    return [(b.start_ms, b.text.text, b.quarantined) for b in bodies if isinstance(b, Utterance)]


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_recording_broken_off_after_any_block_ends_like_an_undisturbed_one(tmp_path: Path, after: int) -> None:
    """Same texts, masks and coverage, one conversation that opens and closes once."""
    for folder in ("calm", "cut"):
        with opened_outbox(tmp_path / folder) as outbox:
            recording = recorder(outbox).begin(encounter(), fingerprint="f", live=False)
            if folder == "calm":
                calm = recorder(outbox).record(iter(BLOCKS), recording)
            else:
                with pytest.raises(PowerCutError):
                    recorder(outbox).record(until_the_power_fails(BLOCKS, after=after), recording)
    with opened_outbox(tmp_path / "cut") as outbox:
        known = outbox.recording("f")
        assert known is not None
        assert (known.blocks, known.complete) == (after, False)
        resumed = recorder(outbox).record(iter(BLOCKS[known.blocks :]), known)
    assert (
        resumed.recording.totals
        == calm.recording.totals
        == Totals(utterances=4, quarantined=1, heard_ms=4000, silent_ms=27_000)
    )
    one, other = sealed(tmp_path / "calm"), sealed(tmp_path / "cut")
    assert said(one) == said(other)
    assert [record.device_seq for record in other] == list(range(len(one)))
    ends = [record.body.ended_at for record in other if isinstance(record.body, Conversation)]
    assert [end is None for end in ends] == [True, False]


def test_a_live_recording_left_open_is_closed_at_the_next_start_once(tmp_path: Path) -> None:
    """What came after its last block, as long as its program is known to have run, is lost, and said to be."""
    with opened_outbox(tmp_path) as outbox:
        recording = recorder(outbox).begin(encounter(), fingerprint="live", live=True)
        with pytest.raises(PowerCutError):
            recorder(outbox).record(until_the_power_fails(BLOCKS, after=1), recording)
        outbox.keep_alive(recording.id, alive_ms=14_000)
    with opened_outbox(tmp_path) as outbox:
        assert len(recorder(outbox).close_interrupted()) == 1
        assert recorder(outbox).close_interrupted() == []
    *_, lost, closing = (record.body for record in sealed(tmp_path))
    assert isinstance(lost, CoverageSpan)
    assert (lost.state, lost.reason, lost.start_ms, lost.end_ms) == (CoverageState.LOST, "interrupted", 10_000, 14_000)
    assert isinstance(closing, Conversation)
    assert closing.ended_at is not None
    assert (closing.ended_at - closing.started_at).total_seconds() == 14


def test_a_withdrawal_that_a_kill_broke_off_erases_at_the_next_start(tmp_path: Path) -> None:
    """Killed when the withdrawal was stored and no word erased yet: they go before anything is delivered."""
    with opened_outbox(tmp_path) as outbox:
        recording = recorder(outbox).begin(encounter(), fingerprint="live", live=True)
        recording = recorder(outbox).seal(BLOCKS[0], recording)
        stamp = Stamp(monotonic_ms=5, clock_offset_ms=0)
        said_so = consent_record(recording.id, ConsentState.WITHDRAWN, how="button", at=NOW, stamp=stamp)
        outbox.append([said_so], now_ms=NOW_MS, change=withdrawn(recording))
        assert said(sealed(tmp_path))
    with opened_outbox(tmp_path) as outbox:
        recorder(outbox).close_interrupted()
    records = sealed(tmp_path)
    assert said(records) == []
    assert [record.body.body for record in records][-2:] == ["consent", "conversation"]


def test_a_replay_left_open_is_not_closed_for_it_can_go_on(tmp_path: Path) -> None:
    """Only live recordings are closed by somebody else."""
    with opened_outbox(tmp_path) as outbox:
        recorder(outbox).begin(encounter(), fingerprint="f", live=False)
        assert recorder(outbox).close_interrupted() == []


def test_a_declined_recording_leaves_its_span_and_no_name(tmp_path: Path) -> None:
    """One withheld record, complete at once; the recording's own row names no conversation."""
    with opened_outbox(tmp_path) as outbox:
        recorder(outbox).withhold(
            encounter(consent=ConsentState.DECLINED, customer=None),
            fingerprint="no",
            live=False,
            started_at=NOW,
            duration_ms=5000,
        )
        kept = outbox.recording("no")
    assert kept is not None
    assert (kept.complete, kept.conversation, kept.totals) == (True, None, Totals(withheld_ms=5000))
    (record,) = sealed(tmp_path)
    assert isinstance(record.body, CoverageSpan)
    assert record.body.state is CoverageState.WITHHELD


def test_the_clock_offset_that_delivery_measured_is_on_later_records(tmp_path: Path) -> None:
    """Records made before the measurement carry none, those after carry it."""
    with opened_outbox(tmp_path) as outbox:
        recording = recorder(outbox).begin(encounter(), fingerprint="f", live=False)
        outbox.set_server_clock(ServerClock(offset_ms=90_000))
        recorder(outbox).record(iter(BLOCKS[:1]), recording)
    offsets = [record.clock_offset_ms for record in sealed(tmp_path)]
    assert offsets[:2] == [0, 0]
    assert set(offsets[2:]) == {90_000}
