"""A soak of a counter over virtual time: every second accounted for, every word once, memory flat.

    python -m benchmarks.soak [--hours 4] [--speed 20] [--seed 1] [--json]

The real agent, recogniser, outbox and server run while customers come and go, the microphone is unplugged, the network
is cut and the device's program is killed, all by seeded dice. Virtual time is our time by the speed: a minute holds six
seconds of speech, so recognition has to keep up with 0.1 × speed of real time; what it cannot is lost to overload, and
said. It fails when the account is off by more than 0.5 s, a word is missing or doubled, or memory grows by 5 % or more.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

# The programs are driven by what the tests drive them with.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.soak import Soak

KILLS_PER_HOUR: Final = 3
CUTS_PER_HOUR: Final = 6
MOST_GROWTH: Final = 0.05


def main() -> None:
    """Run the soak and print what it came to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hours", type=float, default=4.0)
    arguments.add_argument("--speed", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--json", action="store_true", dest="as_json")
    asked = arguments.parse_args()
    kills, cuts = round(asked.hours * KILLS_PER_HOUR), round(asked.hours * CUTS_PER_HOUR)
    with tempfile.TemporaryDirectory() as folder:
        soaked = Soak(Path(folder), hours=asked.hours, speed=asked.speed, kills=kills, cuts=cuts, seed=asked.seed).run()
    figures = asdict(soaked) | {"accounted_s": round(soaked.accounted_s, 3), "cores": os.cpu_count()}
    if asked.as_json:
        print(json.dumps(figures))
    else:
        table = Table("figure", "value", title=f"{asked.hours} hours at {asked.speed}×, {platform.machine()}")
        for name, value in figures.items():
            table.add_row(name, str(value))
        Console().print(table)
    assert abs(soaked.accounted_s - soaked.shift_s) <= 0.5
    assert abs(soaked.arrived_s - soaked.accounted_s) <= 0.001
    assert soaked.arrived_once
    assert soaked.memory_growth_mb <= MOST_GROWTH * soaked.memory_mb


if __name__ == "__main__":
    main()
