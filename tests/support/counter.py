"""A counter for tests: an enrolled device, a server of real sockets, a microphone, and the agent between them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.parts import AgentParts
from edge_agent.agent.port import Snapshot
from edge_agent.agent.shift import Place
from edge_agent.answer_scoring import AnswerScoring
from edge_agent.clock import Reading
from edge_agent.device import Device
from edge_agent.enrolment import enrol
from edge_agent.hearing import Hearing
from edge_agent.outbox import Outbox
from edge_agent.recognition import Recogniser
from edge_agent.server_link import ServerLink
from hardware.signals import OnSignal
from models.wire import Record
from support.edge_device import settings
from support.programs import wait_until
from support.scripted_server import ScriptedServer
from support.simulated_microphone import FastClock, SimulatedMicrophone

_PATIENT: dict[str, object] = {"retry_first_s": 0.2, "retry_longest_s": 0.5}


@dataclass
class Counter:
    """What stands on a counter."""

    folder: Path
    server: ScriptedServer
    microphone: Callable[[], SimulatedMicrophone]
    """Makes one for each shift."""
    recogniser: Callable[[], Recogniser]
    clock: FastClock = field(default_factory=FastClock)
    loads: int = 0
    """How often the recogniser was loaded."""
    press: OnSignal = lambda signal: None
    """Says something as the microphone."""
    plugged: list[SimulatedMicrophone] = field(default_factory=list)
    """Those of the shifts so far."""

    def enrol(self) -> None:
        """Make the folder a device."""
        self.enrol_at(self.server.url, self.server.CODE)

    def enrol_at(self, url: str, code: str) -> None:
        """Make the folder a device of another server."""
        with ServerLink(url, timeout_s=30) as link:
            enrol(self.folder, link=link, code=code, name="counter")

    @contextmanager
    def agent(self, *, wait_s: float = 30.0, **changes: object) -> Iterator[CounterAgent]:
        """Run the agent, and end it politely."""
        agent = CounterAgent(self.parts(**changes))
        try:
            yield agent
        finally:
            agent.close(wait_s=wait_s)

    def parts(self, **changes: object) -> AgentParts:
        """Return what the agent is made of."""
        return AgentParts(
            device=Device.load(self.folder, settings=settings(**_PATIENT | changes)),
            place=Place(staff="S-1", site="bank-01", channel="counter"),
            microphone="simulated:1",
            open_source=self._open,
            hearing=self._load,
            scoring=lambda: AnswerScoring(self.recogniser()),
            clock=self._read,
        )

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """Return what of a kind the server has."""
        return [r["body"] for r in list(self.server.stored.values()) if r["body"]["body"] == kind]

    def sealed(self) -> list[Record]:
        """Return every record that is on the device."""
        outbox = Outbox(self.folder, settings=settings())
        try:
            return [record for one in outbox.shift_recordings() for record in outbox.records_of(one.id)]
        finally:
            outbox.close()

    def _open(self, on_signal: OnSignal) -> SimulatedMicrophone:
        self.press = on_signal
        self.plugged.append(self.microphone())
        return self.plugged[-1]

    def _load(self) -> Hearing:
        self.loads += 1
        return Hearing(self.recogniser())

    def _read(self) -> Reading:
        return self.clock.read()


def until(agent: CounterAgent, holds: Callable[[Snapshot], bool], *, what: str) -> Snapshot:
    """Wait until the snapshot is as said, and return it."""
    wait_until(lambda: holds(agent.snapshot()), what=lambda: f"{what}; it is {agent.snapshot()}", every_s=0.02)
    return agent.snapshot()


def total_s(snapshot: Snapshot) -> float:
    """Return the seconds that are accounted for."""
    coverage = snapshot.coverage
    return coverage.heard_s + coverage.silent_s + coverage.withheld_s + coverage.lost_s
