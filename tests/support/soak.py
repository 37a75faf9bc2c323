"""A soak: hours of virtual time at a counter whose microphone, network and program fail by seeded dice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from edge_agent.outbox import Outbox
from edge_agent.recordings import Totals
from models.conversation import Utterance
from support.databases import rows
from support.edge_device import settings
from support.network_cut import Network, network
from support.programs import BIN, DEMO_AUDIO, ROOT, ServerProgram, run, running_server

_MB = 1 << 20


@dataclass
class Soaked:
    """What a soak came to."""

    shift_s: float
    heard_s: float
    silent_s: float
    withheld_s: float
    lost_s: float
    arrived_s: float
    """Time of all spans that the server has."""
    sealed: int
    """Utterances on the device."""
    arrived: int
    """Utterances on the server."""
    arrived_once: bool
    kills: int
    cuts: int
    memory_mb: float
    """Of the longest life, when it was warm."""
    memory_growth_mb: float
    """Of the longest life: the median of its last quarter above that of its second."""

    @property
    def accounted_s(self) -> float:
        """Time that is accounted for on the device."""
        return self.heard_s + self.silent_s + self.withheld_s + self.lost_s


@dataclass
class _Life:
    """The device's program from a start to a kill or the end."""

    process: subprocess.Popen[str]
    memory: list[int] = field(default_factory=list)

    def said(self) -> dict[str, int]:
        """Read its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the device died by itself"
        said: dict[str, int] = json.loads(line)
        return said

    def watch(self) -> None:
        """Note how much memory it has."""
        self.memory.append(psutil.Process(self.process.pid).memory_info().rss)

    def medians_mb(self) -> tuple[float, float]:
        """Return its memory in its second quarter, when it was warm, and in its last."""
        quarter = max(1, len(self.memory) // 4)
        return median(self.memory[quarter : 2 * quarter]) / _MB, median(self.memory[-quarter:]) / _MB


class Soak:
    """One soak in a folder."""

    def __init__(self, folder: Path, *, hours: float, speed: float, kills: int, cuts: int, seed: int) -> None:
        self._folder = folder
        self._device = folder / "device"
        self._length_s = hours * 3600 / speed
        self._speed = speed
        self._kills = kills
        self._cuts = cuts
        self._dice = random.Random(seed)
        self._began_ns = time.monotonic_ns()
        self._lives: list[_Life] = []

    def run(self) -> Soaked:
        """Run it; takes its hours divided by its speed, and some seconds for each kill."""
        with running_server(self._folder / "server") as server, network(server.port) as wire:
            code = server.keys["enrolment_code"]
            run(BIN / "voicetrail-edge", "enrol", "--server", wire.url, "--code", code, "--data", self._device)
            self._began_ns = time.monotonic_ns()
            try:
                began_ms = self._start()["now_ms"]
                self._torment(wire)
                life = self._lives[-1]
                life.process.send_signal(signal.SIGTERM)
                ended_ms = life.said()["ended_ms"]
                assert life.process.wait(timeout=300) == 0
            finally:
                for life in self._lives:
                    life.process.kill()
            server.wait_for_analysis()
            return self._account(server, wire, shift_s=(ended_ms - began_ms) / 1000)

    def _start(self) -> dict[str, int]:
        command = [sys.executable, "-m", "support.soak_device", str(self._device), str(self._began_ns)]
        options = [str(self._speed), str(self._dice.randrange(1 << 30)), str(DEMO_AUDIO / "01-wealth-advice.opus")]
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
        with (self._folder / "device.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        self._lives.append(_Life(process))
        return self._lives[-1].said()

    def _torment(self, wire: Network) -> None:
        """Kill and cut at moments by dice; whole again after a while."""
        until_s = time.monotonic() + self._length_s
        moments = [(self._dice.uniform(0, self._length_s), "kill") for _ in range(self._kills)]
        moments += [(self._dice.uniform(0, self._length_s), "cut") for _ in range(self._cuts)]
        moments.sort()
        began_s = time.monotonic()
        while time.monotonic() < until_s:
            time.sleep(0.25)
            self._lives[-1].watch()
            if not wire.whole.is_set() and self._dice.random() < 0.1:
                wire.mend()
            if moments and time.monotonic() - began_s >= moments[0][0]:
                if moments.pop(0)[1] == "cut":
                    wire.cut()
                else:
                    self._kill()
        for _, what in moments:
            if what == "kill":
                self._kill()
        wire.mend()

    def _kill(self) -> None:
        life = self._lives[-1]
        life.process.kill()
        life.process.communicate()
        assert self._start()["taken_up"], "the shift was not taken up again"

    def _account(self, server: ServerProgram, wire: Network, *, shift_s: float) -> Soaked:
        outbox = Outbox(self._device, settings=settings())
        try:
            recordings = outbox.shift_recordings()
            records = [record for one in recordings for record in outbox.records_of(one.id)]
        finally:
            outbox.close()
        warm_mb, late_mb = max(self._lives, key=lambda life: len(life.memory)).medians_mb()
        totals = sum((one.totals for one in recordings), Totals())
        sealed = sorted(record.id.hex for record in records if isinstance(record.body, Utterance))
        on_server = sorted(row[0] for row in rows("SELECT record_id FROM utterance", folder=server.folder, url=None))
        spans = rows("SELECT sum(end_ms - start_ms) FROM coverage_span", folder=server.folder, url=None)
        return Soaked(
            shift_s=shift_s,
            heard_s=totals.heard_ms / 1000,
            silent_s=totals.silent_ms / 1000,
            withheld_s=totals.withheld_ms / 1000,
            lost_s=totals.lost_ms / 1000,
            arrived_s=spans[0][0] / 1000,
            sealed=len(sealed),
            arrived=len(on_server),
            arrived_once=sealed == on_server,
            kills=len(self._lives) - 1,
            cuts=wire.cuts,
            memory_mb=warm_mb,
            memory_growth_mb=late_mb - warm_mb,
        )
