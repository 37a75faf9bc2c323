"""A verdict for every record: what is taken, what is refused and why, and that one never harms another."""

import gzip
import json
import zlib
from typing import Any

import httpx2
import pytest

from models.ids import new_id
from models.wire import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, IngestReceipt
from support.device_client import Device, consent, coverage, record, utterance
from support.running_server import RunningServer

Json = dict[str, Any]


def _outcomes(verdicts: list[Json]) -> list[str]:
    return [verdict.get("code") or verdict["verdict"] for verdict in verdicts]


def _post_text(device: Device, records_json: str) -> httpx2.Response:
    """Send records written as raw JSON text."""
    body = json.dumps(device.batch([])).replace('"records": []', f'"records": [{records_json}]')
    return device.post(body.encode("utf-8", "surrogateescape"))


def test_everything_of_a_conversation_is_stored(server: RunningServer, device: Device) -> None:
    """Conversation, consent, utterance and coverage arrive in their tables and ring the queue."""
    conversation = new_id()
    sent = [
        device.conversation(conversation, ended=False),
        consent(conversation),
        utterance(conversation, "我想办张卡"),
        coverage(conversation),
        device.conversation(conversation, ended=True),
    ]
    answer = device.send(sent)
    receipt = IngestReceipt.model_validate_json(answer.content)
    assert [str(verdict.id) for verdict in receipt.verdicts] == [each["id"] for each in sent]
    assert {verdict.verdict for verdict in receipt.verdicts} == {"accepted"}
    assert server.of(conversation, "utterance", "text") == [("我想办张卡",)]
    assert server.of(conversation, "consent", "state") == [("granted",)]
    assert server.of(conversation, "coverage_span", "state") == [("heard",)]
    assert server.of(conversation, "conversation", "customer, ended_at IS NULL")[0][0] == "C-1"
    assert server.of(conversation, "analysis_queue", "ring") == [(1,)]


def test_sent_twice_is_stored_once(server: RunningServer, device: Device) -> None:
    """The same records again, in a batch of another id, are duplicates; nothing rings again."""
    conversation = new_id()
    sent = [
        device.conversation(conversation, ended=False),
        consent(conversation),
        utterance(conversation),
        coverage(conversation),
        device.conversation(conversation, ended=True),
    ]
    assert _outcomes(device.verdicts(sent)) == ["accepted"] * 5
    assert _outcomes(device.verdicts(sent)) == ["duplicate"] * 5
    assert server.of(conversation, "utterance", "count(*)") == [(1,)]
    assert server.of(conversation, "analysis_queue", "ring") == [(1,)]


def test_a_record_twice_in_one_batch_is_a_duplicate(device: Device) -> None:
    """The first of two equal records is taken, the second is the duplicate."""
    once = utterance(new_id())
    assert _outcomes(device.verdicts([once, once])) == ["accepted", "duplicate"]


def test_one_bad_record_does_not_harm_the_others(device: Device) -> None:
    """Each record of a batch gets its own verdict, in order."""
    conversation = new_id()
    sent = [
        utterance(conversation),
        {"id": str(new_id())},
        utterance(conversation, start_ms=-5),
        "not a record",
        record({"body": "something_new"}),
        utterance(conversation),
    ]
    verdicts = device.verdicts(sent)
    assert _outcomes(verdicts) == ["accepted", "schema", "schema", "schema", "schema", "accepted"]
    assert [verdict.get("id") for verdict in verdicts] == [
        each["id"] if isinstance(each, dict) else None for each in sent
    ]
    assert all(verdict["permanent"] and verdict["detail"] for verdict in verdicts[1:5])
    assert "start_ms" in verdicts[2]["detail"]


def test_unknown_fields_are_ignored(device: Device) -> None:
    """A newer device may say more than this server understands."""
    sent = utterance(new_id(), mood="calm") | {"colour": "red"}
    assert _outcomes(device.verdicts([sent], later="yes")) == ["accepted"]


@pytest.mark.parametrize("text", ["\\ud800", "ab\\udfffcd", "\\u0000", "\udcff", "\udc80\udc81"])
def test_text_that_is_not_unicode_is_refused_alone(server: RunningServer, device: Device, text: str) -> None:
    """Lone surrogates, NUL and bytes that are no UTF-8 cost their own record and no other."""
    conversation = new_id()
    good = json.dumps(utterance(conversation, "我没有问题"))
    bad = json.dumps(utterance(conversation, "TEXT")).replace("TEXT", text)
    answer = _post_text(device, f"{good}, {bad}, {json.dumps(utterance(conversation))}")
    assert answer.status_code == 200, answer.text
    assert _outcomes(answer.json()["verdicts"]) == ["accepted", "text_invalid", "accepted"]
    assert (server.of(conversation, "utterance", "count(*)")) == [(2,)]


def test_gbk_bytes_are_refused_alone(device: Device) -> None:
    """A device that writes another encoding is told so."""
    conversation = new_id()
    bad = json.dumps(utterance(conversation, "TEXT")).replace(
        "TEXT", "你好".encode("gbk").decode("utf-8", "surrogateescape")
    )
    answer = _post_text(device, f"{bad}, {json.dumps(utterance(conversation))}")
    assert _outcomes(answer.json()["verdicts"]) == ["text_invalid", "accepted"]


def test_ten_megabytes_of_text_are_refused_alone(device: Device) -> None:
    """Nobody says ten megabytes in one go; what else is in the batch is taken."""
    conversation = new_id()
    sent = [utterance(conversation, "a" * 10_000_000), utterance(conversation)]
    verdicts = device.verdicts(sent)
    assert _outcomes(verdicts) == ["text_too_long", "accepted"]
    assert len(verdicts[0]["detail"]) < 400


@pytest.mark.parametrize(
    ("occurred_at", "flag"),
    [("1970-01-01T00:00:05Z", "clock_not_set"), ("2100-01-01T00:00:00Z", "occurred_in_future")],
)
def test_impossible_times_are_taken_and_flagged(
    server: RunningServer, device: Device, occurred_at: str, flag: str
) -> None:
    """A device whose clock is wrong loses nothing; its records say so."""
    conversation = new_id()
    sent = utterance(conversation) | {"occurred_at": occurred_at}
    (verdict,) = device.verdicts([sent])
    assert (verdict["verdict"], verdict["flags"]) == ("accepted", [flag])
    assert server.of(conversation, "utterance", "flags") == [(flag,)]


def test_three_days_offline_are_no_reason_for_a_flag(device: Device) -> None:
    """Old records are normal: devices work without a network."""
    (verdict,) = device.verdicts([utterance(new_id()) | {"occurred_at": "2026-06-01T08:00:00+08:00"}])
    assert verdict == {"id": verdict["id"], "verdict": "accepted"}


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "2026-01-01T00:00:00"},
        {"device_seq": 2**63},
        {"monotonic_ms": 2**70},
        {"clock_offset_ms": -(2**64)},
        {"id": "no id"},
    ],
)
def test_values_that_no_database_can_hold_are_refused_alone(device: Device, change: Json) -> None:
    """Numbers and moments beyond their range are a verdict, not a failure of the server."""
    conversation = new_id()
    assert _outcomes(device.verdicts([utterance(conversation) | change, utterance(conversation)])) == [
        "schema",
        "accepted",
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_not_finite_are_refused_alone(device: Device, number: str) -> None:
    """NaN and infinities are no JSON and cannot be read back."""
    conversation = new_id()
    bad = json.dumps(utterance(conversation)).replace("-0.25", number)
    answer = _post_text(device, f"{bad}, {json.dumps(utterance(conversation))}")
    assert answer.status_code == 200, answer.text
    assert _outcomes(answer.json()["verdicts"]) == ["schema", "accepted"]


def test_masks_outside_the_text_are_refused(device: Device) -> None:
    """A mask that points nowhere would break whoever shows it."""
    sent = utterance(new_id(), "好")
    sent["body"]["text"]["masks"] = [{"kind": "mobile", "start": 0, "end": 9}]
    (verdict,) = device.verdicts([sent])
    assert (verdict["code"], "masks" in verdict["detail"]) == ("schema", True)


def test_server_redacts_what_a_device_missed(server: RunningServer, device: Device) -> None:
    """Personal data that slipped through on the device is masked before it is stored."""
    conversation = new_id()
    (verdict,) = device.verdicts([utterance(conversation, "我的手机号是13800138000")])
    assert (verdict["verdict"], verdict["flags"]) == ("accepted", ["redacted_by_server"])
    ((text, masks),) = server.of(conversation, "utterance", "text, masks")
    assert text == "我的手机号是〔手机号〕"
    assert '"mobile"' in str(masks)


@pytest.mark.parametrize("state", ["declined", "withdrawn"])
def test_conversation_without_consent_leaves_nothing(server: RunningServer, device: Device, state: str) -> None:
    """A conversation that the customer did not agree to is not stored."""
    conversation = new_id()
    sent = device.conversation(conversation, ended=True, consent=state)
    assert _outcomes(device.verdicts([sent])) == ["consent_not_granted"]
    assert server.of(conversation, "conversation", "count(*)") == [(0,)]


def test_withheld_span_stands_alone(server: RunningServer, device: Device) -> None:
    """What a declined conversation leaves is a span of time that names no conversation."""
    sent = coverage(None, "withheld", reason="consent_declined", staff=f"S-{device.id}")
    assert _outcomes(device.verdicts([sent, coverage(None, "heard")])) == ["accepted", "schema"]
    found = server.rows("SELECT state, conversation_id, staff FROM coverage_span")
    assert [row[:2] for row in found if row[2] == f"S-{device.id}"] == [("withheld", None)]


def test_no_words_are_taken_after_a_withdrawal(device: Device) -> None:
    """After a withdrawal only what became of the time is still taken."""
    conversation = new_id()
    first = [device.conversation(conversation, ended=False), consent(conversation), utterance(conversation)]
    assert _outcomes(device.verdicts(first)) == ["accepted"] * 3
    withdrawn = consent(conversation, "withdrawn", at="2026-11-20T02:01:00Z")
    assert _outcomes(device.verdicts([withdrawn])) == ["accepted"]
    later = [utterance(conversation), coverage(conversation), device.conversation(conversation, ended=True)]
    assert _outcomes(device.verdicts(later)) == ["consent_not_granted", "accepted", "accepted"]


def test_conversation_of_another_device_is_foreign(server: RunningServer, device: Device) -> None:
    """A device adds nothing to a conversation that another device of the tenant has."""
    conversation = new_id()
    other = server.device()
    assert _outcomes(device.verdicts([utterance(conversation)])) == ["accepted"]
    sent = [utterance(conversation), coverage(conversation), other.conversation(conversation, ended=True)]
    assert _outcomes(other.verdicts(sent)) == ["conversation_foreign"] * 3
    named = device.conversation(new_id(), ended=False, device_id=str(other.id))
    assert _outcomes(device.verdicts([named])) == ["conversation_foreign"]
    assert _outcomes(other.verdicts([utterance(new_id())], device_id=str(device.id))) == ["conversation_foreign"]


def test_other_tenants_name_is_a_mismatch(device: Device) -> None:
    """A batch or a conversation that names another tenant is refused record by record."""
    conversation = new_id()
    sent = [device.conversation(conversation, ended=False, tenant="other"), utterance(conversation)]
    assert _outcomes(device.verdicts(sent)) == ["tenant_mismatch", "accepted"]
    assert _outcomes(device.verdicts([utterance(conversation)], tenant="other")) == ["tenant_mismatch"]


def test_words_before_their_conversation_are_kept(server: RunningServer, device: Device) -> None:
    """Records may overtake each other; the conversation is whole in the end."""
    conversation = new_id()
    assert _outcomes(device.verdicts([utterance(conversation)])) == ["accepted"]
    assert _outcomes(device.verdicts([device.conversation(conversation, ended=True)])) == ["accepted"]
    opening = device.conversation(conversation, ended=False)
    assert _outcomes(device.verdicts([opening, opening])) == ["accepted", "duplicate"]
    row = server.of(conversation, "conversation", "opened_by IS NULL, closed_by IS NULL, ended_at IS NULL")
    assert [tuple(bool(value) for value in each) for each in row] == [(False, False, False)]


def test_end_makes_the_analysis_due_at_once(server: RunningServer, device: Device) -> None:
    """An open conversation waits until it is quiet; one that has ended is due now."""
    conversation = new_id()
    device.verdicts([device.conversation(conversation, ended=False), utterance(conversation)])
    assert server.of(conversation, "analysis_queue", "due_at - rung_at, ring") == [
        (server.settings.quiet_after_s * 1000, 1)
    ]
    device.verdicts([device.conversation(conversation, ended=True)])
    assert server.of(conversation, "analysis_queue", "due_at - rung_at, ring") == [(0, 2)]
    device.verdicts([utterance(conversation)])
    assert server.of(conversation, "analysis_queue", "due_at - rung_at, ring") == [(0, 3)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "batch_unreadable"),
        (b"hello", 400, "batch_unreadable"),
        (b"[]", 400, "batch_unreadable"),
        (b'{"records": 5}', 400, "batch_unreadable"),
        (b'{"records": []}', 400, "batch_unreadable"),
        (b"[" * 200_000, 400, "batch_unreadable"),
        (b'{"records": [' + b'{"body":' * 100_000, 400, "batch_unreadable"),
        (b"\xff\xfe\x00", 400, "batch_unreadable"),
        (b" " * (MAX_BATCH_BYTES + 1), 413, "body_too_large"),
    ],
)
def test_what_is_no_batch_is_refused_whole(device: Device, body: bytes, status: int, code: str) -> None:
    """Without an envelope there are no records to judge; the answer says what is wrong."""
    answer = device.post(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_envelope_without_unicode_is_refused_whole(device: Device) -> None:
    """A tenant's name that is no text names nobody."""
    body = json.dumps(device.batch([utterance(new_id())])).encode().replace(b'"default"', b'"\xff"')
    assert device.post(body).json()["code"] == "batch_unreadable"


def test_batch_of_a_later_version_is_refused_whole(device: Device) -> None:
    """A version that this server would misread is not read."""
    answer = device.send([utterance(new_id())], version=2)
    assert (answer.status_code, answer.json()["code"]) == (400, "version_unknown")


def test_too_many_records_are_refused_whole(device: Device) -> None:
    """A batch has a limit that the wire names."""
    answer = device.send([{} for _ in range(MAX_BATCH_RECORDS + 1)])
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")


def test_full_batch_is_taken(server: RunningServer, device: Device) -> None:
    """The largest batch that the wire allows is stored, each record once."""
    conversation = new_id()
    sent = [utterance(conversation, start_ms=at) for at in range(MAX_BATCH_RECORDS)]
    assert set(_outcomes(device.verdicts(sent))) == {"accepted"}
    assert server.of(conversation, "utterance", "count(*)") == [(MAX_BATCH_RECORDS,)]


def test_empty_batch_is_acknowledged(device: Device) -> None:
    """A batch without records is no mistake."""
    assert device.verdicts([]) == []


def _zipped(device: Device, body: bytes, encoding: str = "gzip") -> httpx2.Response:
    return device.post(body, device.sign(body) | {"Content-Encoding": encoding})


def test_decompression_bomb_is_refused(device: Device) -> None:
    """A small body that unpacks to hundreds of megabytes is not unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1 << 20)
    bomb = b"".join([*(packer.compress(block) for _ in range(200)), packer.flush()])
    answer = _zipped(device, bomb)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")


def test_broken_gzip_is_refused(device: Device) -> None:
    """Half a body, and what is no gzip, cannot be read."""
    whole = gzip.compress(json.dumps(device.batch([utterance(new_id())])).encode())
    for body in (whole[:-10], b"no gzip", whole + b"more"):
        answer = _zipped(device, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "batch_unreadable")


def test_unknown_encoding_is_refused(device: Device) -> None:
    """The wire knows gzip and nothing else."""
    answer = _zipped(device, b"{}", "br")
    assert (answer.status_code, answer.json()["code"]) == (415, "encoding_unknown")
