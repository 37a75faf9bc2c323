"""The wire: what leaves the device is read back as it was, also by an older reader."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.conversation import Conversation, CoverageSpan
from models.ids import derived_id, new_id
from models.labels import ConsentState, CoverageState
from models.wire import Record, signing_payload

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 12, 31), timezones=st.just(UTC))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)


@given(started=MOMENTS, site=NAMES, customer=NAMES | st.none(), seq=st.integers(0, 2**53))
def test_a_record_is_read_back_as_it_was_written(started: datetime, site: str, customer: str | None, seq: int) -> None:
    """Reading is the inverse of writing, for any moment from 1970 to 2100 and any name."""
    body = Conversation(
        id=new_id(),
        tenant="t",
        site=site,
        device_id=new_id(),
        staff="s",
        channel="counter",
        customer=customer,
        consent=ConsentState.GRANTED,
        started_at=started,
    )
    record = Record(id=new_id(), device_seq=seq, monotonic_ms=seq, occurred_at=started, body=body)
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_fields_of_a_later_version_are_ignored() -> None:
    """A reader takes a record that carries fields it does not know."""
    span = CoverageSpan(
        conversation_id=new_id(), site="b", staff="s", channel="c", state=CoverageState.HEARD, start_ms=0, end_ms=9
    )
    record = Record(id=new_id(), device_seq=0, monotonic_ms=0, occurred_at=datetime.now(UTC), body=span)
    later = json.loads(record.model_dump_json())
    later["mood"] = later["body"]["weather"] = "new"
    assert Record.model_validate_json(json.dumps(later)) == record


@pytest.mark.parametrize("change", [{"end_ms": 1, "start_ms": 2}, {"conversation_id": None}, {"state": "slept"}])
def test_a_span_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    """A span ends after it starts, belongs to a conversation unless withheld, and has a known state."""
    names = {"conversation_id": str(new_id()), "site": "b", "staff": "s", "channel": "c", "state": "heard"}
    good = {**names, "start_ms": 0, "end_ms": 9}
    CoverageSpan.model_validate_json(json.dumps(good))
    with pytest.raises(ValidationError):
        CoverageSpan.model_validate_json(json.dumps({**good, **change}))


def test_a_moment_without_a_time_zone_is_refused() -> None:
    """A naive time would be read differently at every site."""
    with pytest.raises(ValidationError, match="time zone"):
        Record.model_validate({"id": new_id(), "device_seq": 0, "monotonic_ms": 0, "occurred_at": datetime(2026, 1, 1)})


@given(body=st.binary(max_size=64), other=st.binary(max_size=64), shift=st.integers(0, 3))
def test_a_signature_covers_device_time_and_body(body: bytes, other: bytes, shift: int) -> None:
    """Changing any one of the three changes what is signed."""
    device = UUID(int=7)
    payload = signing_payload(device, 1_000, body)
    assert (signing_payload(device, 1_000 + shift, other) == payload) == (shift == 0 and body == other)
    assert signing_payload(UUID(int=8), 1_000, body) != payload


def test_ids_sort_by_time_and_derived_ids_repeat() -> None:
    """A UUIDv7 made later is greater; a derived id depends on its parts and their borders only."""
    first, second = new_id(), new_id()
    assert first < second
    assert first.version == 7
    assert derived_id("a", "b") == derived_id("a", "b") != derived_id("ab", "")
