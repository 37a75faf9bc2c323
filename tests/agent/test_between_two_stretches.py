"""Between two stretches of a shift: a cut there leaves one of them open, and no moment without account."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from edge_agent.agent.history import History
from edge_agent.agent.port import Phase
from edge_agent.clock import Reading
from edge_agent.identity import Identity
from edge_agent.outbox import Outbox
from edge_agent.recorder import Recorder
from edge_agent.recording import NO_ENCOUNTER
from edge_agent.recordings import Recording, Stretch
from models.errors import OutboxError
from models.ids import new_id
from models.labels import ConsentState
from nlp.redaction import redact_turns
from support.counter import Counter, total_s, until
from support.edge_device import NOW, NOW_MS, opened_outbox

IDENTITY = Identity(server="http://127.0.0.1:1", tenant="t", device_id=new_id(), enrolled_at=NOW)


@contextmanager
def nothing_ends(device: Path) -> Iterator[None]:
    """Cut whatever is stored together with an end, as a kill in front of it would."""
    with sqlite3.connect(device / "outbox.db", timeout=30) as db:
        db.execute(
            "CREATE TRIGGER cut BEFORE UPDATE OF complete ON recordings WHEN NEW.complete"
            " BEGIN SELECT RAISE(ABORT, 'cut'); END"
        )
        try:
            yield
        finally:
            db.execute("DROP TRIGGER cut")
    db.close()


def left_open(device: Path) -> list[Recording]:
    """Return what a program killed now would leave open."""
    with opened_outbox(device) as outbox:
        return outbox.left_open()


def recorder(outbox: Outbox) -> Recorder:
    """Return what writes into an outbox."""
    return Recorder(outbox, identity=IDENTITY, redact=redact_turns, on_sealed=lambda records: None)


def stretch(reason: str) -> Stretch:
    """Return a stretch that begins."""
    return Stretch(site="bank-01", staff="S-1", channel="counter", reason=reason, started_at=NOW)


def history(outbox: Outbox, *, after_s: int) -> History:
    """Return what a program finds that starts so long after the stretch began."""
    now = Reading(wall_ms=NOW_MS + after_s * 1000, monotonic_ms=after_s * 1000)
    return History(outbox, recorder(outbox), clock=lambda: now)


def test_what_ends_and_what_begins_are_stored_together_or_not_at_all(counter: Counter) -> None:
    """Begun, granted or ended while ends cannot be stored, one stretch is open all the time; afterwards all is told."""
    with counter.agent() as agent:
        with counter.clock.held() as began:
            agent.begin_shift(staff="S-1")
        with nothing_ends(counter.folder):
            with pytest.raises(OutboxError):
                agent.start(customer=None)
            assert agent.snapshot().phase is Phase.READY
            assert len(left_open(counter.folder)) == 1
        encounter = agent.start(customer=None)
        with nothing_ends(counter.folder):
            with pytest.raises(OutboxError):
                agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
            assert agent.snapshot().phase is Phase.ASKING
            assert len(left_open(counter.folder)) == 1
            agent.stop()
            assert len(left_open(counter.folder)) == 1
        with counter.clock.held() as ended:
            agent.end_shift()
        lasted_s = (ended.monotonic_ms - began.monotonic_ms) / 1000
        until(agent, lambda now: total_s(now) == pytest.approx(lasted_s, abs=0.0005), what="every second")
    assert counter.loads == 0


def test_a_kill_during_the_restart_loses_nothing_of_the_account(tmp_path: Path) -> None:
    """Up to the last noted moment the shift is withheld, from there to the restart that lives it is lost."""
    with opened_outbox(tmp_path) as outbox:
        before = recorder(outbox).stretch(stretch(NO_ENCOUNTER))
        recorder(outbox).open_stretch(before)
        outbox.keep_alive(before.id, alive_ms=5_000)
    with opened_outbox(tmp_path) as outbox, nothing_ends(tmp_path), pytest.raises(OutboxError):
        history(outbox, after_s=10).close_interrupted()
    with opened_outbox(tmp_path) as outbox:
        interrupted = history(outbox, after_s=12).close_interrupted()
        assert interrupted is not None
        recorder(outbox).open_stretch(recorder(outbox).stretch(stretch(NO_ENCOUNTER)), ended=interrupted.away)
        accounted = [
            (one.started_at, one.totals.withheld_ms, one.totals.lost_ms)
            for one in outbox.shift_recordings()
            if one.until_ms
        ]
        assert len(outbox.left_open()) == 1
    assert accounted == [(NOW, 5_000, 0), (NOW + timedelta(seconds=5), 0, 7_000)]
