"""What clients are told when something goes wrong, and that the server stays up."""

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from models.errors import RejectedError, StoreError
from models.ids import new_id
from server import problems
from server.app import create_app
from server.devices.enrolment import create_code
from server.settings import ServerSettings
from server.setup import Wanted, set_up
from server.store.database import Database, OverloadedError
from support.databases import fresh_database
from support.device_client import HTTP, Device, public_key_of, utterance
from support.running_server import RunningServer

FIELDS = {"type", "title", "status", "detail", "code", "advice"}


def _assert_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == FIELDS
    assert answer.json()["status"] == status


@pytest.fixture
def failing() -> Iterator[TestClient]:
    """An application whose routes fail in every way."""
    app = FastAPI()
    problems.install(app)
    errors: dict[str, Exception] = {
        "store": StoreError("The disk is full.", advice="Make room."),
        "overloaded": OverloadedError("Too much."),
        "rejected": RejectedError("No.", code="not_so"),
        "bug": ZeroDivisionError("secret detail"),
        "permanent": StoreError("secret schema", permanent=True),
        "problem": problems.Problem(409, "taken", "Taken", headers={"X-Why": "because"}),
    }

    @app.get("/{name}")
    async def fail(name: str, number: int = 0) -> None:
        raise errors[name]

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/store", 503, "store_error"),
        ("/overloaded", 503, "overloaded"),
        ("/rejected", 422, "not_so"),
        ("/bug", 500, "internal_error"),
        ("/permanent", 500, "internal_error"),
        ("/problem", 409, "taken"),
        ("/bug?number=x", 422, "request_invalid"),
        ("/no/such/path", 404, "not_found"),
    ],
)
def test_every_failure_is_a_problem_document(failing: TestClient, path: str, status: int, code: str) -> None:
    """Each kind of error has its status and code, and no answer shows what is inside."""
    answer = failing.get(path)
    _assert_problem(answer, status, code)
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_problem_keeps_its_headers(failing: TestClient) -> None:
    """What a problem sends along arrives."""
    assert failing.get("/problem").headers["x-why"] == "because"


def test_full_disk_answers_503_and_nothing_is_lost(tmp_path: Path) -> None:
    """Ingest on a full disk: 503 with Retry-After, nothing acknowledged; with room again the same batch is taken."""
    settings = ServerSettings(data=tmp_path, worker="off")
    asyncio.run(set_up(settings, Wanted(tenant="default", login="admin"), now=datetime.now(UTC)))
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.portal is not None
        db: Database = app.state.db

        def limit(conn: Connection, spare: int) -> None:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
            conn.exec_driver_sql(f"PRAGMA max_page_count={pages + spare}")

        device = _enrolled(client, db)
        sent = [utterance(new_id(), "话" * 500) for _ in range(200)]
        body = gzip.compress(json.dumps(device.batch(sent)).encode())
        headers = device.sign(body) | {"Content-Encoding": "gzip"}
        client.portal.call(db.write, lambda conn: limit(conn, 3))
        refused = client.post("/v1/ingest", content=body, headers=headers)
        _assert_problem(refused, 503, "store_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        count = "SELECT count(*) FROM utterance"
        assert client.portal.call(db.read, lambda conn: conn.exec_driver_sql(count).scalar_one()) == 0
        client.portal.call(db.write, lambda conn: limit(conn, 10_000))
        taken = client.post("/v1/ingest", content=body, headers=headers)
        assert {verdict["verdict"] for verdict in taken.json()["verdicts"]} == {"accepted"}


def _enrolled(client: TestClient, db: Database) -> Device:
    assert client.portal is not None
    key = Ed25519PrivateKey.generate()
    code, _ = client.portal.call(db.write, lambda conn: create_code(conn, tenant="default", now=datetime.now(UTC)))
    answer = client.post("/v1/enrol", json={"code": code, "public_key": public_key_of(key)})
    return Device("", key, answer.json()["device_id"], answer.json()["tenant"])


def test_half_a_body_is_no_failure(server: RunningServer, device: Device) -> None:
    """A device that goes away in the middle of a batch leaves nothing behind, and the server goes on."""
    body = json.dumps(device.batch([utterance(new_id())])).encode()
    headers = "".join(f"{name}: {value}\r\n" for name, value in device.sign(body).items())
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /v1/ingest HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body[: len(body) // 2])
    assert device.post(body).status_code == 200


def test_health_and_readiness(server: RunningServer) -> None:
    """The process is up and the database has its schema; nobody needs a key to ask."""
    assert HTTP.get(server.url + "/healthz").json() == {"status": "up"}
    assert HTTP.get(server.url + "/readyz").json()["status"] == "ready"


def test_readiness_tells_who_analyses(tmp_path: Path) -> None:
    """The worker runs here, elsewhere, or has stopped; a stopped one does not keep records from being taken."""
    settings = ServerSettings(data=tmp_path)
    asyncio.run(set_up(settings, Wanted(tenant="default", login="admin"), now=datetime.now(UTC)))
    with TestClient(create_app(settings.model_copy(update={"worker": "off"}))) as client:
        assert client.get("/readyz").json()["analysis"] == "elsewhere"
    with TestClient(create_app(settings)) as client:
        assert client.get("/readyz").json()["analysis"] == "running"
        assert client.portal is not None
        client.portal.call(_stop_the_worker)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["analysis"]) == (200, "stopped")


async def _stop_the_worker() -> None:
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "worker"]
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)


def test_database_that_goes_away_is_told_and_comes_back(tmp_path: Path) -> None:
    """Without its database the process is up but not ready; nothing crashes."""
    with fresh_database("postgresql") as url:
        settings = ServerSettings(data=tmp_path, database_url=url, worker="off")
        asyncio.run(set_up(settings, Wanted(tenant="default", login="admin"), now=datetime.now(UTC)))
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            assert client.get("/readyz").status_code == 200
            assert url is not None
            _rename(url, away=True)
            _assert_problem(client.get("/readyz"), 503, "store_unavailable")
            assert client.get("/healthz").status_code == 200
            _rename(url, away=False)
            assert client.get("/readyz").status_code == 200


def _rename(url: str, *, away: bool) -> None:
    """Take a PostgreSQL database away under its clients, and bring it back."""
    base, name = url.rsplit("/", 1)
    old, new = (name, f"{name}_away") if away else (f"{name}_away", name)

    async def run() -> None:
        connection = await asyncpg.connect(f"{base}/postgres")
        try:
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", old)
            await connection.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
        finally:
            await connection.close()

    asyncio.run(run())
