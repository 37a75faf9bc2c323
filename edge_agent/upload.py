"""One batch at a time to the server: signed, compressed, and settled by a verdict per record."""

import gzip
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

import structlog
from pydantic import ValidationError

from edge_agent.backoff import Backoff
from edge_agent.clock import Reading, read_clock
from edge_agent.identity import DeviceKey, Identity
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import Outgoing, RecordState, Settlement
from edge_agent.server_clock import ServerClock
from edge_agent.server_link import Answer, ServerBusyError, ServerLink, refusal
from edge_agent.settings import EdgeSettings
from models.conversation import Utterance
from models.errors import UploadError
from models.ids import new_id
from models.wire import (
    HEADER_DEVICE,
    HEADER_SIGNATURE,
    HEADER_TIMESTAMP,
    NO_CONSENT,
    IngestBatch,
    IngestReceipt,
    RecordVerdict,
    Verdict,
    signing_payload,
)

_log = structlog.get_logger()

_RESOLUTION_MS = 2000
"""The Date header counts seconds, and servers renew it once a second; smaller differences say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the records that were sent."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Refused for good: dead letters."""
    postponed: int = 0
    """Refused for now: they are offered again."""
    erased: int = 0
    """Refused because the customer withdrew, and erased."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            accepted=self.accepted + other.accepted,
            duplicates=self.duplicates + other.duplicates,
            rejected=self.rejected + other.rejected,
            postponed=self.postponed + other.postponed,
            erased=self.erased + other.erased,
        )

    @property
    def sent(self) -> int:
        """Records that the server gave a verdict on."""
        return self.accepted + self.duplicates + self.rejected + self.postponed + self.erased


class Uploader:
    """Brings what is due in an outbox to the server."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        link: ServerLink,
        identity: Identity,
        key: DeviceKey,
        settings: EdgeSettings,
        clock: Callable[[], Reading] = read_clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._link = link
        self._identity = identity
        self._key = key
        self._batch_records = settings.batch_records
        self._batch_bytes = settings.batch_bytes
        self._max_attempts = settings.max_attempts
        self._backoff = Backoff(first_s=settings.retry_first_s, longest_s=settings.retry_longest_s)
        self._clock = clock
        self._chance = chance

    def send_due(self) -> Tally:
        """Send one batch of what is due and settle it; an empty tally when nothing is due.

        Raises:
            UploadError: the whole batch was not taken; it stays in the outbox. `permanent` says whether it can
                go well later.
            OutboxError: the outbox could not be read or written.
        """
        batch = self._next_batch()
        if not batch:
            return Tally()
        try:
            tally = self._send(batch)
        except UploadError as error:
            self._outbox.note_trouble(error.code)
            raise
        self._outbox.note_trouble("")
        return tally

    def _send(self, batch: Sequence[Outgoing]) -> Tally:
        answer = self._post(batch)
        if answer.status == 413:
            return self._smaller(batch)
        if answer.status not in (200, 202):
            raise self._not_taken(answer, batch)
        return self._settle(batch, _receipt(answer).verdicts)

    def pending(self) -> int:
        """Return how many records are still to be delivered."""
        return self._outbox.backlog(letters=0).pending

    def _next_batch(self) -> list[Outgoing]:
        due = self._outbox.due(now_ms=self._clock().wall_ms, limit=self._batch_records, max_bytes=self._batch_bytes)
        if due and due[0].attempts > 0:
            # What failed before goes alone, so that it cannot take its neighbours with it.
            return due[:1]
        return [item for item in due if item.attempts == 0]

    def _post(self, batch: Sequence[Outgoing]) -> Answer:
        body = self._body(batch)
        answer = self._signed(body)
        if answer.status == 401 and answer.clock_offset_ms is not None and refusal(answer).code == "signature_expired":
            self._outbox.set_server_clock(ServerClock.measured(answer.clock_offset_ms, now=self._clock()))
            _log.warning("clock_corrected", offset_ms=answer.clock_offset_ms)
            return self._signed(body)
        self._measure_clock(answer)
        return answer

    def _body(self, batch: Sequence[Outgoing]) -> bytes:
        ingest = IngestBatch(
            id=new_id(),
            tenant=self._identity.tenant,
            device_id=self._identity.device_id,
            sent_at=self._clock().moment,
            records=tuple(item.record for item in batch),
        )
        return gzip.compress(ingest.model_dump_json().encode())

    def _signed(self, body: bytes) -> Answer:
        device = self._identity.device_id
        now = self._clock()
        timestamp = (now.wall_ms + self._outbox.server_clock().offset_at(now)) // 1000
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            HEADER_DEVICE: str(device),
            HEADER_TIMESTAMP: str(timestamp),
            HEADER_SIGNATURE: self._key.sign_base64(signing_payload(device, timestamp, body)),
        }
        return self._link.request("POST", "/v1/ingest", content=body, headers=headers)

    def _measure_clock(self, answer: Answer) -> None:
        measured, now, known = answer.clock_offset_ms, self._clock(), self._outbox.server_clock()
        if measured is None:
            return
        if known.boot != now.boot or abs(measured - known.offset_at(now)) > _RESOLUTION_MS:
            self._outbox.set_server_clock(ServerClock.measured(measured, now=now))

    def _smaller(self, batch: Sequence[Outgoing]) -> Tally:
        if len(batch) == 1:
            return self._settle_as(batch, RecordState.DEAD, code="record_too_large")
        self._batch_bytes = sum(item.size_bytes for item in batch) // 2
        return Tally(postponed=len(batch))

    def _not_taken(self, answer: Answer, batch: Sequence[Outgoing]) -> UploadError:
        error = refusal(answer)
        if isinstance(error, ServerBusyError) and error.status == 500:
            # It may be one record that the server stumbles over: let the others pass it.
            self._settle_as(batch, RecordState.PENDING, code=error.code)
        return error

    def _settle_as(self, batch: Sequence[Outgoing], state: RecordState, *, code: str) -> Tally:
        now_ms = self._clock().wall_ms
        settlements = [
            Settlement(
                record_id=item.record.id, state=state, code=code, next_attempt_ms=self._next_attempt_ms(item, now_ms)
            )
            for item in batch
        ]
        self._outbox.settle(settlements, now_ms=now_ms)
        return Tally(rejected=len(batch)) if state is RecordState.DEAD else Tally(postponed=len(batch))

    def _settle(self, batch: Sequence[Outgoing], verdicts: Sequence[RecordVerdict]) -> Tally:
        now_ms = self._clock().wall_ms
        judged = list(zip(batch, _in_order(batch, verdicts), strict=True))
        # Erased before they are settled: killed in between, the device offers them again and is told again.
        for conversation in {found for item, verdict in judged if (found := _withdrawn(item, verdict)) is not None}:
            self._outbox.erase_texts(conversation)
        tally = Tally()
        settlements = []
        for item, verdict in judged:
            settlement, counted = self._judged(item, verdict, now_ms=now_ms)
            settlements.append(settlement)
            tally += counted
        self._outbox.settle(settlements, now_ms=now_ms)
        return tally

    def _judged(self, item: Outgoing, verdict: RecordVerdict, *, now_ms: int) -> tuple[Settlement, Tally]:
        record_id = item.record.id
        match verdict.verdict:
            case Verdict.ACCEPTED:
                flags = ",".join(verdict.flags)
                return Settlement(record_id=record_id, state=RecordState.ACKNOWLEDGED, code=flags), Tally(accepted=1)
            case Verdict.DUPLICATE:
                return Settlement(record_id=record_id, state=RecordState.ACKNOWLEDGED), Tally(duplicates=1)
            case Verdict.REJECTED:
                code = verdict.code or "rejected"
                if _withdrawn(item, verdict) is not None:
                    return Settlement(record_id=record_id, state=RecordState.DEAD, code=code), Tally(erased=1)
                if verdict.permanent or item.attempts + 1 >= self._max_attempts:
                    return Settlement(record_id=record_id, state=RecordState.DEAD, code=code), Tally(rejected=1)
                again_ms = self._next_attempt_ms(item, now_ms)
                return (
                    Settlement(record_id=record_id, state=RecordState.PENDING, code=code, next_attempt_ms=again_ms),
                    Tally(postponed=1),
                )
            case _:
                assert_never(verdict.verdict)

    def _next_attempt_ms(self, item: Outgoing, now_ms: int) -> int:
        return now_ms + int(self._backoff.wait_s(item.attempts + 1, chance=self._chance()) * 1000)


def _withdrawn(item: Outgoing, verdict: RecordVerdict) -> UUID | None:
    """Return the conversation whose customer withdrew, if that is why words of it were refused."""
    body = item.record.body
    refused = verdict.verdict is Verdict.REJECTED and verdict.code == NO_CONSENT
    return body.conversation_id if refused and isinstance(body, Utterance) else None


def _receipt(answer: Answer) -> IngestReceipt:
    try:
        return IngestReceipt.model_validate_json(answer.body)
    except ValidationError as error:
        raise UploadError(
            f"the server's answer is no receipt ({len(answer.body)} bytes)",
            code="bad_receipt",
            advice="Check that the address is a Voicetrail server's and that no proxy answers in its place.",
        ) from error


def _in_order(batch: Sequence[Outgoing], verdicts: Sequence[RecordVerdict]) -> list[RecordVerdict]:
    """Return a verdict per record: by its id, else by its place; a record without one was not judged."""
    by_id = {verdict.id: verdict for verdict in verdicts if verdict.id is not None}
    by_place = verdicts if len(verdicts) == len(batch) else ()
    judged: list[RecordVerdict] = []
    for place, item in enumerate(batch):
        verdict = by_id.get(item.record.id)
        if verdict is None and by_place and by_place[place].id is None:
            verdict = by_place[place]
        judged.append(verdict or RecordVerdict(id=item.record.id, verdict=Verdict.REJECTED, code="no_verdict"))
    return judged
