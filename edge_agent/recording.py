"""From heard blocks to records: pure; what the clocks say is an argument."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance, Remembered, RevisedRole
from edge_agent.recordings import Totals
from models.conversation import Consent, Conversation, CoverageSpan, RoleRevision, Utterance
from models.ids import derived_id, new_id
from models.labels import ConsentState, CoverageState, RevisedBy
from models.text import RedactedText
from models.wire import Body, Record

Redact = Callable[[Sequence[str]], Sequence[RedactedText]]
"""Masks the texts of neighbouring utterances together: a number may be split over two of them."""

NOTICE_VERSION: Final = "1"
"""Of the notice that customers are shown or read before they answer: `consent.notice` of the console's words.

Other words need another version; a test holds the two together."""

CONSENT_DECLINED = "consent_declined"
CONSENT_PENDING = "consent_pending"
CONSENT_WITHDRAWN = "consent_withdrawn"
NO_ENCOUNTER = "no_encounter"
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


def opening_records(conversation: Conversation, *, how: str, stamp: Stamp) -> list[Record]:
    """Return what leaves when a conversation begins: itself and the customer's consent."""
    at = conversation.started_at
    opened = record_of(conversation, at=at, stamp=stamp)
    return [opened, consent_record(conversation.id, conversation.consent, how=how, at=at, stamp=stamp)]


def consent_record(conversation: UUID, state: ConsentState, *, how: str, at: datetime, stamp: Stamp) -> Record:
    """Return what leaves when a customer answers."""
    consent = Consent(conversation_id=conversation, state=state, how=how, notice_version=NOTICE_VERSION, at=at)
    return record_of(consent, at=at, stamp=stamp)


def block_records(
    block: HeardBlock,
    *,
    before: Sequence[str],
    conversation: Conversation,
    redact: Redact,
    now: datetime,
    stamp: Stamp,
) -> list[Record]:
    """Return a block's utterances, masked, its coverage, and who spoke earlier utterances after all.

    Args:
        block: what was heard.
        before: the last masked texts before it, so that the rest of a number that began there is known for one.
        conversation: it belongs to.
        redact: masks personal data.
        now: when roles are revised.
        stamp: of now.
    """
    texts = redact([*before, *(heard.text for heard in block.utterances)])[len(before) :]
    bodies: list[Utterance | CoverageSpan] = [
        _utterance(heard, text, conversation_id=conversation.id)
        for heard, text in zip(block.utterances, texts, strict=True)
    ]
    bodies += [coverage_of(span, conversation=conversation) for span in merged(block.spans)]
    heard = [
        record_of(body, at=conversation.started_at + timedelta(milliseconds=body.start_ms), stamp=stamp)
        for body in bodies
    ]
    revisions = [_revision(revised, conversation_id=conversation.id, at=now) for revised in block.revisions]
    return heard + [record_of(revision, at=now, stamp=stamp) for revision in revisions]


def remembered(records: Iterable[Record]) -> list[Remembered]:
    """Return the utterances among a conversation's records, in their order, with the role that the device told last."""
    said: dict[UUID, Remembered] = {}
    for record in records:
        body = record.body
        if isinstance(body, Utterance):
            said[body.id] = Remembered(body.start_ms, body.end_ms, body.text.text, body.role, body.role_confidence)
        elif isinstance(body, RoleRevision) and body.by is RevisedBy.DEVICE and body.utterance_id in said:
            revised = replace(said[body.utterance_id], role=body.role, role_confidence=body.role_confidence)
            said[body.utterance_id] = revised
    return sorted(said.values(), key=lambda one: one.start_ms)


def utterance_id(conversation: UUID, *, start_ms: int) -> UUID:
    """Return the id of the utterance of a conversation that starts then; no two start together.

    So what is said of it later names it without remembering it, also after an interruption.
    """
    return derived_id("utterance", conversation, start_ms)


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
        id=utterance_id(conversation_id, start_ms=heard.start_ms),
        conversation_id=conversation_id,
        role=heard.role,
        role_confidence=heard.role_confidence,
        start_ms=heard.start_ms,
        end_ms=heard.end_ms,
        text=text,
        recognition=heard.recognition,
        quarantined=heard.suspect,
    )


def _revision(revised: RevisedRole, *, conversation_id: UUID, at: datetime) -> RoleRevision:
    return RoleRevision(
        conversation_id=conversation_id,
        utterance_id=utterance_id(conversation_id, start_ms=revised.start_ms),
        role=revised.role,
        role_confidence=revised.confidence,
        by=RevisedBy.DEVICE,
        at=at,
    )


def coverage_of(span: HeardSpan, *, conversation: Conversation) -> CoverageSpan:
    """Return what is recorded of a stretch of a conversation's time."""
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


def record_of(body: Body, *, at: datetime, stamp: Stamp) -> Record:
    """Return a body as it leaves the device."""
    return Record(
        id=new_id(),
        device_seq=0,  # the outbox gives the number in the transaction that stores it
        monotonic_ms=stamp.monotonic_ms,
        clock_offset_ms=stamp.clock_offset_ms,
        occurred_at=at,
        body=body,
    )
