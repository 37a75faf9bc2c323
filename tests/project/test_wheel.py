"""The wheel: what it carries, and that each half installs without the libraries of the other."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
UV = BIN / "uv"

pytestmark = pytest.mark.wheel


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from what git knows, as a release would."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("voicetrail-*.whl"))


def test_the_wheel_carries_weights_migrations_templates_and_page_assets(wheel: Path) -> None:
    """Nothing that a program needs at run time stays behind in the checkout."""
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "nlp/weights/",
        "server/store/migrations/versions/",
        "nlp/journeys/templates/bank_branch.toml",
        "server/web/templates/",
        "edge_agent/console/templates/",
        "edge_agent/console/static/",
        "edge_agent/console/locales/zh.toml",
        "hardware/array_profiles.toml",
        "server/web/static/vendor/echarts.min.js",
        "server/web/static/vendor/htmx.min.js",
    ):
        assert any(name.startswith(part) for name in names), part
    assert not [name for name in names if name.startswith(("tests/", "demo/", "benchmarks/"))]


@pytest.mark.parametrize(
    ("half", "program", "absent", "imports"),
    [
        ("edge", "voicetrail-edge", ("fastapi", "sqlalchemy"), "edge_agent.cli"),
        ("server", "voicetrail-server", ("sounddevice", "bleak", "faster_whisper", "av"), "server.cli"),
    ],
)
def test_each_half_runs_without_the_libraries_of_the_other(
    wheel: Path, tmp_path: Path, half: str, program: str, absent: tuple[str, ...], imports: str
) -> None:
    """`[edge]` brings no FastAPI or SQLAlchemy, `[server]` no sounddevice, bleak or faster-whisper; both start."""
    environment = tmp_path / "env"
    python = environment / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    lock = ROOT / "requirements" / f"{half}.txt"
    run(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock)
    run(UV, "pip", "install", "--quiet", "--python", python, "--offline", "--no-deps", wheel)
    run(UV, "pip", "check", "--python", python)

    find = "import importlib.util, sys; print([m for m in sys.argv[1:] if importlib.util.find_spec(m)])"
    assert run(python, "-c", find, *absent, cwd=tmp_path).strip() == "[]"
    run(python, "-c", f"import {imports}", cwd=tmp_path)
    assert "Usage" in run(environment / "bin" / program, "--help", cwd=tmp_path)
    assert '"sentiment"' in run(
        environment / "bin" / "voicetrail-nlp", "analyse", "--json", "等了一个小时", cwd=tmp_path
    )


def test_locks_carry_hashes_and_no_addresses() -> None:
    """Every locked package has a hash, no lock names an index, and the halves agree with the whole."""
    whole = pins(ROOT / "requirements" / "dev.txt")
    for name in ("edge", "server", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert "://" not in text
        assert "--index-url" not in text
        blocks = [block for block in text.split("\n") if block and not block.startswith((" ", "#"))]
        assert blocks
        assert text.count("--hash=sha256:") >= len(blocks)
        assert pins(ROOT / "requirements" / f"{name}.txt") <= whole


def pins(lock: Path) -> set[str]:
    """Return the `name==version` pairs of a lock."""
    lines = lock.read_text().splitlines()
    return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}
