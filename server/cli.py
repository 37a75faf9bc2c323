"""`voicetrail-server`: set up, serve, analyse, migrate."""

import asyncio
import gc
import json
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from models.errors import RejectedError, StoreError, VoicetrailError
from server.access import accounts, repository
from server.access.secrets import digest
from server.analysis.worker import Worker, WorkerOptions
from server.app import create_app
from server.devices import enrolment
from server.settings import ServerSettings, WorkerMode
from server.setup import SIGN_IN_PATH, Installed, Wanted, set_up
from server.store.database import Database
from server.store.migrate import require_current, upgrade

T = TypeVar("T")

app = typer.Typer(
    help="The Voicetrail server: takes records from devices, understands them, shows customer journeys.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_out = Console()
_err = Console(stderr=True)

Data = Annotated[Path | None, typer.Option(help="Folder of the database and the session secret.", show_default=False)]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="postgresql://user@host/name instead of SQLite in the data folder.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def main() -> None:
    """Run the program; an error of ours becomes one clear message and exit status 1."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        app()
    except VoicetrailError as error:
        _err.print(f"[red]{error.message}[/red] ({error.code})\n{error.advice}".rstrip(), soft_wrap=True)
        sys.exit(1)
    except ValidationError as error:
        # Of the environment: what is given as an option was checked before.
        for fault in error.errors(include_input=False):
            name = "_".join(str(part) for part in fault["loc"]).upper()
            _err.print(f"[red]VOICETRAIL_SERVER_{name}: {fault['msg']}[/red]", soft_wrap=True)
        sys.exit(2)


@app.command()
def setup(
    *,
    data: Data = None,
    database_url: DatabaseUrl = None,
    tenant: Annotated[str, typer.Option(help="Name of the first tenant.")] = "default",
    login: Annotated[str, typer.Option(help="Login of the first account.")] = "admin",
    new_key: Annotated[bool, typer.Option(help="On an existing installation: make one more API key.")] = False,
    new_code: Annotated[bool, typer.Option(help="On an existing installation: make one more enrolment code.")] = False,
    new_link: Annotated[bool, typer.Option(help="On an existing installation: make a new sign-in link.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create or upgrade the database, the first tenant and account, and the secrets to begin with.

    Each secret is printed this once: an API key, a code that enrols one device within 24 hours, and a link that signs
    in once within 15 minutes. Run again, it upgrades the database and makes only what is asked for.
    """
    wanted = Wanted(tenant=tenant, login=login, new_key=new_key, new_code=new_code, new_link=new_link)
    installed = asyncio.run(set_up(_settings(data, database_url), wanted, now=datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps(installed.as_dict()))
        return
    _show(installed)


@app.command()
def serve(
    data: Data = None,
    database_url: DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. By default this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. By default 8080.")] = None,
    worker: Annotated[
        WorkerMode | None,
        typer.Option(help="inline: analyse in this process; off: run `worker` beside it. By default inline."),
    ] = None,
) -> None:
    """Serve devices, programs and pages until SIGTERM or Ctrl-C; what was acknowledged is stored."""
    settings = _settings(data, database_url, host=host, port=port, worker=worker)
    # Before the port is taken: a database that is not set up gets its advice, not a server that fails to start.
    asyncio.run(_check(settings))
    listener = _listen(settings.host, settings.port)
    address, taken = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    _out.print(f"Voicetrail is at http://{shown}:{taken}", soft_wrap=True, highlight=False)
    application = create_app(settings)
    _calm_collector()
    config = uvicorn.Config(
        application,
        access_log=False,
        log_level="warning",
        # Devices on a slow line keep their connection between batches.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


@app.command()
def worker(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Analyse conversations until SIGTERM or Ctrl-C, beside `serve --worker off`.

    On PostgreSQL several may run side by side. Killed at any point, it loses nothing: the work is done again.
    """
    asyncio.run(_work(_settings(data, database_url)))


@app.command()
def migrate(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Upgrade the database to the schema of this version. Make a copy of it first."""
    asyncio.run(upgrade(_settings(data, database_url).url))
    _out.print("The database has this version's schema.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the server's API."""
    typer.echo(json.dumps(create_app(ServerSettings()).openapi(), ensure_ascii=False, indent=2))


@app.command("sign-in-link")
def sign_in_link(
    data: Data = None,
    database_url: DatabaseUrl = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the account. By default the first.")] = None,
    login: Annotated[str | None, typer.Option(help="Login of the account. By default the first.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a link that signs in once within 15 minutes: for a first sign-in, or a forgotten password."""
    now = datetime.now(UTC)

    def issue(conn: Connection) -> str:
        of_tenant = _tenant(conn, tenant)
        of_login = login or repository.first_account(conn, of_tenant) or ""
        return accounts.issue_sign_in_link(conn, tenant=of_tenant, login=of_login, now=now)

    path = SIGN_IN_PATH + _write(_settings(data, database_url), issue)
    typer.echo(json.dumps({"sign_in_path": path}) if as_json else path)


@app.command("enrolment-code")
def enrolment_code(
    data: Data = None,
    database_url: DatabaseUrl = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the device. By default the first.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a code that enrols one device within 24 hours."""
    now = datetime.now(UTC)
    code, expires_at = _write(
        _settings(data, database_url),
        lambda conn: enrolment.create_code(conn, tenant=_tenant(conn, tenant), now=now),
    )
    typer.echo(json.dumps({"enrolment_code": code, "expires_at": expires_at.isoformat()}) if as_json else code)


def _calm_collector() -> None:
    """Let the garbage collector look less often.

    A batch of 100 records makes a few thousand objects that all die without it; looking every 700 objects doubled the
    time to read them (16 to 32 µs a record against 12 µs). What is loaded now stays for good and is not looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@app.command("revoke-key")
def revoke_key(
    data: Data = None,
    database_url: DatabaseUrl = None,
    key: Annotated[str, typer.Option(prompt=True, hide_input=True, help="The API key; asked for when absent.")] = "",
) -> None:
    """Refuse an API key from now on, because it leaked or its program is gone."""
    now = datetime.now(UTC)
    if not _write(_settings(data, database_url), lambda conn: repository.revoke_key(conn, digest(key), now=now)):
        raise RejectedError("There is no such API key.", code="api_key_unknown")
    _out.print("The API key is refused from now on.")


def _settings(data: Path | None, database_url: str | None, **given: object) -> ServerSettings:
    """Build the settings; an option that was not given leaves the environment's word."""
    options: dict[str, Any] = {"data": data, "database_url": database_url, **given}
    return ServerSettings(**{name: value for name, value in options.items() if value is not None})


def _tenant(conn: Connection, asked: str | None) -> str:
    found = asked or repository.first_tenant(conn)
    if found is None:
        raise StoreError("There is no tenant yet.", code="not_set_up", permanent=True, advice="Run `setup` first.")
    return found


def _write(settings: ServerSettings, work: Callable[[Connection], T]) -> T:
    async def once() -> T:
        db = Database.open(settings.url)
        try:
            await require_current(db)
            return await db.write(work)
        finally:
            await db.close()

    return asyncio.run(once())


async def _check(settings: ServerSettings) -> None:
    db = Database.open(settings.url)
    try:
        await require_current(db)
    finally:
        await db.close()


async def _work(settings: ServerSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    db = Database.open(settings.url)
    try:
        await require_current(db)
        _out.print("The worker looks for conversations to analyse.")
        await Worker(db, options=WorkerOptions(default_journey_map=settings.default_journey_map)).run(stop)
    finally:
        await db.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise StoreError(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            code="port_taken",
            permanent=True,
            advice="Choose another --port, or 0 for a free one.",
        ) from error


def _show(installed: Installed) -> None:
    if installed.existed:
        _out.print("This installation exists already; --new-key, --new-code and --new-link make new secrets.")
    table = Table(show_header=False, box=None)
    for name, value in installed.as_dict().items():
        if name != "existed" and value is not None:
            table.add_row(name, str(value))
    _out.print(table, soft_wrap=True)
