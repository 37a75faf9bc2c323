"""The real console of the real agent on a port of the loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.parts import AgentParts
from edge_agent.agent.shift import Place
from edge_agent.console.app import ConsoleSettings, create_app
from edge_agent.console.microphone_tokens import MicrophoneTokens
from edge_agent.console.pin import PinFile
from edge_agent.console.serving import Address, ConsoleServer
from edge_agent.customer_store import CustomerStore, Entry
from edge_agent.device import Device
from edge_agent.identity import DeviceKey, Identity
from edge_agent.private_files import make_private_folder
from edge_agent.sealing import Sealer, load_or_make_key
from hardware.network_door import Door
from hardware.network_microphone import NetworkMicrophone
from models.ids import new_id
from support.edge_device import settings
from support.programs import free_port

PIN = "482913"


@dataclass
class RunningConsole:
    """A console whose agent listens to the network microphone of its own door."""

    folder: Path
    port: int
    agent: CounterAgent
    door: Door
    tokens: MicrophoneTokens
    pin: PinFile

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def microphone_url(self) -> str:
        """Where speakers come in."""
        return f"ws://127.0.0.1:{self.port}/microphone"

    def token(self, name: str = "lobby") -> str:
        """Make a speaker's token."""
        return self.tokens.make(name, now=datetime.now(UTC))


def enrolled(folder: Path) -> Device:
    """Return a device whose server is away."""
    make_private_folder(folder)
    DeviceKey.load_or_make(folder)
    Identity(server="http://127.0.0.1:1", tenant="t", device_id=new_id(), enrolled_at=datetime.now(UTC)).save(folder)
    device = Device.load(folder, settings=settings())
    know_customers(device)
    return device


KNOWN = (
    Entry("C-1001", "王芳", "5678", ("6230001",)),
    Entry("C-1002", "王小明", "0042", ()),
    Entry("C-1003", "Ann <b>Lee</b>", "7788", ()),
)
"""Customers that were fetched from the server before it went away."""


def know_customers(device: Device) -> None:
    """Put the list of customers into a device's folder, as a synchronisation leaves it."""
    owner = f"{device.identity.server} {device.identity.tenant} {device.identity.device_id}"
    sealer = Sealer(load_or_make_key(device.folder, may_make=True))
    CustomerStore(device.folder, sealer=sealer, owner=owner).save(after=1, chunks={0: KNOWN}, whole=True)


def _nobody_speaks() -> NoReturn:
    raise AssertionError("no customer consented in this test, so nothing may be recognised")


@contextmanager
def running_console(folder: Path) -> Iterator[RunningConsole]:
    """Run a console without its recogniser."""
    door, port = Door(), free_port()
    agent = CounterAgent(
        AgentParts(
            device=enrolled(folder),
            place=Place(staff="S-07", site="bank-01", channel="counter"),
            microphone="network",
            open_source=lambda on_signal: NetworkMicrophone(door=door, on_signal=on_signal),
            hearing=_nobody_speaks,
            scoring=_nobody_speaks,
        )
    )
    PinFile(folder).set(PIN)
    chosen = ConsoleSettings(folder=folder, names=frozenset({"counter.example"}), public_url=f"http://127.0.0.1:{port}")
    server = ConsoleServer(create_app(agent, settings=chosen, door=door), address=Address(port=port))
    try:
        server.start()
        yield RunningConsole(folder, port, agent, door, MicrophoneTokens(folder), PinFile(folder))
    finally:
        server.stop()
        agent.close(wait_s=0)
