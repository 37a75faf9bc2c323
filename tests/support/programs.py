"""The real programs, as processes of their own on free ports of the loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEMO_AUDIO = ROOT / "demo" / "conversations"


def run(*command: object, expect: int = 0, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and check its exit status."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == expect, f"{command} → {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def run_json(*command: object, expect: int = 0, timeout_s: float = 300) -> dict[str, Any]:
    """Run a program that prints one JSON object."""
    answer: dict[str, Any] = json.loads(run(*command, expect=expect, timeout_s=timeout_s).stdout)
    return answer


def start(*command: object, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to a log."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the process and its children, and reap it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    condition: Callable[[], bool], *, what: str | Callable[[], str], limit_s: float = 120, every_s: float = 0.1
) -> None:
    """Poll until the condition holds; when it never does fail, saying what did not happen."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"did not happen: {what if isinstance(what, str) else what()}")
        time.sleep(every_s)


@dataclass
class ServerProgram:
    """`voicetrail-server` on one folder, which can be started, killed and started again."""

    folder: Path
    database_url: str | None = None
    port: int = field(default_factory=free_port)
    keys: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder.parent / f"{self.folder.name}.log"

    def _database(self) -> tuple[str, ...]:
        return ("--database-url", self.database_url) if self.database_url else ()

    def set_up(self) -> None:
        """Create database, tenant, key and enrolment code."""
        command = (BIN / "voicetrail-server", "setup", "--data", self.folder, "--json", *self._database())
        self.keys = run_json(*command)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = (BIN / "voicetrail-server", "serve", "--data", self.folder, "--port", self.port, *self._database())
        self.process = start(*command, log=self.log)
        wait_until(self.ready, what=f"server ready, see {self.log}")

    def ready(self) -> bool:
        """Say whether it answers; fail when it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return httpx2.get(self.url + "/readyz", timeout=5, trust_env=False).is_success
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        assert self.process is not None
        kill(self.process)
        self.process = None

    def stop(self) -> None:
        """Stop it politely when it runs."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def get(self, path: str, **parameters: object) -> dict[str, Any]:
        """Fetch a resource of the API as the administrator."""
        headers = {"Authorization": f"Bearer {self.keys['api_key']}"}
        answer = httpx2.get(self.url + path, params=parameters, headers=headers, timeout=60, trust_env=False)
        assert answer.is_success, (answer.status_code, answer.text)
        body: dict[str, Any] = answer.json()
        return body

    def wait_for_analysis(self) -> None:
        """Wait until no conversation waits for its analysis."""
        wait_until(lambda: self.get("/v1/analysis/backlog")["waiting"] == 0, what="analysis done", every_s=0.3)

    def events(self) -> list[dict[str, Any]]:
        """Return the whole feed."""
        events: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.get("/v1/events", after=after, limit=100)
            events += page["events"]
            after = page["next"]
            if not page["has_more"]:
                return events


@contextmanager
def running_server(folder: Path, database_url: str | None = None) -> Iterator[ServerProgram]:
    """Set a server up, start it, and stop it at the end."""
    server = ServerProgram(folder, database_url)
    server.set_up()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def enrol(server: ServerProgram, device: Path, *, code: str | None = None) -> None:
    """Give the device in that folder its identity."""
    code = code or server.keys["enrolment_code"]
    run(BIN / "voicetrail-edge", "enrol", "--server", server.url, "--code", code, "--data", device)


def replay_command(
    recording: Path, device: Path, *, consent: str = "granted", customer: str = "C-1"
) -> tuple[object, ...]:
    """Return the command that replays a recording at a bank's counter."""
    who = ("--customer", customer, "--staff", "S-1", "--site", "bank-01", "--channel", "counter", "--consent", consent)
    return (BIN / "voicetrail-edge", "replay", recording, "--data", device, *who, "--pace", "fast", "--json")
