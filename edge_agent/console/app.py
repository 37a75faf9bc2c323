"""The console as one ASGI application: pages, actions, the stream, the customer's page, the microphone's door."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from edge_agent.agent.port import Agent
from edge_agent.console import actions, consent_page, microphone, pages, stream
from edge_agent.console.consent_links import ConsentLinks
from edge_agent.console.guard import Guard
from edge_agent.console.microphone_tokens import MicrophoneTokens
from edge_agent.console.parts import Console, anybody
from edge_agent.console.pin import PinFile
from edge_agent.console.rendering import STATIC_DIR
from edge_agent.console.session import Sessions
from hardware.network_door import DOOR, Door


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """What a console is set up with."""

    folder: Path
    """The device's own folder; PIN and microphone tokens lie there."""
    names: frozenset[str] = field(default_factory=frozenset)
    """Host names under which it is reached; addresses and localhost always count."""
    public_url: str = ""
    """Where customers' phones reach it, such as http://192.168.1.20:8700; empty when only this machine does."""


async def _nothing_here(request: Request, _error: Exception) -> Response:
    return await anybody(pages.nothing_here)(request)


def create_app(agent: Agent, *, settings: ConsoleSettings, door: Door = DOOR) -> Starlette:
    """Make the console of an agent.

    Args:
        agent: runs already.
        settings: of this console.
        door: where network microphones come in; the one that the address `network` listens at.
    """
    pin = PinFile(settings.folder)
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC_DIR)),
            *pages.routes,
            *actions.routes,
            *stream.routes,
            *consent_page.routes,
            *microphone.routes,
        ],
        middleware=[Middleware(Guard, names=settings.names)],
        exception_handlers={404: _nothing_here},
    )
    app.state.console = Console(agent=agent, pin=pin, sessions=Sessions(pin), links=ConsentLinks(settings.public_url))
    app.state.microphone = microphone.Entrance(door=door, tokens=MicrophoneTokens(settings.folder))
    return app
