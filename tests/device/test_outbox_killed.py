"""kill -9 in the middle of appending: what was confirmed is there, and nothing is there by half."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.recordings import Recording
from support.edge_device import NOW_MS, conversation, opened_outbox

pytestmark = pytest.mark.faults

KILLS = 5
PER_BLOCK = 3

# Appends blocks for ever, and says after each that it is stored.
APPENDER = """
import sys
from pathlib import Path
from uuid import UUID
from support.edge_device import NOW_MS, opened_outbox, utterance_record
from edge_agent.recordings import Advance, Totals

with opened_outbox(Path(sys.argv[1])) as outbox:
    recording = outbox.recording("f")
    blocks = recording.blocks
    while True:
        blocks += 1
        step = Advance(recording=recording.id, blocks=blocks, until_ms=blocks, totals=Totals(utterances=3))
        outbox.append([utterance_record(str(blocks)) for _ in range(3)], now_ms=NOW_MS, advance=step)
        print(blocks, flush=True)
"""


def test_confirmed_blocks_survive_and_none_is_stored_by_half(tmp_path: Path) -> None:
    """After each kill the recording stands at a whole block, at or one after the last that was confirmed."""
    begun = conversation()
    with opened_outbox(tmp_path) as outbox:
        recording = Recording(id=begun.id, fingerprint="f", live=False, conversation=begun)
        outbox.append([], now_ms=NOW_MS, begin=recording)
    dice = random.Random(9)
    for _ in range(KILLS):
        confirmed = _append_until_killed(tmp_path, blocks=dice.randint(1, 12))
        with opened_outbox(tmp_path) as outbox:
            kept = outbox.recording("f")
            assert kept is not None
            due = [item.record.device_seq for item in outbox.due(now_ms=NOW_MS, limit=10_000, max_bytes=1 << 30)]
        assert kept.blocks in (confirmed, confirmed + 1)
        assert due == list(range(kept.blocks * PER_BLOCK))
        assert kept.totals.utterances == kept.blocks * PER_BLOCK


def _append_until_killed(folder: Path, *, blocks: int) -> int:
    """Let a process append, kill it after so many confirmations, and return the last that it gave."""
    program = "import sys\nsys.path[:0] = " + repr(sys.path) + "\n" + APPENDER
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed = [process.stdout.readline() for _ in range(blocks)]
    process.kill()
    confirmed += process.stdout.readlines()
    process.wait()
    return int([line for line in confirmed if line.endswith("\n")][-1])
