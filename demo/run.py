"""What `make run` starts: a server, an enrolled device, a conversation, and a customer's journey in the browser.

Everything runs through the programs that a branch would use, as processes of their own. Without `--data` the
database and the device's outbox live in a temporary folder that is removed at the end.
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

HERE = Path(__file__).parent
Json = dict[str, Any]
BIN = Path(sys.executable).parent
SHOWN_EVENTS = 12
console = Console(highlight=False)


class DemoError(Exception):
    """The demonstration cannot go on; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What was asked for on the command line."""

    audio: tuple[Path, ...]
    customer: str
    site: str
    consent: str
    microphone: bool
    console: bool
    once: bool
    port: int
    data: Path


@dataclass(frozen=True)
class Server:
    """A running server and the keys that its set-up gave."""

    url: str
    api_key: str
    enrolment_code: str
    sign_in_path: str

    def get(self, path: str) -> Json:
        """Fetch one resource of the API."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        answer = httpx2.get(self.url + path, headers=headers, timeout=30, trust_env=False)
        answer.raise_for_status()
        body: Json = answer.json()
        return body


def main() -> int:
    """Run the demonstration; return the exit status."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        with ExitStack() as stack:
            plan = _plan(stack)
            server = stack.enter_context(_serve(plan))
            _listen(plan, server)
            _summarise(plan, server)
            if not plan.once:
                _stay_up(server)
    except DemoError as error:
        console.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running. 已停止。")
    return 0


def _plan(stack: ExitStack) -> Plan:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--audio", type=Path, help="a recording of your own, any audio or video file")
    parser.add_argument("--customer", help="the customer's id in your systems (default C-1001)")
    parser.add_argument("--site", default="bank-01", help="the site; its name chooses the journey map")
    parser.add_argument("--consent", choices=("granted", "declined"), default="granted")
    parser.add_argument("--mic", action="store_true", help="listen to the sound card until Ctrl-C")
    parser.add_argument("--console", action="store_true", help="open the staff's console until Ctrl-C")
    parser.add_argument("--once", action="store_true", help="stop after the summary")
    parser.add_argument("--port", type=int, default=0, help="port of the dashboard (default: a free one)")
    parser.add_argument("--data", type=Path, help="keep the data in this folder (default: removed at the end)")
    given = parser.parse_args()
    if given.audio is not None and not given.audio.is_file():
        raise DemoError(f"AUDIO={given.audio} is not a file: name an audio or video file.")
    data = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voicetrail-run-")))
    data.mkdir(parents=True, exist_ok=True)
    return Plan(
        audio=(given.audio,) if given.audio else tuple(sorted((HERE / "conversations").glob("*.opus"))),
        customer=given.customer or "C-1001",
        site=given.site,
        consent=given.consent,
        microphone=given.mic,
        console=given.console,
        once=given.once,
        port=_port(given.port, data),
        data=data,
    )


@contextmanager
def _serve(plan: Plan) -> Iterator[Server]:
    """Set the server up, start it, and stop it at the end."""
    folder = plan.data / "server"
    command: list[str | Path] = [BIN / "voicetrail-server", "setup", "--data", folder, "--json"]
    if (folder / "voicetrail.db").exists():
        command += ["--new-key", "--new-code", "--new-link"]
    console.print("[bold]1[/bold] Setting up the database, an administrator and a device code …")
    keys = json.loads(_run(command))
    log = plan.data / "server.log"
    with log.open("w") as sink:
        process = _start([BIN / "voicetrail-server", "serve", "--data", folder, "--port", str(plan.port)], sink)
        try:
            url = f"http://127.0.0.1:{plan.port}"
            _wait_until_ready(url, process, log)
            console.print(f"[bold]2[/bold] The server is up at {url}")
            yield Server(url, keys["api_key"], keys["enrolment_code"], keys["sign_in_path"])
        finally:
            _stop(process)


def _listen(plan: Plan, server: Server) -> None:
    """Enrol a device unless it is, and let it hear the conversations."""
    device = plan.data / "device"
    if not (device / "identity.json").exists():
        _run(
            [
                BIN / "voicetrail-edge",
                "enrol",
                "--server",
                server.url,
                "--code",
                server.enrolment_code,
                "--data",
                device,
            ]
        )
    where: list[str | Path] = ["--data", device, "--staff", "S-07", "--site", plan.site, "--channel", "counter"]
    if plan.console:
        console.print("[bold]3[/bold] The staff's console: begin a shift and an encounter there. Ctrl-C ends it.")
        microphone = "default" if plan.microphone else f"file:{plan.audio[0].resolve()}"
        _attended([BIN / "voicetrail-edge", "console", "--microphone", microphone, "--port", str(_bindable(0)), *where])
        return
    who: list[str | Path] = [*where, "--customer", plan.customer, "--consent", plan.consent]
    if plan.microphone:
        console.print("[bold]3[/bold] Listening to the sound card. Ctrl-C ends the conversation.")
        _attended([BIN / "voicetrail-edge", "run", *who])
        return
    console.print("[bold]3[/bold] The device hears, writes down on the spot, and sends only text:")
    for recording in plan.audio:
        console.rule(f"[dim]{escape(recording.name)}[/dim]")
        _attended([BIN / "voicetrail-edge", "replay", recording, *who])
    console.rule()


def _summarise(plan: Plan, server: Server) -> None:
    """Wait for the analysis, then show what came of the conversations."""
    with console.status("The server reads the whole conversation …"):
        events = _events_when_analysed(server)
    table = Table(title=f"Experience events of {plan.customer} 体验事件", title_justify="left")
    for column in ("kind", "touchpoint", "MOT", "severity", "quote"):
        table.add_column(column, overflow="fold")
    for event in events[:SHOWN_EVENTS]:
        star = "★" if event["mot"] else ""
        table.add_row(*map(str, (event["kind"], event["touchpoint"], star, event["severity"], event["quote"])))
    if events:
        console.print(table)
    else:
        console.print("No experience event: nothing in the words reached its threshold. 没有体验事件。")
    conversations = {event["conversation_id"] for event in events}
    console.print(f"{len(events)} events from {len(conversations)} conversations with events")
    console.print("\n[bold]Dashboard 看板[/bold]")
    events_address = f"{server.url}/v1/events?after=0&limit=100"
    for label, address in (
        ("one-time sign-in", server.url + server.sign_in_path),
        ("customer's journey", f"{server.url}/customers/{plan.customer}"),
        ("API", f"curl -H 'Authorization: Bearer {server.api_key}' '{events_address}'"),
    ):
        console.print(f"  {label:<20}{address}", soft_wrap=True)


def _events_when_analysed(server: Server) -> list[Json]:
    """Return all events once the server has nothing left to analyse."""
    deadline = time.monotonic() + 120
    while server.get("/v1/analysis/backlog")["waiting"]:
        if time.monotonic() > deadline:
            raise DemoError(
                "The analysis did not finish within two minutes: see server.log (keep it with DATA=folder)."
            )
        time.sleep(0.3)
    events: list[Json] = []
    after = 0
    while True:
        page = server.get(f"/v1/events?after={after}&limit=500")
        events += page["events"]
        after = page["next"]
        if not page["has_more"]:
            return events


def _stay_up(server: Server) -> None:
    console.print(f"The dashboard stays up at {server.url} until Ctrl-C. 按 Ctrl-C 结束。")
    while True:
        time.sleep(3600)


def _run(command: Sequence[str | Path]) -> str:
    """Run a program to its end; its own error message is ours."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(done.stderr.strip() or f"{command[0]} ended with status {done.returncode}")
    return done.stdout


def _attended(command: Sequence[str | Path]) -> None:
    """Run a program on this terminal; on Ctrl-C let it end by itself."""
    process = subprocess.Popen([str(word) for word in command])
    try:
        status = process.wait()
    except KeyboardInterrupt:
        status = process.wait(timeout=60)
    if status != 0:
        raise DemoError("The device could not finish: its message stands above.")


def _start(command: Sequence[str | Path], log: IO[str]) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches it through us only."""
    words = [str(word) for word in command]
    return subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise DemoError(f"The server ended at once:\n{log.read_text()[-1500:]}")
        try:
            if httpx2.get(url + "/readyz", timeout=2, trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass  # it is not listening yet
        time.sleep(0.1)
    raise DemoError(f"The server did not become ready within a minute:\n{log.read_text()[-1500:]}")


def _port(wanted: int, data: Path) -> int:
    """Return the port to serve on; kept data keeps its port, since the device was enrolled at that address."""
    kept = data / "port"
    if not wanted and kept.exists():
        wanted = int(kept.read_text())
    port = _bindable(wanted)
    kept.write_text(str(port))
    return port


def _bindable(wanted: int) -> int:
    """Return the port if it is free; for 0, one that is."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise DemoError(f"Port {wanted} is taken: end what uses it, or name another with PORT=…") from error
        return int(probe.getsockname()[1])


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
