"""`voicetrail-edge console` as a process of its own, and a member of staff who asks it for things over HTTP."""

import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from edge_agent.console.pin import PinFile
from support.programs import BIN, free_port, kill, wait_until

PIN = "482913"


@dataclass
class ConsoleProgram:
    """The program on one enrolled folder; it can be killed and started again."""

    folder: Path
    microphone: str
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    command: list[str] = field(default_factory=list)
    """How it is started; empty for a bank's counter."""
    process: subprocess.Popen[bytes] | None = None
    _client: httpx2.Client | None = None

    @property
    def url(self) -> str:
        """The console's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder.parent / f"{self.folder.name}-console.log"

    def start(self) -> None:
        """Start it, wait until it answers, and sign in."""
        PinFile(self.folder).set(PIN)
        options = ["--site", "bank-01", "--staff", "S-1", "--microphone", self.microphone, "--port", str(self.port)]
        usual = [str(BIN / "voicetrail-edge"), "console", "--data", str(self.folder), *options]
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.command or usual,
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | self.environment,
            )
        wait_until(self._answers, what=f"the console answers, see {self.log}")
        self._client = httpx2.Client(base_url=self.url, trust_env=False, timeout=60, follow_redirects=True)
        self._client.post("/sign-in", data={"pin": PIN, "csrf": self._token("/sign-in")})

    def act(self, path: str, **values: str) -> None:
        """Ask the agent for something, as the buttons of the console do."""
        assert self._client is not None
        answer = self._client.post(path, data=values | {"csrf": self._token("/")})
        assert answer.is_success, (path, answer.status_code, answer.text)

    def encounter(self) -> str:
        """Return the encounter that goes on, as the page names it."""
        found = re.search(r'name="encounter" value="([^"]+)"', self.page("/"))
        assert found is not None
        return found.group(1)

    def page(self, path: str) -> str:
        """Return a page."""
        assert self._client is not None
        return self._client.get(path).text

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        assert self.process is not None
        kill(self.process)
        self.process = None

    def stop(self) -> int:
        """End it politely; return its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process = None
        return status

    def _token(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"|name="csrf-token" content="([^"]+)"', self.page(path))
        assert found is not None, self.page(path)[:2000]
        return found.group(1) or found.group(2)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
