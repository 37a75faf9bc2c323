"""Which files of which npm package the pages carry, and where they stand."""

from pathlib import Path
from typing import Final

import structlog

VENDOR_DIR: Final = Path(__file__).parent.parent / "static" / "vendor"

VENDOR_FILES: Final = {
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "echarts.LICENSE.txt": "echarts/LICENSE",
    "echarts.NOTICE.txt": "echarts/NOTICE",
    # echarts.min.js contains these two.
    "zrender.LICENSE.txt": "zrender/LICENSE",
    "tslib.LICENSE.txt": "tslib/LICENSE.txt",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
}
"""File in the vendor folder → file under node_modules."""


def missing_scripts(folder: Path = VENDOR_DIR) -> list[str]:
    """Return the names of the scripts that are not in the folder."""
    return [name for name in VENDOR_FILES if name.endswith(".js") and not (folder / name).is_file()]


def warn_of_missing_scripts(folder: Path = VENDOR_DIR) -> None:
    """Log what to run when the scripts were not fetched; pages then show their figures without charts."""
    missing = missing_scripts(folder)
    if missing:
        structlog.get_logger().error(
            "page_scripts_missing",
            missing=missing,
            folder=str(folder),
            advice="run `make assets` (or `python -m server.web.assets`) in the checkout, or install a built wheel",
        )
