"""Enrolment: one code, one device."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.access.accounts import Role
from server.access.keys import create_key
from server.devices.enrolment import create_code
from support.device_client import HTTP, public_key_of
from support.running_server import RunningServer


def _ask(server: RunningServer, code: str, public_key: str) -> httpx2.Response:
    asked = {"code": code, "public_key": public_key, "name": "counter 1"}
    return HTTP.post(f"{server.url}/v1/enrol", json=asked)


def _new_key() -> str:
    return public_key_of(Ed25519PrivateKey.generate())


def _code(server: RunningServer, *, at: datetime | None = None) -> str:
    code, _ = server.in_database(lambda conn: create_code(conn, tenant="default", now=at or datetime.now(UTC)))
    return str(code)


def test_same_code_and_key_again_give_the_same_device(server: RunningServer) -> None:
    """A device whose answer was lost asks again and becomes no second device."""
    code, key = _code(server), _new_key()
    first, second = _ask(server, code, key), _ask(server, code, key)
    assert first.status_code == second.status_code == 200
    assert first.json()["device_id"] == second.json()["device_id"]
    assert first.json()["tenant"] == "default"


def test_code_is_taken_as_people_type_it(server: RunningServer) -> None:
    """Small letters and blanks around a code do not matter."""
    assert _ask(server, f" {_code(server).lower()} ", _new_key()).status_code == 200


def test_used_code_is_refused_to_another_key(server: RunningServer) -> None:
    """A code enrols one device only."""
    code = _code(server)
    assert _ask(server, code, _new_key()).status_code == 200
    again = _ask(server, code, _new_key())
    assert (again.status_code, again.json()["code"]) == (409, "code_used")
    assert again.json()["advice"]


def test_unknown_code_is_refused(server: RunningServer) -> None:
    """A code that was never given enrols nothing."""
    answer = _ask(server, "AAAAA-AAAAA-AAAAA", _new_key())
    assert (answer.status_code, answer.json()["code"]) == (403, "code_unknown")


def test_code_expires_after_a_day(server: RunningServer) -> None:
    """A code that was left lying about is worth nothing on the next day."""
    old = _code(server, at=datetime.now(UTC) - timedelta(hours=24, seconds=1))
    answer = _ask(server, old, _new_key())
    assert (answer.status_code, answer.json()["code"]) == (403, "code_expired")
    fresh = _code(server, at=datetime.now(UTC) - timedelta(hours=23))
    assert _ask(server, fresh, _new_key()).status_code == 200


def test_key_of_another_tenant_is_refused(server: RunningServer) -> None:
    """A device belongs to one tenant; another tenant's code does not move it."""
    key = _new_key()
    assert _ask(server, _code(server), key).status_code == 200
    server.add_tenant("enrol-other")
    other, _ = server.in_database(lambda conn: create_code(conn, tenant="enrol-other", now=datetime.now(UTC)))
    answer = _ask(server, other, key)
    assert (answer.status_code, answer.json()["code"]) == (409, "key_known")


@pytest.mark.parametrize("public_key", ["", "AAAA", "not base64!", "\ud800", "A" * 44])
def test_what_is_no_public_key_is_refused(server: RunningServer, public_key: str) -> None:
    """Only 32 bytes in base64 are an Ed25519 key."""
    body = f'{{"code": "{_code(server)}", "public_key": "{public_key}"}}'
    answer = HTTP.post(
        f"{server.url}/v1/enrol",
        content=body.encode("utf-8", "surrogatepass"),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_name_with_nul_is_refused(server: RunningServer) -> None:
    """What PostgreSQL cannot store is a clear refusal, and the code can still be used."""
    code = _code(server)
    asked = {"code": code, "public_key": _new_key(), "name": "a\0b"}
    answer = HTTP.post(f"{server.url}/v1/enrol", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "text_invalid")
    assert _ask(server, code, _new_key()).status_code == 200


def test_administrators_make_further_codes_and_readers_do_not(server: RunningServer) -> None:
    """The API gives an administrator a code that works, and a reader none."""
    made = server.post("/v1/devices/enrolment-codes")
    assert made.status_code == 201
    assert _ask(server, made.json()["enrolment_code"], _new_key()).status_code == 200
    reader = server.in_database(
        lambda conn: create_key(conn, tenant="default", name="reader", role=Role.READER, now=datetime.now(UTC))
    )
    refused = server.post("/v1/devices/enrolment-codes", key=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_insufficient")


def test_codes_are_stored_as_hashes(server: RunningServer) -> None:
    """Whoever reads the database learns no code."""
    code = _code(server)
    stored = server.rows("SELECT code_hash FROM enrolment_code")
    assert code not in str(stored)
