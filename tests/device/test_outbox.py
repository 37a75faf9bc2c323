"""The outbox keeps records sealed, once each, in order, and lets one bad row stop nothing."""

import sqlite3
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from edge_agent.key_rotation import rotate_key
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import RecordState, Settlement
from edge_agent.recordings import Advance, Recording, Totals
from edge_agent.voice_embedder import DIMENSIONS
from edge_agent.voiceprint import Voiceprint, Voiceprints
from models.conversation import Utterance
from models.errors import OutboxError
from models.wire import Record
from support.edge_device import NOW_MS, conversation, opened_outbox, pending_ids, settings, utterance_record


def acknowledge(outbox: Outbox, *records: Record, now_ms: int = NOW_MS) -> None:
    outbox.settle([Settlement(record_id=r.id, state=RecordState.ACKNOWLEDGED) for r in records], now_ms=now_ms)


def test_what_was_appended_is_there_in_order_after_reopening(tmp_path: Path) -> None:
    """Records come back equal, numbered without a hole, by another process's eyes."""
    records = [utterance_record(f"第{n}句") for n in range(5)]
    with opened_outbox(tmp_path) as outbox:
        outbox.append(records[:2], now_ms=NOW_MS)
        outbox.append(records[2:], now_ms=NOW_MS)
    with opened_outbox(tmp_path) as outbox:
        due = [item.record for item in outbox.due(now_ms=NOW_MS, limit=10, max_bytes=1 << 20)]
    assert [record.device_seq for record in due] == [0, 1, 2, 3, 4]
    assert [record.model_copy(update={"device_seq": 0}) for record in due] == records


def test_files_hold_no_text_in_the_clear_and_are_the_owners_only(tmp_path: Path) -> None:
    """Neither the words nor the customer's id can be found in any file, and nobody else may read them."""
    begun = conversation(customer="C-KENNWORT")
    recording = Recording(id=begun.id, fingerprint="f", live=True, conversation=begun)
    with opened_outbox(tmp_path) as outbox:
        outbox.append([utterance_record("请帮我查一下余额宝")], now_ms=NOW_MS, begin=recording)
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        content = b"".join(path.read_bytes() for path in files)
        assert "余额宝".encode() not in content
        assert b"C-KENNWORT" not in content
        assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_tampered_row_is_put_aside_and_the_others_go_out(tmp_path: Path) -> None:
    """One flipped bit makes one record unreadable, visible as such, and keeps no other back."""
    records = [utterance_record(str(n)) for n in range(4)]
    with opened_outbox(tmp_path) as outbox:
        outbox.append(records, now_ms=NOW_MS)
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        (sealed,) = db.execute("SELECT sealed FROM records WHERE device_seq = 1").fetchone()
        db.execute("UPDATE records SET sealed = ? WHERE device_seq = 1", (sealed[:-1] + bytes([sealed[-1] ^ 1]),))
    db.close()
    with opened_outbox(tmp_path) as outbox:
        assert pending_ids(outbox) == [records[0].id, records[2].id, records[3].id]
        backlog = outbox.backlog()
    assert (backlog.pending, backlog.unreadable) == (3, 1)
    assert [(letter.record_id, letter.code) for letter in backlog.dead_letters] == [
        (records[1].id, "record_unreadable")
    ]


def test_rows_cannot_be_exchanged(tmp_path: Path) -> None:
    """A sealed record moved under another id does not open: the id is part of what is sealed."""
    with opened_outbox(tmp_path) as outbox:
        outbox.append([utterance_record("一"), utterance_record("二")], now_ms=NOW_MS)
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        (first,) = db.execute("SELECT sealed FROM records WHERE device_seq = 0").fetchone()
        db.execute("UPDATE records SET sealed = ? WHERE device_seq = 1", (first,))
    db.close()
    with opened_outbox(tmp_path) as outbox:
        assert len(pending_ids(outbox)) == 1


def test_raw_text_has_no_way_in(tmp_path: Path) -> None:
    """An utterance built around the type with a plain string is refused and nothing is stored."""
    honest = utterance_record()
    assert isinstance(honest.body, Utterance)
    forged = honest.body.model_copy(update={"text": "我的手机号是13900000000"})
    with opened_outbox(tmp_path) as outbox:
        with pytest.raises(TypeError, match="RedactedText"):
            outbox.append([honest.model_copy(update={"body": forged})], now_ms=NOW_MS)
        assert outbox.backlog().pending == 0


def test_records_and_progress_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    """A block whose second record cannot be stored leaves neither its first nor the recording's progress."""
    begun = conversation()
    recording = Recording(id=begun.id, fingerprint="f", live=False, conversation=begun)
    first = utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.append([first], now_ms=NOW_MS, begin=recording)
        step = Advance(recording=begun.id, blocks=1, until_ms=900, totals=Totals(utterances=1))
        with pytest.raises(OutboxError):
            outbox.append([utterance_record(), first], now_ms=NOW_MS, advance=step)
        kept = outbox.recording("f")
        assert kept is not None
        assert (kept.blocks, kept.until_ms, kept.totals) == (0, 0, Totals())
        outbox.append([utterance_record()], now_ms=NOW_MS, advance=step)
        due = outbox.due(now_ms=NOW_MS, limit=10, max_bytes=1 << 20)
    assert [item.record.device_seq for item in due] == [0, 1]


def test_a_batch_is_bounded_by_bytes_but_never_empty(tmp_path: Path) -> None:
    """A record larger than the bound still goes, alone."""
    with opened_outbox(tmp_path) as outbox:
        outbox.append([utterance_record("长" * 3000), utterance_record("短")], now_ms=NOW_MS)
        assert len(outbox.due(now_ms=NOW_MS, limit=20, max_bytes=1000)) == 1
        assert len(outbox.due(now_ms=NOW_MS, limit=20, max_bytes=1 << 20)) == 2


def test_a_postponed_record_waits_for_its_time_and_a_clock_set_back_does_not_bury_it(tmp_path: Path) -> None:
    """It is due at its time; a time that only a former clock can have meant is due at once."""
    record = utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.append([record], now_ms=NOW_MS)
        later = Settlement(record_id=record.id, state=RecordState.PENDING, code="busy", next_attempt_ms=NOW_MS + 1000)
        outbox.settle([later], now_ms=NOW_MS)
        assert pending_ids(outbox) == []
        assert pending_ids(outbox, now_ms=NOW_MS + 1000) == [record.id]
        assert pending_ids(outbox, now_ms=1_000_000) == [record.id]


def test_delivered_records_are_kept_for_the_retention_time_and_then_deleted(tmp_path: Path) -> None:
    """They can be offered again until the retention time has passed; then no byte row is left."""
    record = utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.append([record], now_ms=NOW_MS)
        acknowledge(outbox, record)
        assert outbox.purge(now_ms=NOW_MS + 999, retention_ms=1000) == 0
        assert outbox.offer_again() == 1
        assert pending_ids(outbox) == [record.id]
        acknowledge(outbox, record)
        assert outbox.purge(now_ms=NOW_MS + 1000, retention_ms=1000) == 1
        assert outbox.offer_again() == 0


def test_a_withdrawal_erases_the_words_of_its_conversation_and_nothing_else(tmp_path: Path) -> None:
    """Pending, delivered and dead utterances go, more than one step's worth; the rest and other talks stay."""
    withdrawn, other = conversation(), conversation()
    records = [utterance_record(conversation_id=withdrawn.id) for _ in range(120)]
    kept = utterance_record(conversation_id=other.id)
    with opened_outbox(tmp_path) as outbox:
        for begun, said in ((withdrawn, records), (other, [kept])):
            recording = Recording(id=begun.id, fingerprint=str(begun.id), live=True, conversation=begun)
            began = Record(id=begun.id, device_seq=0, monotonic_ms=1, occurred_at=begun.started_at, body=begun)
            outbox.append([began, *said], now_ms=NOW_MS, begin=recording)
        acknowledge(outbox, *records[:40])
        refused = [Settlement(record_id=r.id, state=RecordState.DEAD) for r in records[40:50]]
        outbox.settle(refused, now_ms=NOW_MS)
        sealed = _sealed(tmp_path, records[3].id)
        assert outbox.erase_texts(withdrawn.id) == 120
        assert outbox.erase_texts(withdrawn.id) == 0
        assert pending_ids(outbox) == [withdrawn.id, other.id, kept.id]
        assert (outbox.backlog().acknowledged, outbox.backlog().dead) == (0, 0)
        assert outbox.last_texts(withdrawn.id, count=5) == []
        content = b"".join(path.read_bytes() for path in tmp_path.glob("outbox.db*"))
    assert sealed not in content


def _sealed(folder: Path, record: UUID) -> bytes:
    with sqlite3.connect(folder / "outbox.db") as db:
        (sealed,) = db.execute("SELECT sealed FROM records WHERE id = ?", (str(record),)).fetchone()
    db.close()
    return bytes(sealed)


def test_a_late_verdict_does_not_undo_an_earlier_one(tmp_path: Path) -> None:
    """Two deliveries of the same record: the first verdict settles it."""
    record = utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.append([record], now_ms=NOW_MS)
        acknowledge(outbox, record)
        outbox.settle([Settlement(record_id=record.id, state=RecordState.DEAD, code="late")], now_ms=NOW_MS)
        backlog = outbox.backlog()
    assert (backlog.acknowledged, backlog.dead) == (1, 0)


def test_a_missing_key_is_said_before_anything_is_lost(tmp_path: Path) -> None:
    """Without its key the outbox does not open, and no new key is made over it."""
    with opened_outbox(tmp_path) as outbox:
        outbox.append([utterance_record()], now_ms=NOW_MS)
    key = (tmp_path / "data.key").read_bytes()
    (tmp_path / "data.key").unlink()
    with pytest.raises(OutboxError) as missing:
        Outbox(tmp_path, settings=settings())
    assert missing.value.code == "data_key_missing"
    assert not (tmp_path / "data.key").exists()
    (tmp_path / "data.key").write_bytes(key)
    with opened_outbox(tmp_path) as outbox:
        assert outbox.backlog().pending == 1


def test_a_key_of_another_outbox_is_refused_instead_of_condemning_every_row(tmp_path: Path) -> None:
    """The wrong key is one clear error, not a thousand unreadable records."""
    with opened_outbox(tmp_path) as outbox:
        outbox.append([utterance_record()], now_ms=NOW_MS)
    with pytest.raises(OutboxError) as wrong:
        Outbox(tmp_path, settings=settings(data_key=SecretStr("A" * 43 + "=")))
    assert wrong.value.code == "data_key_wrong"
    with opened_outbox(tmp_path) as outbox:
        assert outbox.backlog().unreadable == 0


@pytest.mark.parametrize("key", ["no base64 !", "c2hvcnQ="])
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    """A data key must be 32 bytes in base64."""
    with pytest.raises(OutboxError) as refused:
        Outbox(tmp_path, settings=settings(data_key=SecretStr(key)))
    assert refused.value.code == "data_key_invalid"


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    """Garbage in the place of the outbox gives a clear error with advice."""
    with opened_outbox(tmp_path):
        pass
    (tmp_path / "outbox.db").write_bytes(b"\xff" * 8192)
    with pytest.raises(OutboxError) as damaged:
        Outbox(tmp_path, settings=settings())
    assert damaged.value.code == "outbox_damaged"
    assert damaged.value.advice


def test_an_outbox_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    """A higher user_version is refused, and stays as it is."""
    with opened_outbox(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutboxError) as newer:
        Outbox(tmp_path, settings=settings())
    assert newer.value.code == "outbox_newer"


def test_one_recording_counts_on_over_its_steps(tmp_path: Path) -> None:
    """Totals add up over blocks, and a second take of the same fingerprint is another recording."""
    first, second = conversation(), conversation()
    with opened_outbox(tmp_path) as outbox:
        for begun in (first, second):
            recording = Recording(id=begun.id, fingerprint="f", live=False, conversation=begun)
            outbox.append([], now_ms=NOW_MS, begin=recording)
        for blocks, until_ms in ((1, 1000), (2, 3000)):
            totals = Totals(utterances=2, heard_ms=1000)
            step = Advance(recording=second.id, blocks=blocks, until_ms=until_ms, totals=totals)
            outbox.append([], now_ms=NOW_MS, advance=step)
        kept = outbox.recording("f")
    assert kept is not None
    assert (kept.id, kept.take, kept.blocks, kept.until_ms) == (second.id, 2, 2, 3000)
    assert kept.totals == Totals(utterances=4, heard_ms=2000)
    assert kept.conversation == second


def test_one_dead_letter_is_looked_at_and_offered_again(tmp_path: Path) -> None:
    """It shows its masked text and why it is dead; resent by its id, it alone is pending again."""
    dead = [utterance_record("我的手机号是13912345678"), utterance_record()]
    with opened_outbox(tmp_path) as outbox:
        outbox.append(dead, now_ms=NOW_MS)
        refused = [Settlement(record_id=r.id, state=RecordState.DEAD, code="text_invalid") for r in dead]
        outbox.settle(refused, now_ms=NOW_MS)
        letter = outbox.letter(dead[0].id)
        assert letter is not None
        assert (letter.about.state, letter.about.code, letter.about.attempts) == (RecordState.DEAD, "text_invalid", 1)
        assert letter.record is not None
        assert isinstance(letter.record.body, Utterance)
        assert letter.record.body.text.text == "我的手机号是〔手机号〕"
        assert outbox.letter(conversation().id) is None
        assert outbox.offer_again(record=dead[0].id) == 1
        assert pending_ids(outbox) == [dead[0].id]


def test_dead_letters_go_after_their_own_time(tmp_path: Path) -> None:
    """They stay for whoever wants to look, and not for ever; what is pending never goes for its age."""
    dead, pending = utterance_record(), utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.append([dead, pending], now_ms=NOW_MS)
        outbox.settle([Settlement(record_id=dead.id, state=RecordState.DEAD)], now_ms=NOW_MS)
        assert outbox.purge(now_ms=NOW_MS + 10**12, retention_ms=0) == 0
        assert outbox.purge(now_ms=NOW_MS + 999, retention_ms=0, dead_retention_ms=1000) == 0
        assert outbox.purge(now_ms=NOW_MS + 1000, retention_ms=0, dead_retention_ms=1000) == 1
        assert pending_ids(outbox) == [pending.id]


def test_it_says_why_records_are_kept_back(tmp_path: Path) -> None:
    """The trouble of delivery as a whole, else that of the record offered most; nothing when nothing waits."""
    record = utterance_record()
    with opened_outbox(tmp_path) as outbox:
        outbox.note_trouble("server_unreachable")
        assert outbox.backlog().why == ""
        outbox.append([record], now_ms=NOW_MS)
        assert outbox.backlog().why == "server_unreachable"
        outbox.note_trouble("")
        outbox.settle([Settlement(record_id=record.id, state=RecordState.PENDING, code="busy")], now_ms=NOW_MS)
        assert outbox.backlog().why == "busy"


def test_another_program_may_change_the_key_while_this_one_delivers(tmp_path: Path) -> None:
    """An outbox that was open all the while goes on with the new key and puts no record aside."""
    record = utterance_record()
    with opened_outbox(tmp_path) as delivering:
        delivering.append([record], now_ms=NOW_MS)
        assert rotate_key(tmp_path, settings=settings()) == 1
        assert pending_ids(delivering) == [record.id]
        assert delivering.backlog().unreadable == 0


def test_a_key_from_the_settings_is_not_changed(tmp_path: Path) -> None:
    """Whoever gave it has to change it."""
    given = settings(data_key=SecretStr("A" * 43 + "="))
    with pytest.raises(OutboxError) as refused:
        rotate_key(tmp_path, settings=given)
    assert refused.value.code == "data_key_given"


def test_voiceprints_open_under_the_new_key(tmp_path: Path) -> None:
    """A voice that was enrolled before the change is known after it."""
    unit = (1.0, *[0.0] * (DIMENSIONS - 1))
    voiceprint = Voiceprint(staff="S-1", vector=unit, speech_s=12.0, made_at=conversation().started_at)
    voices = Voiceprints(tmp_path, settings=settings())
    with opened_outbox(tmp_path):
        voices.keep(voiceprint)
    rotate_key(tmp_path, settings=settings())
    assert voices.of("S-1") == voiceprint
