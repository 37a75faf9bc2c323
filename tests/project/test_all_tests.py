"""Claims about how all tests are run: chance is given a second run, a fault is not."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSES_AT_SECOND = """
from pathlib import Path
def test_chance():
    seen = Path(__file__).with_suffix(".seen")
    again = seen.exists()
    seen.touch()
    assert again
"""
FAILS = "def test_fault():\n    assert False\n"
PASSES = "def test_right():\n    pass\n"


def run(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a project of these tests as `make test` runs ours."""
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\ntestpaths = ['tests']\n")
    for name, text in files.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = folder / "tests" / "all_tests.py"
    program.write_text((ROOT / "tests" / "all_tests.py").read_text(encoding="utf-8"))
    return subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False, timeout=120)


def test_what_fails_beside_the_others_only_passes_and_is_named(tmp_path: Path) -> None:
    """A test in real time that passes alone does not fail the run, and stands in its output."""
    done = run(tmp_path, {"browser/test_page.py": PASSES_AT_SECOND, "models/test_noun.py": PASSES})
    assert done.returncode == 0, done.stdout
    assert "once more, alone: tests/browser/test_page.py::test_chance" in done.stdout


@pytest.mark.parametrize(
    "files",
    [
        {"browser/test_page.py": FAILS},
        {"models/test_noun.py": PASSES_AT_SECOND},
        {f"browser/test_{name}.py": PASSES_AT_SECOND for name in "abcd"},
    ],
    ids=["fails twice", "pure code", "four at once"],
)
def test_a_fault_fails_the_run(tmp_path: Path, files: dict[str, str]) -> None:
    """A second failure, a failure of pure code, and many failures are no chance."""
    assert run(tmp_path, files).returncode == 1
