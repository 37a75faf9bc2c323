"""`voicetrail-server`: set up, serve, analyse, migrate."""

import asyncio
import gc
import json
import signal
import socket
import sys
from datetime import UTC, datetime
from typing import Annotated

import structlog
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from models.errors import StoreError, VoicetrailError
from server import cli_options as options
from server.analysis.worker import Worker, WorkerOptions
from server.app import create_app
from server.cli_access import api_key, enrolment_code, revoke_key, sign_in_link
from server.settings import ServerSettings, WorkerMode
from server.setup import Installed, Wanted, set_up
from server.store.database import Database
from server.store.migrate import require_current, upgrade

app = typer.Typer(
    name="voicetrail-server",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""The Voicetrail server: takes records from devices, understands them, shows customer journeys.

    First: voicetrail-server setup --data FOLDER

    Then: voicetrail-server serve --data FOLDER

    More devices, programs and people: enrolment-code, api-key, sign-in-link
    """,
)
_out = Console()
_err = Console(stderr=True)


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
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    tenant: Annotated[str, typer.Option(help="Name of the first tenant.")] = "default",
    login: Annotated[str, typer.Option(help="Login of the first account.")] = "admin",
    new_key: Annotated[
        bool, typer.Option("--new-key", help="On an existing installation: make one more API key.")
    ] = False,
    new_code: Annotated[
        bool, typer.Option("--new-code", help="On an existing installation: make one more enrolment code.")
    ] = False,
    new_link: Annotated[
        bool, typer.Option("--new-link", help="On an existing installation: make a new sign-in link.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Create or upgrade the database, the first tenant and account, and the secrets to begin with.

    Each secret is printed this once: an API key, a code that enrols one device within 24 hours, and a link that signs
    in once within 15 minutes. Run again, it upgrades the database and makes only what is asked for.

    Example:

      voicetrail-server setup --data /srv/voicetrail

      voicetrail-server setup --data /srv/voicetrail --new-code --json
    """
    wanted = Wanted(tenant=tenant, login=login, new_key=new_key, new_code=new_code, new_link=new_link)
    installed = asyncio.run(set_up(options.settings_of(data, database_url), wanted, now=datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps(installed.as_dict()))
        return
    _show(installed)


@app.command()
def serve(
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. By default this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one. By default 8080.")] = None,
    worker: Annotated[
        WorkerMode | None,
        typer.Option(help="inline: analyse in this process; off: run `worker` beside it. By default inline."),
    ] = None,
) -> None:
    """Serve devices, programs and pages until SIGTERM or Ctrl-C; what was acknowledged is stored.

    Example:

      voicetrail-server serve --data /srv/voicetrail --port 8080

      voicetrail-server serve --database-url postgresql://voicetrail@db/voicetrail --worker off
    """
    settings = options.settings_of(data, database_url, host=host, port=port, worker=worker)
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
def worker(data: options.Data = None, database_url: options.DatabaseUrl = None) -> None:
    """Analyse conversations until SIGTERM or Ctrl-C, beside `serve --worker off`.

    On PostgreSQL several may run side by side. Killed at any point, it loses nothing: the work is done again.
    """
    asyncio.run(_work(options.settings_of(data, database_url)))


@app.command()
def migrate(data: options.Data = None, database_url: options.DatabaseUrl = None) -> None:
    """Upgrade the database to the schema of this version. Make a copy of it first."""
    asyncio.run(upgrade(options.settings_of(data, database_url).url))
    _out.print("The database has this version's schema.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the server's API."""
    typer.echo(json.dumps(create_app(ServerSettings()).openapi(), ensure_ascii=False, indent=2))


app.command("sign-in-link")(sign_in_link)
app.command("enrolment-code")(enrolment_code)
app.command("api-key")(api_key)
app.command("revoke-key")(revoke_key)


def _calm_collector() -> None:
    """Let the garbage collector look less often.

    A batch of 100 records makes a few thousand objects that all die without it; looking every 700 objects doubled the
    time to read them (16 to 32 µs a record against 12 µs). What is loaded now stays for good and is not looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
        options = WorkerOptions(default_journey_map=settings.default_journey_map, time_zone=settings.time_zone)
        await Worker(db, options=options).run(stop)
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
