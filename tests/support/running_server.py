"""The real server in a real uvicorn, set up on a new database."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import uvicorn

from server.access.accounts import Role
from server.access.keys import create_key
from server.access.repository import add_tenant
from server.app import create_app
from server.devices.enrolment import create_code
from server.settings import ServerSettings
from server.setup import Wanted, set_up
from server.store.database import Database
from support.databases import fresh_database, rows
from support.device_client import HTTP, Device
from support.programs import free_port, wait_until


@dataclass(frozen=True)
class RunningServer:
    """A server that serves, set up with a first tenant."""

    url: str
    api_key: str
    settings: ServerSettings
    database_url: str | None
    """None stands for SQLite in the data folder."""

    def in_database(self, work: Any) -> Any:
        """Run a function in a transaction of its own, past the server."""

        async def once() -> Any:
            db = Database.open(self.settings.url)
            try:
                return await db.write(work)
            finally:
                await db.close()

        return asyncio.run(once())

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Read rows straight from the database, past all of our own code."""
        return rows(statement, folder=self.settings.data, url=self.database_url)

    def of(self, conversation: UUID, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Read columns of a conversation's rows in a table."""
        key = "id" if table == "conversation" else "conversation_id"
        return self.rows(f"SELECT {columns} FROM {table} WHERE {key} = '{conversation.hex}'")  # noqa: S608 - words of the tests

    def device(self, tenant: str = "default") -> Device:
        """Enrol a new device of a tenant."""
        code, _ = self.in_database(lambda conn: create_code(conn, tenant=tenant, now=datetime.now(UTC)))
        return Device.enrol(self.url, code)

    def add_tenant(self, name: str) -> str:
        """Add a tenant and return an administrator's API key of it."""
        now = datetime.now(UTC)

        def work(conn: Any) -> str:
            add_tenant(conn, name, now=now)
            return create_key(conn, tenant=name, name="test", role=Role.ADMINISTRATOR, now=now)

        key: str = self.in_database(work)
        return key

    def get(self, path: str, key: str | None = None) -> httpx2.Response:
        """Fetch a path with an API key, by default the administrator's of the first tenant."""
        headers = {"Authorization": f"Bearer {key or self.api_key}"}
        return HTTP.get(self.url + path, headers=headers)

    def post(self, path: str, key: str | None = None, **content: Any) -> httpx2.Response:
        """Post to a path with an API key."""
        headers = {"Authorization": f"Bearer {key or self.api_key}"} | content.pop("headers", {})
        return HTTP.post(self.url + path, headers=headers, **content)


@contextmanager
def _served(settings: ServerSettings) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), what="the server starts", every_s=0.02)
        assert server.started
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def running_server(kind: str, folder: Path) -> Iterator[RunningServer]:
    """Set a server up on a new database and serve it, without the worker."""
    with fresh_database(kind) as url:
        settings = ServerSettings(data=folder, database_url=url, worker="off")
        wanted = Wanted(tenant="default", login="admin")
        installed = asyncio.run(set_up(settings, wanted, now=datetime.now(UTC)))
        assert installed.api_key is not None
        with _served(settings) as address:
            yield RunningServer(address, installed.api_key, settings, url)
