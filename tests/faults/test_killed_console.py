"""kill -9 of the device at the counter at any point of a shift, over a real server."""

import random
import sqlite3
import time
from pathlib import Path

import pytest

from edge_agent.recordings import Recording
from models.labels import ConsentState
from support.console_program import ConsoleProgram
from support.edge_device import opened_outbox
from support.programs import DEMO_AUDIO, ServerProgram, enrol, running_server, wait_until

KILLS = 6
TALK = DEMO_AUDIO / "01-wealth-advice.opus"

pytestmark = [pytest.mark.faults, pytest.mark.speech, pytest.mark.timeout(900)]


def rows(server: ServerProgram, statement: str) -> list[tuple[str, ...]]:
    """Read the server's database past all of our own code."""
    with sqlite3.connect(f"file:{server.folder / 'voicetrail.db'}?mode=ro", uri=True, timeout=30) as db:
        return db.execute(statement).fetchall()


def utterances_on(device: Path) -> int:
    """Count the sealed utterances on the device, delivered or not."""
    with sqlite3.connect(f"file:{device / 'outbox.db'}?mode=ro", uri=True, timeout=30) as db:
        return int(db.execute("SELECT count(*) FROM records WHERE kind = 'utterance'").fetchone()[0])


def recordings_on(device: Path) -> list[Recording]:
    """Return what was written down of the shift."""
    with opened_outbox(device) as outbox:
        return outbox.shift_recordings()


def test_a_counter_killed_at_any_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Each time it takes its shift up again: what was sealed arrives once, and all time is accounted for."""
    dice = random.Random(7)
    with running_server(tmp_path / "server") as server:
        device = tmp_path / "device"
        enrol(server, device)
        program = ConsoleProgram(device, microphone=f"file:{TALK}")
        program.start()
        began_s = time.monotonic()
        program.act("/shift/begin", staff="S-1")
        for place in range(KILLS):
            program.act("/encounter/start", customer=f"C-{place}")
            if place % 3 != 2:
                program.act("/encounter/answer", state="granted", encounter=program.encounter())
                goal = utterances_on(device) + (place % 2)
                wait_until(lambda goal=goal: utterances_on(device) >= goal, what="something is sealed")
            time.sleep(dice.uniform(0, 1.5))
            program.kill()
            program.start()
        sealed = utterances_on(device)
        program.act("/shift/end")
        lasted_s = time.monotonic() - began_s
        wait_until(lambda: not [one for one in recordings_on(device) if not one.complete], what="all is closed")
        assert program.stop() == 0
        sent = rows(server, "SELECT record_id, conversation_id, start_ms FROM utterance")
        assert sealed > 0
        assert len(sent) == sealed
        assert len({one[1:] for one in sent}) == sealed
        spans = rows(server, "SELECT state, reason, start_ms, end_ms FROM coverage_span")
        accounted_s = sum(int(end) - int(start) for _, _, start, end in spans) / 1000
        assert accounted_s == pytest.approx(lasted_s, abs=1.5)
        assert ("lost", "interrupted") in {span[:2] for span in spans}
        states = [one.conversation.consent for one in recordings_on(device) if one.conversation is not None]
        assert set(states) == {ConsentState.GRANTED}
