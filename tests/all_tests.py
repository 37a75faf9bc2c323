"""Run every test; the few that fail beside the others are run once more, alone (docs/adr/0016).

    python tests/all_tests.py [ARGUMENTS OF PYTEST]

Exit status: pytest's. What failed at first stays in the output, so that it can be looked into.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

TWO_WORKERS: Final = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""For two cores; a file stays on one worker because services are per file. In the order of their names the longest
(acceptance, faults) start early."""
MOST_AGAIN: Final = 3
"""More failures than these are no bad luck."""
IN_REAL_TIME: Final = ("acceptance", "agent", "bluetooth", "browser", "console", "device", "faults", "hearing", "web")
"""Folders of tests that drive browsers, radios, sound and processes; others cannot fail by chance."""
FAILED: Final = 1
"""pytest's exit status when tests failed, and nothing else went wrong."""
ROOT: Final = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Run the tests; return the exit status."""
    status = _pytest(*TWO_WORKERS, *arguments)
    failed = _failed() if status == FAILED else []
    if not failed or len(failed) > MOST_AGAIN or not all(_is_in_real_time(test) for test in failed):
        return status
    print(f"\nFailed beside the others, now once more, alone: {', '.join(failed)}", flush=True)
    return _pytest(*failed)


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


def _failed() -> list[str]:
    """Return the tests that pytest noted as failed."""
    noted: dict[str, bool] = json.loads((ROOT / ".pytest_cache/v/cache/lastfailed").read_text(encoding="utf-8"))
    return sorted(noted)


def _is_in_real_time(test: str) -> bool:
    return test.startswith(tuple(f"tests/{folder}/" for folder in IN_REAL_TIME)) and "::" in test


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
