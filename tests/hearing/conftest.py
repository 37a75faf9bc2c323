"""The real recogniser, loaded once for all tests of hearing."""

from pathlib import Path

import pytest

from edge_agent import weights
from edge_agent.recognition import Recogniser


@pytest.fixture(scope="session")
def weights_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the default model."""
    cache_dir = tmp_path_factory.mktemp("weights")
    weights.locate("base", cache_dir)
    return cache_dir


@pytest.fixture(scope="session")
def recogniser(weights_cache: Path) -> Recogniser:
    """Whisper base, as devices load it."""
    return Recogniser(weights_cache / "whisper-base", model_name="whisper-base")
