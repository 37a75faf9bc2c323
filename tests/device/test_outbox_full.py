"""A full disk stops recording with a clear word, loses nothing, and never stops delivering and deleting."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.outbox_rows import RecordState, Settlement
from models.errors import OutboxError
from support.edge_device import NOW_MS, opened_outbox, pending_ids, utterance_record


def test_an_outbox_at_its_own_limit_refuses_and_can_be_emptied(tmp_path: Path) -> None:
    """At its limit an append stores nothing of itself; what is there can be settled, deleted, and makes room."""
    kept = []
    with opened_outbox(tmp_path, outbox_max_mb=1) as outbox:
        with pytest.raises(OutboxError) as full:
            while True:
                records = [utterance_record("满" * 2000) for _ in range(10)]
                outbox.append(records, now_ms=NOW_MS)
                kept += [record.id for record in records]
        assert full.value.code == "outbox_full"
        assert full.value.advice
        assert pending_ids(outbox) == kept
        outbox.settle([Settlement(record_id=i, state=RecordState.ACKNOWLEDGED) for i in kept], now_ms=NOW_MS)
        assert outbox.purge(now_ms=NOW_MS, retention_ms=0) == len(kept)
        outbox.append([utterance_record()], now_ms=NOW_MS)
        assert outbox.backlog().pending == 1


def test_an_outbox_at_its_limit_lets_delivered_records_go_before_their_time(tmp_path: Path) -> None:
    """Months of recording with the server there never fill it, however long delivered records are to stay."""
    with opened_outbox(tmp_path, outbox_max_mb=1) as outbox:
        for _ in range(60):
            records = [utterance_record("满" * 2000) for _ in range(10)]
            outbox.append(records, now_ms=NOW_MS)
            outbox.settle([Settlement(record_id=r.id, state=RecordState.ACKNOWLEDGED) for r in records], now_ms=NOW_MS)
        assert outbox.backlog().acknowledged >= 10


# Runs on a file system of 2 MB of its own: fill it with records and then to the last byte, deliver all, record again.
ON_A_SMALL_DISK = """
import json, sys
from pathlib import Path
from support.edge_device import NOW_MS, opened_outbox, pending_ids, utterance_record
from edge_agent.outbox_rows import RecordState, Settlement
from models.errors import OutboxError

folder = Path(sys.argv[1])
said = {}
with opened_outbox(folder / "device", reserve_kb=512) as outbox:
    kept = 0
    try:
        while True:
            outbox.append([utterance_record("满" * 2000) for _ in range(10)], now_ms=NOW_MS)
            kept += 10
    except OutboxError as error:
        said["code"], said["advice"] = error.code, error.advice
    said["kept"], said["pending"] = kept, outbox.backlog().pending
try:
    with (folder / "other").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
except OSError:
    pass  # the disk is full now
with opened_outbox(folder / "device", reserve_kb=512) as outbox:
    ids = pending_ids(outbox)
    for at in range(0, len(ids), 20):
        batch = [Settlement(record_id=i, state=RecordState.ACKNOWLEDGED) for i in ids[at:at + 20]]
        outbox.settle(batch, now_ms=NOW_MS)
    said["deleted"] = outbox.purge(now_ms=NOW_MS, retention_ms=0)
    (folder / "other").unlink()
    outbox.append([utterance_record()], now_ms=NOW_MS)
    said["after"] = outbox.backlog().pending
print(json.dumps(said))
"""


@pytest.mark.faults
def test_a_disk_that_is_full_to_the_last_byte_still_lets_delivered_records_go(tmp_path: Path) -> None:
    """On a really full file system nothing sealed is lost, and settling and deleting work from the held-back space."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=2m tmpfs {disk} && exec {sys.executable} -c "$SCRIPT" {disk}'
    if shutil.which("unshare") is None or _namespaces_missing():
        pytest.skip("needs a mount namespace of its own (unshare --mount --map-root-user)")
    environment = {**os.environ, "SCRIPT": ON_A_SMALL_DISK, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mount], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["code"] == "outbox_full"
    assert said["advice"]
    assert said["kept"] == said["pending"] == said["deleted"] > 0
    assert said["after"] == 1


def _namespaces_missing() -> bool:
    probe = ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True).returncode != 0
