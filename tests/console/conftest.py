"""A real console for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.running_console import RunningConsole, running_console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[RunningConsole]:
    """A console of its own."""
    with running_console(tmp_path / "device") as running:
        yield running
