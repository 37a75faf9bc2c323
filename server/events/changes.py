"""What a new analysis of a conversation changes in the feed: a pure comparison.

An event whose id is derived again stands as it is. A new one that shares words with one that is no longer derived
supersedes it. One that is no longer derived and that nothing replaces is taken back by a retraction: an entry of its
own in the feed, with `retracted` and `supersedes`. Nothing in the feed is rewritten; an event that a later analysis
comes back to (a model was rolled back) takes a new place at its end under its old id.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from models.analysis import ExperienceEvent
from models.ids import derived_id
from models.noun import Moment, Noun


class StoredEvent(Noun):
    """An event as it lies in the database, and whether it still stands."""

    event: ExperienceEvent
    superseded_at: Moment | None = None


class FeedChanges(NamedTuple):
    """What is to be done, in one transaction."""

    added: tuple[ExperienceEvent, ...]
    """New entries in the order in which they take their sequence."""
    revived: frozenset[UUID]
    """Those of `added` whose id has a row already."""
    superseded: tuple[UUID, ...]
    """Events that stand no longer."""


def changes(stored: Sequence[StoredEvent], derived: Sequence[ExperienceEvent]) -> FeedChanges:
    """Compare the events of a conversation with those derived now."""
    standing = {one.event.id: one.event for one in stored if one.superseded_at is None}
    known = {one.event.id for one in stored}
    wanted = {event.id for event in derived}
    gone = [event for event in standing.values() if event.id not in wanted]
    fresh = {event.id: event for event in derived if event.id not in standing}
    replaced = _replaced(list(fresh.values()), gone)
    added = [event.model_copy(update={"supersedes": replaced.get(event.id)}) for event in fresh.values()]
    replaced_ids = set(replaced.values())
    added += [_retraction(event) for event in gone if event.id not in replaced_ids]
    return FeedChanges(tuple(added), frozenset(known & fresh.keys()), tuple(event.id for event in gone))


def _replaced(fresh: Sequence[ExperienceEvent], gone: Sequence[ExperienceEvent]) -> dict[UUID, UUID]:
    """Pair new events with those they replace: of the same kind first, then of any kind about the same words."""
    replaced: dict[UUID, UUID] = {}
    for same_kind in (True, False):
        for event in fresh:
            fitting = [
                (len(set(event.utterance_ids) & set(old.utterance_ids)), -old.sequence, old.id)
                for old in gone
                if old.id not in replaced.values()
                and (not same_kind or old.kind == event.kind)
                and set(event.utterance_ids) & set(old.utterance_ids)
            ]
            if event.id not in replaced and fitting:
                replaced[event.id] = max(fitting)[2]
    return replaced


def _retraction(event: ExperienceEvent) -> ExperienceEvent:
    # With the sequence in it, an event that was revived can be taken back again.
    identity = derived_id("retraction", event.tenant, event.id, event.sequence)
    return event.model_copy(update={"id": identity, "supersedes": event.id, "retracted": True})
