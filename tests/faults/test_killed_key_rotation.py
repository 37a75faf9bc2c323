"""kill -9 while the data key is being changed: every record opens, before, between and after."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from edge_agent.key_rotation import rotate_key
from edge_agent.outbox import Outbox
from edge_agent.recordings import Recording
from edge_agent.sealing import NEXT_KEY_FILE
from models.errors import OutboxError
from support.edge_device import NOW_MS, conversation, opened_outbox, pending_ids, settings, utterance_record

pytestmark = pytest.mark.faults

KILLS = 12
RECORDS = 150

# Changes the key again and again.
ROTATOR = """
import sys
from pathlib import Path
from edge_agent.key_rotation import rotate_key
from support.edge_device import settings

print("ready", flush=True)
while True:
    rotate_key(Path(sys.argv[1]), settings=settings())
    print("changed", flush=True)
"""


def test_everything_opens_after_each_kill_and_the_first_key_opens_nothing(tmp_path: Path) -> None:
    """Killed at random moments, some in the middle of a change; nothing is unreadable, what was known is known."""
    begun = conversation()
    records = [utterance_record(conversation_id=begun.id) for _ in range(RECORDS)]
    with opened_outbox(tmp_path) as outbox:
        recording = Recording(id=begun.id, fingerprint=outbox.fingerprint("a file"), live=True, conversation=begun)
        outbox.append(records, now_ms=NOW_MS, begin=recording)
    first_key = (tmp_path / "data.key").read_text()
    dice, between = random.Random(4), 0
    for _ in range(KILLS):
        _rotate_until_killed(tmp_path, after_s=dice.uniform(0.0, 0.3))
        between += (tmp_path / NEXT_KEY_FILE).exists()
        with opened_outbox(tmp_path) as outbox:
            assert pending_ids(outbox) == [record.id for record in records]
            assert outbox.backlog().unreadable == 0
            known = outbox.recording(outbox.fingerprint("a file"))
        assert known is not None
        assert known.conversation == begun
    assert between > 0
    assert rotate_key(tmp_path, settings=settings()) == RECORDS
    assert not (tmp_path / NEXT_KEY_FILE).exists()
    with pytest.raises(OutboxError) as former:
        Outbox(tmp_path, settings=settings(data_key=SecretStr(first_key)))
    assert former.value.code == "data_key_wrong"


def _rotate_until_killed(folder: Path, *, after_s: float) -> None:
    program = "import sys\nsys.path[:0] = " + repr(sys.path) + "\n" + ROTATOR
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    process.stdout.close()
