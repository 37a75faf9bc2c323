"""What a program really writes and connects to, seen by three witnesses at once.

Python's audit events see every open and connection made from Python; the process table, polled, sees what libraries
hold open; strace, where it is installed and allowed, sees every system call.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_POLL_S = 0.01

_AUDIT_HOOK = """
import os, sys

_log = os.open(os.environ["VOICETRAIL_TEST_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def _note(kind, what):
    os.write(_log, f"{kind}\\t{what}\\n".encode("utf-8", "surrogateescape"))


def _hook(event, args):
    # A number in the place of the path is a file that is open already.
    if event == "open" and isinstance(args[0], (str, bytes)) and isinstance(args[2], int) and args[2] & _WRITING:
        _note("write", os.fsdecode(args[0]))
    elif event == "sqlite3.connect":
        _note("write", args[0])
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(args[1], tuple):
        _note("connect", f"{args[1][0]}:{args[1][1]}")
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        _note("program", args[0])
    elif event == "import":
        _note("import", args[0])


sys.addaudithook(_hook)
"""


@dataclass
class Trace:
    """What was seen."""

    written: set[str] = field(default_factory=set)
    """Absolute paths opened for writing; a memory file by its name, as memfd:name."""
    connected: set[str] = field(default_factory=set)
    """host:port of every internet address."""
    programs: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    witnesses: set[str] = field(default_factory=set)
    status: int = -1
    output: str = ""
    errors: str = ""

    def violations(self, *, may_write: list[Path], may_connect: str) -> list[str]:
        """Return what was written outside the given files and folders, or connected elsewhere."""
        allowed = [str(path) for path in may_write]
        elsewhere = [
            f"wrote {path}"
            for path in sorted(self.written)
            if not any(path == place or path.startswith(place + "/") for place in allowed)
        ]
        elsewhere += [f"connected to {address}" for address in sorted(self.connected) if address != may_connect]
        return elsewhere + [f"started {program}" for program in sorted(self.programs)]


def strace_works() -> bool:
    """Say whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def run_traced(command: list[str], folder: Path, *, environment: dict[str, str], timeout_s: float = 300) -> Trace:
    """Run a Python program to its end under all witnesses that this machine has."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_AUDIT_HOOK)
    log, calls = folder / "audit.log", folder / "strace.log"
    trace = Trace(witnesses={"audit", "process table"})
    if strace_works():
        trace.witnesses.add("strace")
        kinds = "open,openat,openat2,creat,connect,sendto,sendmsg,memfd_create,mq_open,shmget"
        command = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-s",
            "4096",
            "-e",
            f"trace={kinds}",
            "-o",
            str(calls),
            *command,
        ]
    own = {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VOICETRAIL_TEST_TRACE": str(log),
    }
    process = subprocess.Popen(
        command, env=environment | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, trace, done))
    watcher.start()
    try:
        trace.output, trace.errors = process.communicate(timeout=timeout_s)
    finally:
        done.set()
        watcher.join()
        process.kill()
    trace.status = process.returncode
    _read_audit(log, trace, cwd=folder)
    if "strace" in trace.witnesses:
        _read_calls(calls, trace, cwd=folder)
    trace.written -= {str(log), str(calls)}
    return trace


def python(script: str, *arguments: object) -> list[str]:
    """Return the command that runs a script in this Python."""
    return [sys.executable, "-c", script, *map(str, arguments)]


def _watch(pid: int, trace: Trace, done: threading.Event) -> None:
    while not done.wait(_POLL_S):
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            continue  # it is not there yet, or has ended
        for process in family:
            try:
                if process.name() == "strace":
                    continue
                for file in process.open_files():
                    if file.mode != "r":
                        trace.written.add(file.path)
                for connection in process.net_connections(kind="inet"):
                    if connection.raddr:
                        trace.connected.add(f"{connection.raddr.ip}:{connection.raddr.port}")
            except psutil.Error:
                continue  # it has ended since it was listed


def _read_audit(log: Path, trace: Trace, *, cwd: Path) -> None:
    for line in log.read_text(errors="surrogateescape").splitlines():
        kind, _, what = line.partition("\t")
        if kind == "write":
            trace.written.add(str(cwd / what))
        elif kind == "connect":
            trace.connected.add(what)
        elif kind == "program":
            trace.programs.add(what)
        elif kind == "import":
            trace.imported.add(what)


_OPEN = re.compile(r'^\d+ +(?:open|openat|openat2|creat)\((?:\w+, )?"((?:[^"\\]|\\.)*)"(.*)\) = (\d+)')
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")')
_MEMORY_FILE = re.compile(r'memfd_create\("([^"]*)"')


def _read_calls(calls: Path, trace: Trace, *, cwd: Path) -> None:
    for line in calls.read_text(errors="replace").splitlines():
        if opened := _OPEN.match(line):
            path, how, _ = opened.groups()
            if "creat(" in line or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", how):
                trace.written.add(str(cwd / path.encode().decode("unicode_escape").encode("latin-1").decode()))
        elif address := _ADDRESS.search(line):
            port, four, six = address.groups()
            trace.connected.add(f"{four or six}:{port}")
        elif memory := _MEMORY_FILE.search(line):
            trace.written.add(f"memfd:{memory.group(1)}")
