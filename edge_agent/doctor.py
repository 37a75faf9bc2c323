"""What a device can say of itself: each check with its outcome and what to do, audio on disk first of all."""

import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from edge_agent import weights
from edge_agent.device import LOCK_FILE, Device
from edge_agent.doctor_check import Check
from edge_agent.doctor_hearing import hearing_checks
from edge_agent.identity import IDENTITY_FILE, PRIVATE_KEY_FILE
from edge_agent.outbox_database import DATABASE_FILE
from edge_agent.reserve import RESERVE_FILE
from edge_agent.sealing import KEY_FILE
from edge_agent.server_link import ServerLink, is_loopback
from edge_agent.settings import EdgeSettings
from edge_agent.voiceprint import VOICES_FILE
from models.errors import VoicetrailError
from models.wire import SIGNATURE_WINDOW_S

_FEW_MB = 500
"""Less free space than this is worth a word: the weights alone take 145 MB."""

_FILES = {
    PRIVATE_KEY_FILE: "the device's private key",
    KEY_FILE: "the key that seals the outbox",
    IDENTITY_FILE: "the identity that the server gave",
    LOCK_FILE: "held while a program records",
    VOICES_FILE: "staff voiceprints, sealed",
    RESERVE_FILE: "zeros: disk space held back",
    DATABASE_FILE: "sealed records",
    f"{DATABASE_FILE}-wal": "sealed records, SQLite's log",
    f"{DATABASE_FILE}-shm": "SQLite's index of its log",
}


def examine(folder: Path, *, settings: EdgeSettings) -> list[Check]:
    """Look at everything that a recording needs; nothing is recorded or sent, but the server is asked for its health.

    The weights are hashed from end to end.
    """
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return [
        Check(name="python", status="ok", detail=python),
        _checked("audio_on_disk", lambda: _audio_on_disk(folder)),
        _checked("enrolment", lambda: _enrolment(folder, settings)),
        _checked("outbox", lambda: _outbox(folder, settings), otherwise="warning"),
        *_server(folder, settings),
        _checked("weights", lambda: _weights(settings)),
        *hearing_checks(),
        _checked("disk", lambda: _disk(folder), otherwise="warning"),
    ]


def _checked(
    name: str, look: Callable[[], tuple[bool, str]], *, otherwise: Literal["warning", "failed"] = "failed"
) -> Check:
    try:
        ok, detail = look()
    except VoicetrailError as error:
        return Check(name=name, status="failed", detail=f"{error.code}: {error.message}", advice=error.advice)
    return Check(name=name, status="ok" if ok else otherwise, detail=detail)


def _audio_on_disk(folder: Path) -> tuple[bool, str]:
    listed = []
    unknown = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_dir():
            continue
        name = path.relative_to(folder).as_posix()
        what = _FILES.get(name)
        listed.append(f"{name} ({path.stat().st_size} bytes): {what or 'NOT OURS'}")
        if what is None:
            unknown.append(name)
    verdict = f"not ours: {', '.join(unknown)}" if unknown else "none"
    return not unknown, "\n".join([verdict, *listed])


def _enrolment(folder: Path, settings: EdgeSettings) -> tuple[bool, str]:
    identity = Device.load(folder, settings=settings).identity
    return True, f"device {identity.device_id} of {identity.tenant} at {identity.server}"


def _outbox(folder: Path, settings: EdgeSettings) -> tuple[bool, str]:
    if not (folder / DATABASE_FILE).exists():
        return True, "empty"
    outbox = Device.load(folder, settings=settings).open_outbox()
    try:
        backlog = outbox.backlog(letters=0)
    finally:
        outbox.close()
    stuck = backlog.dead + backlog.unreadable
    return stuck == 0, f"{backlog.pending} pending, {backlog.dead} dead letters, {backlog.unreadable} unreadable"


def _server(folder: Path, settings: EdgeSettings) -> Iterator[Check]:
    offset_ms: int | None = None

    def reach() -> tuple[bool, str]:
        nonlocal offset_ms
        server = Device.load(folder, settings=settings).identity.server
        with ServerLink(server, timeout_s=settings.request_timeout_s) as link:
            answer = link.request("GET", "/healthz")
        offset_ms = answer.clock_offset_ms
        plain = server.startswith("http://") and not is_loopback(server)
        return answer.status == 200 and not plain, f"{server} answered {answer.status}" + (
            "; plain http: texts can be read on the way, use https" if plain else ""
        )

    yield _checked("server", reach)
    if offset_ms is None:
        yield Check(name="clock", status="warning", detail="not measured: no answer with a date")
        return
    # The Date header counts seconds, and a batch signed more than the window away is refused at first.
    ok = abs(offset_ms) < SIGNATURE_WINDOW_S * 1000
    yield Check(
        name="clock",
        status="ok" if ok else "warning",
        detail=f"server's clock minus ours: {offset_ms / 1000:+.1f} s",
        advice="" if ok else "Set this device's clock; until then each record carries the measured offset.",
    )


def _weights(settings: EdgeSettings) -> tuple[bool, str]:
    folder = weights.locate(settings.model, settings.cache_dir)
    if settings.model != weights.DEFAULT_MODEL:
        return True, f"{folder}: a model of your own; its hash is not known here"
    weights.verify(folder)
    return True, f"{folder}: sha256 {weights.MODEL_SHA256} as published"


def _disk(folder: Path) -> tuple[bool, str]:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    return free_mb >= _FEW_MB, f"{free_mb} MB free"
