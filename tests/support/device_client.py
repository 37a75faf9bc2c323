"""A device as the server sees it: enrols, signs and sends batches over real HTTP; records as plain JSON objects."""

import gzip
import json
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.ids import new_id
from models.wire import HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIMESTAMP, request_payload, signing_payload

Json = dict[str, Any]
# One client for all: making one reads the machine's certificates, 30 ms each. Connections are not kept, as tests stop
# and kill the servers behind them.
HTTP = httpx2.Client(trust_env=False, timeout=60, limits=httpx2.Limits(max_keepalive_connections=0))

MOMENT = "2026-11-20T02:00:00.000Z"


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public key as a device sends it."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


@dataclass(frozen=True)
class Device:
    """An enrolled device."""

    url: str
    key: Ed25519PrivateKey
    id: UUID
    tenant: str

    @classmethod
    def enrol(cls, url: str, code: str) -> "Device":
        """Make a key and enrol with a code."""
        key = Ed25519PrivateKey.generate()
        asked = {"code": code, "public_key": public_key_of(key), "name": "test device"}
        answer = HTTP.post(f"{url}/v1/enrol", json=asked)
        assert answer.status_code == 200, answer.text
        return cls(url, key, UUID(answer.json()["device_id"]), answer.json()["tenant"])

    def sign(self, body: bytes, *, at_s: float | None = None, key: Ed25519PrivateKey | None = None) -> dict[str, str]:
        """Return the headers that prove the origin of a body."""
        timestamp = int(time.time() if at_s is None else at_s)
        signature = (key or self.key).sign(signing_payload(self.id, timestamp, body))
        return {
            HEADER_DEVICE: str(self.id),
            HEADER_TIMESTAMP: str(timestamp),
            HEADER_SIGNATURE: b64encode(signature).decode(),
        }

    def batch(self, records: Sequence[object], **changes: object) -> Json:
        """Put records into a batch; `changes` overrides its fields."""
        batch: Json = {
            "version": 1,
            "id": str(new_id()),
            "tenant": self.tenant,
            "device_id": str(self.id),
            "sent_at": MOMENT,
            "records": list(records),
        }
        return batch | changes

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
        """Send bytes, signed unless headers are given."""
        sent = self.sign(body) if headers is None else headers
        return HTTP.post(f"{self.url}/v1/ingest", content=body, headers=sent)

    def send(self, records: Sequence[object], **changes: object) -> httpx2.Response:
        """Send records as a gzip batch."""
        body = gzip.compress(json.dumps(self.batch(records, **changes)).encode())
        return self.post(body, self.sign(body) | {"Content-Encoding": "gzip"})

    def verdicts(self, records: Sequence[object], **changes: object) -> list[Json]:
        """Send records and return what the server said of each."""
        answer = self.send(records, **changes)
        assert answer.status_code == 200, answer.text
        verdicts: list[Json] = answer.json()["verdicts"]
        return verdicts

    def conversation(self, conversation_id: UUID, *, ended: bool, **changes: object) -> Json:
        """Return the record that opens or closes a conversation."""
        said: Json = {"tenant": self.tenant, "device_id": self.id} | changes
        return conversation(conversation_id, ended=ended, **said)


def signed(
    device: Device, target: str, *, signs: str | None = None, method: str = "GET", late_s: int = 0
) -> httpx2.Response:
    """Ask for a target, signing it or something else."""
    timestamp = int(time.time()) - late_s
    signature = device.key.sign(request_payload(device.id, timestamp, method=method, target=signs or target))
    headers = {
        HEADER_DEVICE: str(device.id),
        HEADER_TIMESTAMP: str(timestamp),
        HEADER_SIGNATURE: b64encode(signature).decode(),
    }
    return HTTP.get(device.url + target, headers=headers)


def conversation(conversation_id: UUID, *, tenant: str, device_id: UUID, ended: bool, **changes: object) -> Json:
    """Return the record that opens or closes a conversation; `changes` overrides fields of its body."""
    body: Json = {
        "body": "conversation",
        "id": str(conversation_id),
        "tenant": tenant,
        "site": "bank-01",
        "device_id": str(device_id),
        "staff": "S-1",
        "channel": "counter",
        "customer": "C-1",
        "consent": "granted",
        "started_at": MOMENT,
        "ended_at": "2026-11-20T02:05:00.000Z" if ended else None,
    }
    return record(body | changes)


def record(body: object, **changes: object) -> Json:
    """Put a body into a record; `changes` overrides the record's fields."""
    envelope: Json = {
        "id": str(new_id()),
        "device_seq": 1,
        "monotonic_ms": 1000,
        "clock_offset_ms": 0,
        "occurred_at": MOMENT,
        "body": body,
    }
    return envelope | changes


def utterance(conversation_id: UUID, text: str = "请问这个怎么办理", *, start_ms: int = 0, **changes: object) -> Json:
    """Return the record of an utterance; `changes` overrides fields of its body."""
    body: Json = {
        "body": "utterance",
        "id": str(new_id()),
        "conversation_id": str(conversation_id),
        "role": "customer",
        "role_confidence": 0.9,
        "start_ms": start_ms,
        "end_ms": start_ms + 900,
        "text": {"text": text, "masks": [], "redaction": "1"},
        "recognition": {"model": "base", "avg_logprob": -0.25, "no_speech_prob": 0.01, "compression_ratio": 1.1},
        "quarantined": None,
    }
    return record(body | changes)


def consent(conversation_id: UUID, state: str = "granted", *, at: str = MOMENT) -> Json:
    """Return the record of a consent."""
    return record({"body": "consent", "conversation_id": str(conversation_id), "state": state, "at": at})


def role_revision(
    conversation_id: UUID, utterance_id: object, role: str, *, by: str = "device", at: str = MOMENT
) -> Json:
    """Return the record that says anew who spoke."""
    said = {"utterance_id": str(utterance_id), "role": role, "role_confidence": 0.8, "by": by, "at": at}
    return record({"body": "role", "conversation_id": str(conversation_id)} | said)


def customer_binding(conversation_id: UUID, customer: str, *, at: str = MOMENT) -> Json:
    """Return the record that names a conversation's customer."""
    return record({"body": "customer", "conversation_id": str(conversation_id), "customer": customer, "at": at})


def coverage(conversation_id: UUID | None, state: str = "heard", **changes: object) -> Json:
    """Return the record of a coverage span."""
    body: Json = {
        "body": "coverage",
        "conversation_id": None if conversation_id is None else str(conversation_id),
        "site": "bank-01",
        "staff": "S-1",
        "channel": "counter",
        "state": state,
        "reason": "",
        "start_ms": 0,
        "end_ms": 60_000,
    }
    return record(body | changes)
