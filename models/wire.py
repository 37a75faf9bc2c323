"""What travels between device and server: records, signed batches, and a verdict per record.

A batch is `POST {server}/v1/ingest`, JSON, optionally gzip, with the headers named here. The signature covers
`signing_payload()` over the body bytes as they are sent (after compression): Ed25519, RFC 8032, base64.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from models.conversation import Consent, Conversation, CoverageSpan, CustomerBinding, RoleRevision, Utterance
from models.noun import Moment, Name, Noun

WIRE_VERSION: Final = 1
"""Raised when a reader of the former version would misread a batch; new optional fields do not raise it."""

MAX_BATCH_RECORDS: Final = 500
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""Largest batch after decompression."""

HEADER_DEVICE: Final = "X-Voicetrail-Device"
HEADER_TIMESTAMP: Final = "X-Voicetrail-Timestamp"
"""Seconds since 1970 (Unix time), by the device's clock corrected with the server's Date header."""
HEADER_SIGNATURE: Final = "X-Voicetrail-Signature"

SIGNATURE_WINDOW_S: Final = 300
"""A signature older or newer than this is refused; the device corrects its clock and signs again."""

NO_CONSENT: Final = "consent_not_granted"
"""Code of a rejection: the customer said no, or withdrew. A device erases the words that are refused for it."""

Body = Annotated[
    Conversation | Consent | Utterance | RoleRevision | CustomerBinding | CoverageSpan, Field(discriminator="body")
]


class Record(Noun):
    """One thing that happened, as it leaves the device."""

    id: UUID
    """UUIDv7 made on the device: the one identity of this record on every path."""
    device_seq: int = Field(ge=0)
    """Counts the records of this device; a hole means that a record is still to come."""
    monotonic_ms: int = Field(ge=0)
    """The device's monotonic clock when it happened, milliseconds since its boot."""
    clock_offset_ms: int = 0
    """Server's clock minus the device's wall clock as last measured; 0 when never measured."""
    occurred_at: Moment
    body: Body


class IngestBatch(Noun):
    """Records of one device on their way to the server."""

    version: int = WIRE_VERSION
    id: UUID
    tenant: Name
    device_id: UUID
    sent_at: Moment
    records: tuple[Record, ...] = Field(max_length=MAX_BATCH_RECORDS)


class Verdict(StrEnum):
    """What the server did with one record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class RecordVerdict(Noun):
    """The server's word on one record, in the order of the batch."""

    id: UUID | None
    """The record's id; None when it could not be read."""
    verdict: Verdict
    code: str = ""
    """Why it was rejected."""
    permanent: bool = False
    """A rejected record that is not permanent may be sent again later."""
    detail: str = ""
    flags: tuple[str, ...] = ()
    """Taken all the same, but: occurred_in_future, clock_not_set, redacted_by_server."""


class IngestReceipt(Noun):
    """The answer to a batch, sent after the commit."""

    batch_id: UUID
    recorded_at: Moment
    verdicts: tuple[RecordVerdict, ...]


class EnrolmentRequest(Noun):
    """`POST {server}/v1/enrol`: a device asks for its identity with a one-time code."""

    code: str = Field(min_length=1, max_length=100)
    public_key: str
    """The device's Ed25519 public key, 32 raw bytes in base64."""
    name: Name = "device"
    software: str = ""


class Enrolment(Noun):
    """The identity that the server gave."""

    device_id: UUID
    tenant: Name
    server_time: Moment


class ListedCustomer(Noun):
    """A customer as devices know them; a deleted one has its ref only."""

    ref: Name
    """The customer's id in the business's own systems."""
    name: str = Field(default="", max_length=200)
    phone_tail: str = Field(default="", pattern=r"^([0-9]{4})?$")
    """The last four digits of their phone number and no more; empty when unknown."""
    codes: tuple[Name, ...] = Field(default=(), max_length=20)
    """Numbers of their cards, as a scanner reads them."""
    deleted: bool = False


class CustomerDelta(Noun):
    """`GET {server}/v1/device/customers?after=…`: what changed in the list of customers, in commit order."""

    customers: tuple[ListedCustomer, ...]
    next: int
    """Hand it in as `after` to go on from here."""
    has_more: bool


class WithdrawalDelta(Noun):
    """`GET {server}/v1/device/withdrawals?after=…`: what was withdrawn on the server, of this device."""

    conversations: tuple[UUID, ...]
    """The device erases its own copies of their words."""
    next: int = Field(ge=0)
    """Hand it in as `after` to go on from here; less than that was: begin again with 0."""
    has_more: bool


def request_payload(device_id: UUID, timestamp: int, *, method: str, target: str, body: bytes = b"") -> bytes:
    """Return the bytes that a device signs for a request other than a batch.

    Args:
        device_id: whose key signs.
        timestamp: seconds since 1970, as in HEADER_TIMESTAMP.
        method: GET, POST, … in capitals.
        target: path and query as they are sent, without the server's address: /v1/device/customers?after=0.
        body: as it is sent.
    """
    return f"voicetrail-request-v1\n{device_id}\n{timestamp}\n{method} {target}\n{sha256(body).hexdigest()}".encode()


def signing_payload(device_id: UUID, timestamp: int, body: bytes) -> bytes:
    """Return the bytes that a device signs for one batch."""
    return f"voicetrail-ingest-v1\n{device_id}\n{timestamp}\n{sha256(body).hexdigest()}".encode()
