"""What today's recordings show."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from edge_agent.agent import today
from edge_agent.agent.port import CustomerView
from edge_agent.recording import CONSENT_DECLINED, CONSENT_PENDING, NO_ENCOUNTER
from edge_agent.recordings import Recording, Stretch, Totals
from models.conversation import RoleRevision, Utterance
from models.ids import new_id
from models.labels import ConsentState, RevisedBy, Role
from models.wire import Record
from support.edge_device import NOW, conversation, utterance_record


def stretch(reason: str, **changes: object) -> Recording:
    fields = {"site": "bank-01", "staff": "S-1", "channel": "counter", "reason": reason, "started_at": NOW}
    return Recording(
        id=new_id(), fingerprint="f", live=True, conversation=None, stretch=Stretch.model_validate(fields | changes)
    )


def named(ref: str) -> CustomerView:
    return CustomerView(ref=ref, name="王女士")


def revision(of: Record, role: Role, *, by: RevisedBy) -> Record:
    assert isinstance(of.body, Utterance)
    body = RoleRevision(
        conversation_id=of.body.conversation_id,
        utterance_id=of.body.id,
        role=role,
        role_confidence=0.8,
        by=by,
        at=NOW,
    )
    return of.model_copy(update={"id": new_id(), "body": body})


def test_an_encounter_is_shown_once_with_what_was_answered() -> None:
    """The question that was answered with yes is part of its conversation; a no has a place and no name."""
    granted, withdrawn = conversation(), conversation(consent=ConsentState.WITHDRAWN)
    refused = new_id()
    recordings = [
        stretch(NO_ENCOUNTER),
        stretch(CONSENT_PENDING, encounter=granted.id),
        Recording(id=granted.id, fingerprint="g", live=True, conversation=granted, totals=Totals(utterances=3)),
        stretch(CONSENT_DECLINED, encounter=refused),
        Recording(id=withdrawn.id, fingerprint="w", live=True, conversation=withdrawn, totals=Totals(utterances=2)),
    ]
    shown = today.encounters(recordings, named=named)
    assert [(one.id, one.consent, one.customer and one.customer.name, one.utterances) for one in shown] == [
        (withdrawn.id, ConsentState.WITHDRAWN, None, 0),
        (refused, ConsentState.DECLINED, None, 0),
        (granted.id, ConsentState.GRANTED, "王女士", 3),
    ]


@pytest.mark.parametrize("order", list(permutations([RevisedBy.STAFF, RevisedBy.DEVICE, RevisedBy.DEVICE])))
def test_what_staff_said_of_a_role_stands_above_the_device(order: tuple[RevisedBy, ...]) -> None:
    """In whatever order they came; without a word of staff the device's last one stands."""
    said = utterance_record()
    roles = {RevisedBy.STAFF: Role.STAFF, RevisedBy.DEVICE: Role.CUSTOMER}
    (caption,) = today.captions([said, *(revision(said, roles[by], by=by) for by in order)])
    assert caption.role is Role.STAFF
    (caption,) = today.captions([said, *(revision(said, roles[by], by=by) for by in order if by is RevisedBy.DEVICE)])
    assert caption.role is Role.CUSTOMER


def test_yesterday_is_not_today() -> None:
    """A day is the local day of the device."""
    now = NOW.astimezone().replace(hour=12)
    before = stretch(NO_ENCOUNTER, started_at=now - timedelta(days=1))
    inside = stretch(NO_ENCOUNTER, started_at=now)
    unknown = replace(before, stretch=None)
    assert today.of_day([before, inside, unknown], now=now) == [inside]
