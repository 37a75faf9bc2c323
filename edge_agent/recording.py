"""From heard blocks to records: pure; what the clocks say is an argument."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance
from edge_agent.recordings import Totals
from models.conversation import Consent, Conversation, CoverageSpan, Utterance
from models.ids import new_id
from models.labels import ConsentState, CoverageState
from models.text import RedactedText
from models.wire import Body, Record

Redact = Callable[[Sequence[str]], Sequence[RedactedText]]
"""Masks the texts of neighbouring utterances together: a number may be split over two of them."""

CONSENT_DECLINED = "consent_declined"
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """Who meets where: what is known of a conversation before it is heard."""

    site: str
    staff: str
    channel: str
    customer: str | None
    consent: ConsentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the device's clocks said when records were made."""

    monotonic_ms: int
    clock_offset_ms: int


def opening(
    encounter: Encounter, *, conversation_id: UUID, tenant: str, device_id: UUID, started_at: datetime
) -> Conversation:
    """Return the conversation as it begins."""
    return Conversation(
        id=conversation_id,
        tenant=tenant,
        site=encounter.site,
        device_id=device_id,
        staff=encounter.staff,
        channel=encounter.channel,
        customer=encounter.customer,
        consent=encounter.consent,
        started_at=started_at,
    )


def opening_records(conversation: Conversation, *, stamp: Stamp) -> list[Record]:
    """Return what leaves when a conversation begins: itself and the customer's consent."""
    at = conversation.started_at
    consent = Consent(conversation_id=conversation.id, state=conversation.consent, at=at)
    return [_record(conversation, at=at, stamp=stamp), _record(consent, at=at, stamp=stamp)]


def block_records(
    block: HeardBlock, *, before: Sequence[str], conversation: Conversation, redact: Redact, stamp: Stamp
) -> list[Record]:
    """Return a block's utterances, masked, and its coverage.

    Args:
        block: what was heard.
        before: the last masked texts before it, so that the rest of a number that began there is known for one.
        conversation: it belongs to.
        redact: masks personal data.
        stamp: of now.
    """
    texts = redact([*before, *(heard.text for heard in block.utterances)])[len(before) :]
    bodies: list[Utterance | CoverageSpan] = [
        _utterance(heard, text, conversation_id=conversation.id)
        for heard, text in zip(block.utterances, texts, strict=True)
    ]
    bodies += [_coverage(span, conversation=conversation) for span in merged(block.spans)]
    return [
        _record(body, at=conversation.started_at + timedelta(milliseconds=body.start_ms), stamp=stamp)
        for body in bodies
    ]


def closing_records(conversation: Conversation, *, end_ms: int, stamp: Stamp) -> list[Record]:
    """Return what leaves when a conversation ends."""
    ended_at = conversation.started_at + timedelta(milliseconds=end_ms)
    return [_record(conversation.model_copy(update={"ended_at": ended_at}), at=ended_at, stamp=stamp)]


def interrupted_records(
    conversation: Conversation, *, until_ms: int, alive_ms: int, stamp: Stamp
) -> tuple[list[Record], Totals]:
    """Return what closes a live conversation whose program was killed.

    Args:
        conversation: as it began.
        until_ms: end of its last sealed block.
        alive_ms: until when its program is known to have run; the time between the two is lost.
        stamp: of now.
    """
    end_ms = max(until_ms, alive_ms)
    closing = closing_records(conversation, end_ms=end_ms, stamp=stamp)
    if end_ms == until_ms:
        return closing, Totals()
    span = HeardSpan(CoverageState.LOST, INTERRUPTED, until_ms, end_ms)
    at = conversation.started_at + timedelta(milliseconds=until_ms)
    lost = _record(_coverage(span, conversation=conversation), at=at, stamp=stamp)
    return [lost, *closing], Totals(lost_ms=end_ms - until_ms)


def withheld_record(encounter: Encounter, *, started_at: datetime, duration_ms: int, stamp: Stamp) -> Record:
    """Return all that leaves of a conversation whose customer declined: that time passed at a place."""
    body = CoverageSpan(
        site=encounter.site,
        staff=encounter.staff,
        channel=encounter.channel,
        state=CoverageState.WITHHELD,
        reason=CONSENT_DECLINED,
        start_ms=0,
        end_ms=duration_ms,
    )
    return _record(body, at=started_at, stamp=stamp)


def totals_of(block: HeardBlock) -> Totals:
    """Return what one block adds to its recording's totals."""
    lasted = dict.fromkeys(CoverageState, 0)
    for span in block.spans:
        lasted[span.state] += span.end_ms - span.start_ms
    return Totals(
        utterances=len(block.utterances),
        quarantined=sum(1 for heard in block.utterances if heard.suspect is not None),
        heard_ms=lasted[CoverageState.HEARD],
        silent_ms=lasted[CoverageState.SILENT],
        lost_ms=lasted[CoverageState.LOST],
        withheld_ms=lasted[CoverageState.WITHHELD],
    )


def merged(spans: Iterable[HeardSpan]) -> list[HeardSpan]:
    """Join neighbouring spans of equal state and reason; empty ones vanish."""
    joined: list[HeardSpan] = []
    for span in spans:
        if span.end_ms == span.start_ms:
            continue
        last = joined[-1] if joined else None
        if last and (last.state, last.reason, last.end_ms) == (span.state, span.reason, span.start_ms):
            joined[-1] = replace(last, end_ms=span.end_ms)
        else:
            joined.append(span)
    return joined


def after(block: HeardBlock, *, from_ms: int) -> HeardBlock:
    """Return what a resumed recording still needs of a block: nothing twice and no hole.

    At real pace a block may be cut elsewhere than before the interruption. Utterances that began before
    `from_ms` are sealed already; time between `from_ms` and a block that starts later is lost.
    """
    if block.start_ms == from_ms:
        return block
    spans = [replace(span, start_ms=max(span.start_ms, from_ms)) for span in block.spans if span.end_ms > from_ms]
    if block.start_ms > from_ms:
        spans.insert(0, HeardSpan(CoverageState.LOST, INTERRUPTED, from_ms, block.start_ms))
    return replace(
        block,
        start_ms=from_ms,
        end_ms=max(block.end_ms, from_ms),
        utterances=tuple(heard for heard in block.utterances if heard.start_ms >= from_ms),
        spans=tuple(spans),
    )


def _utterance(heard: HeardUtterance, text: RedactedText, *, conversation_id: UUID) -> Utterance:
    return Utterance(
        id=new_id(),
        conversation_id=conversation_id,
        start_ms=heard.start_ms,
        end_ms=heard.end_ms,
        text=text,
        recognition=heard.recognition,
        quarantined=heard.suspect,
    )


def _coverage(span: HeardSpan, *, conversation: Conversation) -> CoverageSpan:
    return CoverageSpan(
        conversation_id=conversation.id,
        site=conversation.site,
        staff=conversation.staff,
        channel=conversation.channel,
        state=span.state,
        reason=span.reason,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
    )


def _record(body: Body, *, at: datetime, stamp: Stamp) -> Record:
    return Record(
        id=new_id(),
        device_seq=0,  # the outbox gives the number in the transaction that stores it
        monotonic_ms=stamp.monotonic_ms,
        clock_offset_ms=stamp.clock_offset_ms,
        occurred_at=at,
        body=body,
    )
