"""A server of real sockets that answers a device by script: what a network and a busy server do to it."""

import base64
import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.ids import new_id
from models.wire import HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIMESTAMP, IngestBatch, signing_payload


class Exchange(BaseHTTPRequestHandler):
    """One connection; answers as the script says."""

    server: "ScriptedServer"
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Say the time by the script's clock."""
        return formatdate(datetime.now(UTC).timestamp() + self.server.clock_ahead_s, usegmt=True)

    def do_GET(self) -> None:
        """Answer a look at the server's health."""
        self.answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        """Enrol a device or take a batch."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received_bytes += len(body) + len(str(self.headers)) + len(self.requestline)
        if self.path == "/v1/enrol":
            self.server.enrol(self, json.loads(body))
            return
        self.server.bodies.append(body)
        self.server.signed.append(self.server.verify(self, body))
        batch = IngestBatch.model_validate_json(gzip.decompress(body))
        script = self.server.script
        (script.pop(0) if script else accept)(self, batch)

    def answer(self, status: int, document: object, **headers: str) -> None:
        """Send a JSON answer."""
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


Step = Callable[[Exchange, IngestBatch], None]


class ScriptedServer(ThreadingHTTPServer):
    """Enrols any device whose code is `CODE`, keeps what it accepted, and follows its script for batches."""

    CODE = "GOOD-CODE"
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.script: list[Step] = []
        self.stored: dict[UUID, dict[str, Any]] = {}
        self.bodies: list[bytes] = []
        self.signed: list[bool] = []
        self.received_bytes = 0
        self.clock_ahead_s = 0.0
        self.device_id = new_id()
        self.public_key = ""

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def enrol(self, exchange: Exchange, request: dict[str, Any]) -> None:
        """Give the same key the same identity; refuse another."""
        if request["code"] != self.CODE:
            exchange.answer(403, {"code": "code_unknown", "detail": "The code is not known.", "advice": "Get another."})
        elif self.public_key not in ("", request["public_key"]):
            exchange.answer(409, {"code": "code_used", "detail": "The code was used by another device."})
        else:
            self.public_key = request["public_key"]
            moment = datetime.now(UTC).isoformat()
            exchange.answer(200, {"device_id": str(self.device_id), "tenant": "t", "server_time": moment})

    def verify(self, exchange: Exchange, body: bytes) -> bool:
        """Check the signature over the bytes as they came."""
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key))
        device, timestamp = exchange.headers[HEADER_DEVICE], int(exchange.headers[HEADER_TIMESTAMP])
        key.verify(base64.b64decode(exchange.headers[HEADER_SIGNATURE]), signing_payload(UUID(device), timestamp, body))
        return True


def accept(exchange: Exchange, batch: IngestBatch) -> None:
    """Take a batch: new records are accepted, known ones duplicates."""
    verdicts = []
    for record in batch.records:
        known = record.id in exchange.server.stored
        exchange.server.stored[record.id] = json.loads(record.model_dump_json())
        verdicts.append({"id": str(record.id), "verdict": "duplicate" if known else "accepted"})
    receipt(exchange, batch, verdicts)


def receipt(exchange: Exchange, batch: IngestBatch, verdicts: list[dict[str, Any]]) -> None:
    """Answer with these verdicts."""
    moment = datetime.now(UTC).isoformat()
    exchange.answer(200, {"batch_id": str(batch.id), "recorded_at": moment, "verdicts": verdicts})


def refuse(status: int, code: str, **headers: str) -> Step:
    """Refuse a batch with a problem."""
    return lambda exchange, batch: exchange.answer(status, {"code": code, "detail": f"{code}."}, **headers)


def reject(code: str, *, permanent: bool, which: int = 0) -> Step:
    """Reject one record of a batch and accept the others."""

    def step(exchange: Exchange, batch: IngestBatch) -> None:
        verdicts: list[dict[str, Any]] = []
        for place, record in enumerate(batch.records):
            if place == which:
                verdicts.append({"id": str(record.id), "verdict": "rejected", "code": code, "permanent": permanent})
            else:
                exchange.server.stored[record.id] = json.loads(record.model_dump_json())
                verdicts.append({"id": str(record.id), "verdict": "accepted"})
        receipt(exchange, batch, verdicts)

    return step


def hang_up(exchange: Exchange, _batch: IngestBatch) -> None:
    """Close the connection without an answer."""
    exchange.close_connection = True


def reset(exchange: Exchange, _batch: IngestBatch) -> None:
    """Break the connection with a RST, as a middlebox does that has forgotten it."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.close_connection = True
    exchange.connection.close()


def hang(exchange: Exchange, _batch: IngestBatch) -> None:
    """Take the batch and say nothing until the device has gone."""
    exchange.connection.recv(1)
    exchange.close_connection = True


def hang_up_after_storing(exchange: Exchange, batch: IngestBatch) -> None:
    """Store the batch, send half an answer and close: the device cannot know that it was taken."""
    for record in batch.records:
        exchange.server.stored[record.id] = json.loads(record.model_dump_json())
    exchange.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"batch_id"')
    exchange.close_connection = True


def garbage(exchange: Exchange, _batch: IngestBatch) -> None:
    """Answer like something that is no Voicetrail server."""
    exchange.answer(200, b"<html>\xff\xfe hotel network: please sign in</html>")


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Run one on a free port of the loopback."""
    with ScriptedServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
