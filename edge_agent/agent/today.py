"""Today's encounters and what became of today's time, as the outbox knows them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from edge_agent.agent.port import CaptionView, CoverageView, CustomerView, EncounterView
from edge_agent.heard import FirstText
from edge_agent.recording import CONSENT_DECLINED
from edge_agent.recordings import Recording, Totals
from models.conversation import RoleRevision, Utterance
from models.ids import derived_id
from models.labels import ConsentState, RevisedBy
from models.wire import Record
from nlp.redaction import redact_turns

CAPTIONS_SHOWN: Final = 200


def of_day(recordings: Iterable[Recording], *, now: datetime) -> list[Recording]:
    """Return the recordings that began on the local day of `now`."""
    today = now.astimezone().date()
    return [one for one in recordings if one.started_at is not None and one.started_at.astimezone().date() == today]


Named = Callable[[str], CustomerView]
"""Gives what is known of a customer."""


def encounters(recordings: Sequence[Recording], *, named: Named) -> tuple[EncounterView, ...]:
    """Return the encounters among recordings, the latest first; those whose customer said no have no name."""
    granted = {one.id for one in recordings if one.conversation is not None}
    views = [_heard(one, named=named) if one.id in granted else _unheard(one, granted=granted) for one in recordings]
    return tuple(reversed([view for view in views if view is not None]))


def coverage(recordings: Iterable[Recording]) -> Totals:
    """Return what became of the time of recordings, as far as it is sealed."""
    return sum((one.totals for one in recordings), Totals())


def coverage_view(totals: Totals, *, withheld_ms: int) -> CoverageView:
    """Return coverage for people; `withheld_ms` is of the stretch that goes on."""
    return CoverageView(
        heard_s=totals.heard_ms / 1000,
        silent_s=totals.silent_ms / 1000,
        withheld_s=(totals.withheld_ms + withheld_ms) / 1000,
        lost_s=totals.lost_ms / 1000,
    )


def captions(records: Iterable[Record]) -> tuple[CaptionView, ...]:
    """Return the utterances among a conversation's records with the role that stands, in the order of speech.

    What staff said of a role stands above what the device said; among equals the later.
    """
    said: dict[UUID, CaptionView] = {}
    by_staff: set[UUID] = set()
    for record in records:
        body = record.body
        if isinstance(body, Utterance):
            said[body.id] = _caption(body)
        elif isinstance(body, RoleRevision) and body.utterance_id in said:
            if body.by is RevisedBy.STAFF:
                by_staff.add(body.utterance_id)
            elif body.utterance_id in by_staff:
                continue
            revised = {"role": body.role, "role_confidence": body.role_confidence}
            said[body.utterance_id] = said[body.utterance_id].model_copy(update=revised)
    return tuple(sorted(said.values(), key=lambda caption: caption.start_ms))


def drafts(first: FirstText, *, conversation: UUID) -> tuple[CaptionView, ...]:
    """Return a first text for the screen, masked like what is kept."""
    texts = redact_turns([said.text for said in first.utterances])
    return tuple(
        CaptionView(
            id=derived_id("draft", conversation, said.start_ms),
            start_ms=said.start_ms,
            role=said.role,
            role_confidence=said.role_confidence,
            text=text.text,
            provisional=True,
        )
        for said, text in zip(first.utterances, texts, strict=True)
    )


def _caption(body: Utterance) -> CaptionView:
    return CaptionView(
        id=body.id,
        start_ms=body.start_ms,
        role=body.role,
        role_confidence=body.role_confidence,
        text=body.text.text,
        quarantined=body.quarantined is not None,
    )


def _heard(recording: Recording, *, named: Named) -> EncounterView | None:
    conversation = recording.conversation
    if conversation is None:
        return None
    withdrawn = conversation.consent is ConsentState.WITHDRAWN
    customer = None if withdrawn or conversation.customer is None else named(conversation.customer)
    return EncounterView(
        id=recording.id,
        customer=customer,
        consent=conversation.consent,
        started_at=conversation.started_at,
        ended_at=_ended_at(recording, started_at=conversation.started_at),
        utterances=0 if withdrawn else recording.totals.utterances,
    )


def _unheard(recording: Recording, *, granted: set[UUID]) -> EncounterView | None:
    stretch = recording.stretch
    if stretch is None or stretch.encounter is None or stretch.encounter in granted:
        return None
    return EncounterView(
        id=stretch.encounter,
        customer=None,
        consent=ConsentState.DECLINED if stretch.reason == CONSENT_DECLINED else None,
        started_at=stretch.started_at,
        ended_at=_ended_at(recording, started_at=stretch.started_at),
    )


def _ended_at(recording: Recording, *, started_at: datetime) -> datetime | None:
    return started_at + timedelta(milliseconds=recording.until_ms) if recording.complete else None
