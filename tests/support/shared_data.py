"""Where data that may not stand in the repository lies: a `shared` folder beside the checkout."""

import os
from pathlib import Path

import pytest

from support.programs import ROOT

SHARED = Path(os.environ.get("VOICETRAIL_SHARED", ROOT.parent / "shared"))


def shared(part: str) -> Path:
    """Return a file or folder of the shared data; the test says so and ends when it is absent."""
    path = SHARED / part
    if not path.exists():
        pytest.skip(f"needs {part} of the shared data (VOICETRAIL_SHARED, or a folder `shared` beside the checkout)")
    return path
