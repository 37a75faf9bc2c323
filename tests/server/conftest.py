"""The real server in a real uvicorn, and its database on SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.store.database import Database
from server.store.migrate import upgrade
from support.databases import DATABASES, fresh_database
from support.device_client import Device
from support.running_server import RunningServer, running_server


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on each database, shared by the tests: each enrols devices and opens conversations of its own."""
    with running_server(request.param, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def device(server: RunningServer) -> Device:
    """A new device of the first tenant."""
    return server.device()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    with fresh_database(request.param) as url:
        yield url or f"sqlite:///{tmp_path / 'voicetrail.db'}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A new database with this version's schema."""
    await upgrade(database_url)
    db = Database.open(database_url)
    yield db
    await db.close()
