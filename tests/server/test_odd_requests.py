"""Every route, asked for odd things: always an answer, never a failure of the server."""

import json
from typing import Any

import httpx2
import pytest

from server.app import create_app
from server.settings import ServerSettings
from support.device_client import HTTP
from support.running_server import RunningServer

DOCUMENT = create_app(ServerSettings()).openapi()
ROUTES = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
# As they stand in an address: NUL, a lone surrogate, a byte that is no UTF-8, very long, SQL, a path, a template.
ODD = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%ff",
    "x" * 5000,
    "'%20OR%201=1--",
    "..%2F..%2Fetc",
    "%7B%7B7*7%7D%7D",
    "-1",
    "99999999999999999999999",
    "NaN",
    "%F0%9F%98%80",
)
BODIES = (
    b"",
    b"null",
    b"[]",
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0000"}',
    b"\xff",
    b"{" * 50_000,
    b'{"a":' * 50_000,
    b"1e999",
)


def _ask(server: RunningServer, method: str, address: str, body: bytes | None = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    return HTTP.request(method, server.url + address, headers=headers, content=body)


def _assert_answered(answer: httpx2.Response, asked: str) -> None:
    assert answer.status_code < 500, f"{asked[:200]} → {answer.status_code} {answer.text[:500]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", asked[:200]
        assert answer.json()["code"]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_odd_addresses_are_answered(server: RunningServer, method: str, path: str) -> None:
    """Odd path and query values are found, not found or refused."""
    parameters: list[dict[str, Any]] = DOCUMENT["paths"][path][method].get("parameters", [])
    for odd in ODD:
        address = path
        for parameter in parameters:
            if parameter["in"] == "path":
                address = address.replace(f"{{{parameter['name']}}}", odd)
        body = b"{}" if method in ("post", "put") else None
        _assert_answered(_ask(server, method, address, body), address)
        for parameter in parameters:
            if parameter["in"] == "query":
                _assert_answered(_ask(server, method, f"{address}?{parameter['name']}={odd}", body), address)


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[0] in ("post", "put")])
def test_odd_bodies_are_answered(server: RunningServer, method: str, path: str) -> None:
    """What is no JSON, or not the JSON that was asked for, is refused."""
    address = path.replace("{device_id}", "0" * 32).replace("{name}", "bank_branch")
    for body in (*BODIES, json.dumps({"code": "x\ud800", "public_key": "\x00", "name": "\x00"}).encode()):
        _assert_answered(_ask(server, method, address, body), f"{address} {body[:50]!r}")


def test_body_that_is_too_large_is_refused(server: RunningServer) -> None:
    """A route that expects a few bytes does not read gigabytes."""
    answer = _ask(server, "post", "/v1/enrol", b" " * (17 * 1024 * 1024))
    assert answer.status_code in (400, 413), answer.text
