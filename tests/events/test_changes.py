"""What a new analysis changes in the feed."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from models.analysis import ExperienceEvent
from models.ids import derived_id
from models.labels import EventKind, Sentiment
from server.events.changes import StoredEvent, changes

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WORDS = [derived_id("utterance", place) for place in range(4)]


def event(
    kind: EventKind = EventKind.COMPLAINT, *, words: tuple[int, ...] = (0,), model: str = "one", sequence: int = 0
) -> ExperienceEvent:
    """Return an event about some of four utterances."""
    return ExperienceEvent(
        id=derived_id(kind, words, model),
        tenant="acme",
        kind=kind,
        customer=None,
        conversation_id=derived_id("conversation"),
        utterance_ids=tuple(WORDS[place] for place in words),
        quote="太慢了",
        sentiment=Sentiment.NEGATIVE,
        severity=1,
        probability=0.8,
        journey_map="retail_store",
        journey_map_version=1,
        stage="pay",
        touchpoint="checkout",
        mot=False,
        site="shop-1",
        staff="S",
        channel="counter",
        occurred_at=NOW,
        recorded_at=NOW,
        sequence=sequence,
        model=model,
        rules="r",
    )


def stored(*events: ExperienceEvent) -> list[StoredEvent]:
    """Return events that stand."""
    return [StoredEvent(event=one) for one in events]


def test_the_same_event_changes_nothing() -> None:
    """What is derived again stands as it is."""
    assert changes(stored(event(sequence=1)), [event()]) == ((), frozenset(), ())


def test_more_words_about_the_matter_supersede() -> None:
    """An event that grew takes the place of the smaller one."""
    old, new = event(sequence=1), event(words=(0, 1))
    changed = changes(stored(old), [new])
    assert [(one.id, one.supersedes) for one in changed.added] == [(new.id, old.id)]
    assert changed.superseded == (old.id,)


def test_the_same_kind_is_replaced_before_another() -> None:
    """Of two events about the same words, each is replaced by the one of its kind."""
    old = [event(EventKind.PRAISE, sequence=1), event(EventKind.COMPLAINT, sequence=2)]
    new = [event(EventKind.COMPLAINT, model="two"), event(EventKind.PRAISE, model="two")]
    changed = changes(stored(*old), new)
    assert [one.supersedes for one in changed.added] == [old[1].id, old[0].id]


def test_another_reading_of_the_words_supersedes() -> None:
    """When the words turn out to be of another kind, that event replaces the first."""
    old, new = event(EventKind.COMPLAINT, sequence=1), event(EventKind.SUGGESTION, model="two")
    (added,) = changes(stored(old), [new]).added
    assert (added.supersedes, added.retracted) == (old.id, False)


def test_what_nothing_replaces_is_taken_back() -> None:
    """An event that is derived no longer gets a retraction, with an id of its own."""
    old = event(sequence=1)
    changed = changes(stored(old), [event(words=(3,), model="two")])
    new, retraction = changed.added
    assert (new.supersedes, new.retracted) == (None, False)
    assert (retraction.supersedes, retraction.retracted, retraction.quote) == (old.id, True, old.quote)
    assert retraction.id not in (old.id, new.id)


def test_a_superseded_event_that_returns_is_revived() -> None:
    """Coming back to an earlier event uses its row again and supersedes what stood meanwhile."""
    first, second = event(sequence=1), event(model="two", sequence=2)
    before = [StoredEvent(event=first, superseded_at=NOW), StoredEvent(event=second)]
    changed = changes(before, [event()])
    assert changed.revived == {first.id}
    assert changed.superseded == (second.id,)
    assert changed.added[0].supersedes == second.id


_EVENTS = st.lists(
    st.builds(
        lambda kind, words, model: event(kind, words=tuple(sorted(words)), model=model),
        st.sampled_from(list(EventKind)[:3]),
        st.sets(st.integers(0, 3), min_size=1),
        st.sampled_from(["one", "two"]),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(passes=st.lists(_EVENTS, max_size=4))
def test_after_any_passes_the_last_one_stands(passes: list[list[ExperienceEvent]]) -> None:
    """Whatever analyses follow each other, what stands is what the last derived, and a reader of the feed knows it."""
    rows: dict[UUID, StoredEvent] = {}
    reader: set[UUID] = set()
    sequence = 0
    for derived in passes:
        changed = changes(list(rows.values()), derived)
        for gone in changed.superseded:
            rows[gone] = rows[gone].model_copy(update={"superseded_at": NOW})
        for added in changed.added:
            sequence += 1
            reader.discard(added.supersedes) if added.supersedes else None
            if not added.retracted:
                reader.add(added.id)
                rows[added.id] = StoredEvent(event=added.model_copy(update={"sequence": sequence}))
        assert {one.event.id for one in rows.values() if one.superseded_at is None} == {one.id for one in derived}
        assert reader == {one.id for one in derived}
