"""A database of each kind, as the server has it after its migrations."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store.migrate import upgrade
from support.databases import DATABASES
from support.received import database_url


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of each kind."""
    with database_url(request.param, tmp_path) as url:
        asyncio.run(upgrade(url))
        yield url
