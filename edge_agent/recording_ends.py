"""What leaves the device when a recording ends: pure; what the clocks say is an argument."""

from datetime import datetime, timedelta
from typing import Final

from edge_agent.heard import HeardSpan
from edge_agent.recording import (
    CONSENT_DECLINED,
    CONSENT_WITHDRAWN,
    INTERRUPTED,
    Encounter,
    Stamp,
    coverage_of,
    record_of,
)
from edge_agent.recordings import Advance, Ending, Recording, Stretch, Totals
from models.conversation import Conversation, CoverageSpan
from models.labels import ConsentState, CoverageState
from models.wire import Record

_WHY: Final = {CoverageState.WITHHELD: CONSENT_WITHDRAWN, CoverageState.LOST: INTERRUPTED}
"""Why nothing was heard of a conversation after its last sealed block."""


def closing_records(conversation: Conversation, *, end_ms: int, stamp: Stamp) -> list[Record]:
    """Return what leaves when a conversation ends; that consent was withdrawn is said by a record of its own."""
    ended_at = conversation.started_at + timedelta(milliseconds=end_ms)
    ended = conversation.model_copy(update={"ended_at": ended_at, "consent": ConsentState.GRANTED})
    return [record_of(ended, at=ended_at, stamp=stamp)]


def withheld_record(encounter: Encounter, *, started_at: datetime, duration_ms: int, stamp: Stamp) -> Record:
    """Return all that leaves of a conversation whose customer declined: that time passed at a place."""
    stretch = Stretch(
        site=encounter.site,
        staff=encounter.staff,
        channel=encounter.channel,
        reason=CONSENT_DECLINED,
        started_at=started_at,
    )
    return _stretch_record(stretch, state=CoverageState.WITHHELD, duration_ms=duration_ms, stamp=stamp)


def ending_of(recording: Recording, *, duration_ms: int, state: CoverageState, stamp: Stamp) -> Ending:
    """Return how a stretch ends, or a conversation that was withdrawn or broken off.

    Args:
        recording: the stretch or conversation.
        duration_ms: of all of it.
        state: withheld or lost: a stretch's time, or a conversation's after its last sealed block.
        stamp: of now.
    """
    unheard_ms = duration_ms
    if recording.conversation is not None:
        unheard_ms -= recording.until_ms
        records = closing_records(recording.conversation, end_ms=duration_ms, stamp=stamp)
        if unheard_ms:
            span = HeardSpan(state, _WHY[state], recording.until_ms, duration_ms)
            at = recording.conversation.started_at + timedelta(milliseconds=recording.until_ms)
            records.insert(0, record_of(coverage_of(span, conversation=recording.conversation), at=at, stamp=stamp))
    elif recording.stretch is None:
        raise ValueError("a conversation whose customer declined is stored as it ended")
    elif duration_ms:
        records = [_stretch_record(recording.stretch, state=state, duration_ms=duration_ms, stamp=stamp)]
    else:
        records = []
    lost = state is CoverageState.LOST
    step = Advance(
        recording=recording.id,
        blocks=recording.blocks,
        until_ms=duration_ms,
        totals=Totals(lost_ms=unheard_ms) if lost else Totals(withheld_ms=unheard_ms),
        complete=True,
    )
    return Ending(records=records, advance=step)


def _stretch_record(stretch: Stretch, *, state: CoverageState, duration_ms: int, stamp: Stamp) -> Record:
    body = CoverageSpan(
        site=stretch.site,
        staff=stretch.staff,
        channel=stretch.channel,
        state=state,
        reason=stretch.reason,
        start_ms=0,
        end_ms=duration_ms,
    )
    return record_of(body, at=stretch.started_at, stamp=stamp)
