"""The device of a soak, as a process that can be killed: the real agent over virtual time, and people who come and go.

    python -m support.soak_device FOLDER BEGAN_NS SPEED SEED SPEECH

It begins a shift unless one is taken up again, and tells both as a line of JSON; SIGTERM ends the shift.
"""

import json
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import structlog

from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.parts import AgentParts
from edge_agent.agent.port import Phase
from edge_agent.agent.shift import Place
from edge_agent.answer_scoring import AnswerScoring
from edge_agent.device import Device
from edge_agent.messages import Messages
from edge_agent.session import load_hearing
from hardware.audio import Samples
from hardware.signals import OnSignal
from models.labels import ConsentState
from support.edge_device import settings
from support.simulated_microphone import FastClock, SimulatedMicrophone, spoken, still

SPOKEN_S, STILL_S = 6.0, 54.0
ANSWERS = (*[ConsentState.GRANTED] * 7, ConsentState.DECLINED, None)


class People:
    """Customers, staff and the cable of the microphone, by dice and virtual time."""

    def __init__(self, agent: CounterAgent, clock: FastClock, dice: random.Random) -> None:
        self.agent = agent
        self.clock = clock
        self.dice = dice
        self.microphones: list[SimulatedMicrophone] = []
        self.stop = threading.Event()

    def come_and_go(self) -> None:
        """Meet one customer after the other until the shift ends."""
        while not self._pass(5, 40):
            encounter = self.agent.start(customer=f"C-{self.dice.randrange(1000)}")
            answer = self.dice.choice(ANSWERS)
            if self._pass(2, 15):
                return
            if answer is not None:
                self.agent.answer(answer, how="button", encounter=encounter)
            if self._pass(20, 150):
                return
            if answer is ConsentState.GRANTED and self.dice.random() < 0.15:
                self.agent.answer(ConsentState.WITHDRAWN, how="button", encounter=encounter)
                if self._pass(2, 20):
                    return
            self.agent.stop()

    def pull_the_cable(self) -> None:
        """Unplug the microphone now and then."""
        while not self._pass(60, 300):
            self.microphones[-1].unplugged.set()
            ended = self._pass(1, 45)
            self.microphones[-1].unplugged.clear()
            if ended:
                return

    def _pass(self, least_s: float, most_s: float) -> bool:
        wait_ms = round(self.dice.uniform(least_s, most_s) * 1000)
        return self.clock.wait_until(self.clock.read().monotonic_ms + wait_ms, self.stop)


def sound(speech: Path) -> Samples:
    """Return a minute with some seconds of speech in it."""
    return np.concatenate([spoken(speech, seconds=SPOKEN_S), still(seconds=STILL_S)])


def _nobody_answers() -> AnswerScoring:
    raise AssertionError("nobody is asked to answer aloud in this shift")


def main() -> None:
    """Run until SIGTERM."""
    folder, began_ns, speed, seed, speech = sys.argv[1:]
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    clock = FastClock(speed=float(speed), began_ns=int(began_ns))
    chosen = settings(retry_first_s=0.2, retry_longest_s=2.0)
    heard = sound(Path(speech))
    microphones: list[SimulatedMicrophone] = []

    def opened(_on_signal: OnSignal) -> SimulatedMicrophone:
        microphones.append(SimulatedMicrophone(heard, clock=clock))
        return microphones[-1]

    agent = CounterAgent(
        AgentParts(
            device=Device.load(Path(folder), settings=chosen),
            place=Place(staff="S-1", site="bank-01", channel="counter"),
            microphone="simulated:1",
            open_source=opened,
            hearing=lambda: load_hearing(Path(folder), settings=chosen, messages=Messages("en")),
            scoring=_nobody_answers,
            clock=clock.read,
        )
    )
    taken_up = agent.snapshot().phase is not Phase.OFF
    with clock.held() as now:
        if not taken_up:
            agent.begin_shift(staff="S-1")
    print(json.dumps({"taken_up": taken_up, "now_ms": now.monotonic_ms}), flush=True)
    people = People(agent, clock, random.Random(int(seed)))
    people.microphones = microphones
    signal.signal(signal.SIGTERM, lambda _number, _frame: people.stop.set())
    cable = threading.Thread(target=people.pull_the_cable, daemon=True)
    cable.start()
    people.come_and_go()
    cable.join()
    with clock.held() as now:
        agent.end_shift()
    print(json.dumps({"ended_ms": now.monotonic_ms}), flush=True)
    while agent.snapshot().backlog.pending:
        time.sleep(0.2)
    agent.close(wait_s=60)


if __name__ == "__main__":
    main()
