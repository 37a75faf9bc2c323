"""A counter with a quiet microphone, and the recogniser, loaded once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from edge_agent import weights
from edge_agent.recognition import Recogniser
from edge_agent.weights import default_cache_dir
from support.counter import Counter
from support.scripted_server import scripted_server
from support.simulated_microphone import SimulatedMicrophone, still


@cache
def load() -> Recogniser:
    folder = weights.locate("base", default_cache_dir())
    return Recogniser(folder, model_name="whisper-base")


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """An enrolled device whose microphone hears a quiet room."""
    with scripted_server() as server:
        made = Counter(
            folder=tmp_path / "device",
            server=server,
            microphone=lambda: SimulatedMicrophone(still(seconds=1)),
            recogniser=load,
        )
        made.enrol()
        yield made
