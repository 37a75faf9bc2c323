"""Which device sent a batch: signatures, clocks and revocation."""

import json
import time

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.ids import new_id
from models.wire import HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIMESTAMP, SIGNATURE_WINDOW_S
from support.device_client import Device, utterance
from support.running_server import RunningServer


def _body(device: Device) -> bytes:
    return json.dumps(device.batch([utterance(new_id())])).encode()


def _assert_refused(answer: httpx2.Response, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "www-authenticate" in answer.headers
    assert "date" in answer.headers


@pytest.mark.parametrize("missing", [HEADER_DEVICE, HEADER_TIMESTAMP, HEADER_SIGNATURE])
def test_unsigned_batch_is_refused(device: Device, missing: str) -> None:
    """Without all three headers nothing is taken."""
    body = _body(device)
    headers = {name: value for name, value in device.sign(body).items() if name != missing}
    _assert_refused(device.post(body, headers), "signature_missing")


def test_foreign_signature_is_refused(device: Device) -> None:
    """Another key's signature does not speak for this device."""
    body = _body(device)
    _assert_refused(device.post(body, device.sign(body, key=Ed25519PrivateKey.generate())), "signature_invalid")


def test_altered_body_is_refused(device: Device) -> None:
    """A signature holds for the very bytes that were signed."""
    body = _body(device)
    _assert_refused(device.post(body + b" ", device.sign(body)), "signature_invalid")


@pytest.mark.parametrize(
    ("header", "value"), [(HEADER_DEVICE, "x"), (HEADER_TIMESTAMP, "now"), (HEADER_SIGNATURE, "%%%")]
)
def test_unreadable_headers_are_refused(device: Device, header: str, value: str) -> None:
    """Headers that cannot be read are a bad signature, not a failure of the server."""
    body = _body(device)
    _assert_refused(device.post(body, device.sign(body) | {header: value}), "signature_invalid")


@pytest.mark.parametrize("off_s", [-SIGNATURE_WINDOW_S - 30, SIGNATURE_WINDOW_S + 30])
def test_old_and_early_signatures_are_refused(device: Device, off_s: int) -> None:
    """A batch that was recorded cannot be played again later; the Date header lets an honest clock be corrected."""
    body = _body(device)
    _assert_refused(device.post(body, device.sign(body, at_s=time.time() + off_s)), "signature_expired")


def test_signature_within_the_window_is_taken(device: Device) -> None:
    """A clock that is a little off does no harm."""
    body = _body(device)
    assert device.post(body, device.sign(body, at_s=time.time() - SIGNATURE_WINDOW_S + 30)).status_code == 200


def test_unknown_device_is_refused(server: RunningServer) -> None:
    """A device that never enrolled here has no say."""
    stranger = Device(server.url, Ed25519PrivateKey.generate(), new_id(), "default")
    _assert_refused(stranger.post(_body(stranger)), "device_unknown")


def test_revoked_device_is_refused_at_once(server: RunningServer, device: Device) -> None:
    """After its revocation a device that just sent something is refused, although its key is kept in memory."""
    assert device.post(_body(device)).status_code == 200
    assert server.post(f"/v1/devices/{device.id}/revoke").status_code == 204
    _assert_refused(device.post(_body(device)), "device_revoked")


def test_other_tenant_cannot_revoke_a_device(server: RunningServer, device: Device) -> None:
    """An administrator of another tenant does not even learn that the device exists."""
    key = server.add_tenant(f"revoker-{device.id}")
    assert server.post(f"/v1/devices/{device.id}/revoke", key=key).status_code == 404
    assert device.post(_body(device)).status_code == 200
