"""The console on a port of this machine."""

import asyncio
import ipaddress
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette

from edge_agent.console.parts import Console
from hardware.network_frames import MAX_FRAME_BYTES
from models.errors import VoicetrailError

_STARTS_WITHIN_S: Final = 30.0
# Pages that stay open end with the program; a request that takes longer than this is given up.
_ENDS_WITHIN_S: Final = 3
# Documentation addresses (RFC 5737): nothing is sent, the system only says which interface would be taken.
_ELSEWHERE: Final = ("192.0.2.1", 9)


class ConsoleError(VoicetrailError):
    """The console cannot be served.

    Codes: console_port, console_failed.
    """

    code = "console_failed"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the console listens."""

    host: str = "127.0.0.1"
    port: int = 8700
    certificate: Path | None = None
    """PEM file for https, with its key in `key`; cameras of phones scan only there."""
    key: Path | None = None

    @property
    def scheme(self) -> str:
        """The scheme of http or https."""
        return "https" if self.certificate else "http"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host == "localhost" or _is_loopback(self.host)

    @property
    def public_url(self) -> str:
        """Where phones in the same network reach it; empty when they do not."""
        if self.is_local:
            return ""
        host = _own_address() if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"{self.scheme}://{_in_url(host)}:{self.port}" if host else ""

    @property
    def url(self) -> str:
        """Where a browser on this machine reaches it."""
        return f"{self.scheme}://{_in_url(self.host if self.is_local else '127.0.0.1')}:{self.port}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _own_address() -> str:
    """Return this machine's address in its network; empty when it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


class _Server(uvicorn.Server):
    """uvicorn, which lets open streams know that it ends."""

    def __init__(self, config: uvicorn.Config, *, console: Console) -> None:
        super().__init__(config)
        self._console = console

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: they would hold the server up."""
        self._console.closing.set()
        await super().shutdown(sockets)


class ConsoleServer:
    """Serves a console in a thread of its own."""

    def __init__(self, app: Starlette, *, address: Address) -> None:
        """Name the console and its address."""
        self._address = address
        config = uvicorn.Config(
            app,
            ssl_certfile=address.certificate,
            ssl_keyfile=address.key,
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_ENDS_WITHIN_S,
        )
        self._server = _Server(config, console=app.state.console)
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)
        self._sockets: list[socket.socket] = []

    def start(self) -> None:
        """Bind the port and return when the console answers.

        Raises:
            ConsoleError: `console_port`, the port or host cannot be had; `console_failed`, a certificate is wrong.
        """
        self._sockets = [self._bound()]
        try:
            self._server.config.load()
        except OSError as error:
            self._sockets[0].close()
            raise ConsoleError(
                f"the certificate cannot be used: {error}", advice="Check the PEM files of certificate and key."
            ) from error
        self._thread.start()
        waited = threading.Event()
        for _ in range(round(_STARTS_WITHIN_S / 0.02)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.02)
        raise ConsoleError("the console did not start", advice="The log says why.")

    def stop(self) -> None:
        """End it and wait until it has ended; safe more than once."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=self._sockets))

    def _bound(self) -> socket.socket:
        address = self._address
        try:
            family, kind, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
            listening = socket.socket(family, kind)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
        except OSError as error:
            raise ConsoleError(
                f"{address.host}:{address.port} cannot be listened at: {error}",
                code="console_port",
                advice="Another console may run already; or choose another --port or --host.",
            ) from error
        return listening
