"""Claims about the scripts that the pages carry."""

import json
from pathlib import Path

from structlog.testing import capture_logs

from server.web.assets.__main__ import HERE
from server.web.assets.vendor import VENDOR_FILES, warn_of_missing_scripts

LOCK = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))


def test_the_lock_names_hashes_and_no_host() -> None:
    """What is fetched is checked, and where it is fetched is each machine's own matter."""
    packages = {name: one for name, one in LOCK["packages"].items() if name}
    assert packages
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert "resolved" not in json.dumps(LOCK)
    assert "://" not in json.dumps(LOCK)
    assert "://" not in (HERE / "node.txt").read_text(encoding="utf-8")


def test_versions_are_pinned() -> None:
    """The wanted versions are exact, and the lock has the same."""
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert wanted == {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted}


def test_every_package_that_is_carried_comes_with_its_licence() -> None:
    """No script goes out without the terms it stands under."""
    carried = {source.split("/")[0] for source in VENDOR_FILES.values()}
    licensed = {source.split("/")[0] for name, source in VENDOR_FILES.items() if "LICENSE" in name}
    assert carried == licensed == {name.removeprefix("node_modules/") for name in LOCK["packages"] if name}


def test_missing_scripts_are_told_with_what_to_run(tmp_path: Path) -> None:
    """A server whose scripts were never fetched says so at its start; with them it says nothing."""
    with capture_logs() as logs:
        warn_of_missing_scripts(tmp_path)
    assert logs[0]["missing"] == ["echarts.min.js", "htmx.min.js"]
    assert "make assets" in logs[0]["advice"]
    for name in VENDOR_FILES:
        (tmp_path / name).touch()
    with capture_logs() as logs:
        warn_of_missing_scripts(tmp_path)
    assert logs == []
