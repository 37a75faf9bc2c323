"""Commands that let people, devices and programs in, and keep them out: sign-in links, enrolment codes, API keys."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from models.errors import RejectedError, StoreError
from server import cli_options as options
from server.access import accounts, keys, repository
from server.access.accounts import Role
from server.access.secrets import digest
from server.devices import enrolment
from server.settings import ServerSettings
from server.setup import SIGN_IN_PATH
from server.store.database import Database
from server.store.migrate import require_current

T = TypeVar("T")


def sign_in_link(
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the account. By default the first.")] = None,
    login: Annotated[str | None, typer.Option(help="Login of the account. By default the first.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print a link that signs in once within 15 minutes: for a first sign-in, or a forgotten password."""
    now = datetime.now(UTC)

    def issue(conn: Connection) -> str:
        of_tenant = _tenant(conn, tenant)
        of_login = login or repository.first_account(conn, of_tenant) or ""
        return accounts.issue_sign_in_link(conn, tenant=of_tenant, login=of_login, now=now)

    path = SIGN_IN_PATH + _write(options.settings_of(data, database_url), issue)
    typer.echo(json.dumps({"sign_in_path": path}) if as_json else path)


def enrolment_code(
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the device. By default the first.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print a code that enrols one device within 24 hours."""
    now = datetime.now(UTC)
    code, expires_at = _write(
        options.settings_of(data, database_url),
        lambda conn: enrolment.create_code(conn, tenant=_tenant(conn, tenant), now=now),
    )
    typer.echo(json.dumps({"enrolment_code": code, "expires_at": expires_at.isoformat()}) if as_json else code)


def api_key(
    *,
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    role: Annotated[Role, typer.Option(help="What programs may do with it.")] = Role.READER,
    name: Annotated[str, typer.Option(help="What it is for, such as till-3.")] = "program",
    tenant: Annotated[str | None, typer.Option(help="Tenant whose data it opens. By default the first.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print a new API key: reader reads, contributor also binds customers, corrects roles and sends customer lists.

    Example:

      voicetrail-server api-key --data /srv/voicetrail --role contributor --name till-3
    """
    now = datetime.now(UTC)
    key = _write(
        options.settings_of(data, database_url),
        lambda conn: keys.create_key(conn, tenant=_tenant(conn, tenant), name=name, role=role, now=now),
    )
    typer.echo(json.dumps({"api_key": key}) if as_json else key)


def revoke_key(
    data: options.Data = None,
    database_url: options.DatabaseUrl = None,
    key: Annotated[str, typer.Option(prompt=True, hide_input=True, help="The API key; asked for when absent.")] = "",
) -> None:
    """Refuse an API key from now on, because it leaked or its program is gone."""
    now = datetime.now(UTC)
    if not _write(
        options.settings_of(data, database_url), lambda conn: repository.revoke_key(conn, digest(key), now=now)
    ):
        raise RejectedError("There is no such API key.", code="api_key_unknown")
    typer.echo("The API key is refused from now on.")


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
