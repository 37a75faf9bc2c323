"""What the machine was on which figures were measured."""

import os
import platform
from pathlib import Path


def machine(**more: object) -> dict[str, object]:
    """Return its system, processor, cores, Python and load, and what else the figures depend on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
        **more,
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def told(known: dict[str, object]) -> str:
    """Write it on one line."""
    return " · ".join(f"{name} {value}" for name, value in known.items())
