"""What a wearable heard alone, out of reach: it reaches the conversation in which it was said, and nobody else."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.agent.agent import CounterAgent
from edge_agent.outbox_database import DATABASE_FILE
from hardware.ble_omi import OmiSource
from hardware.ble_source import Persistence
from hardware.ble_timeline import Tolerance
from hardware.signals import OnSignal
from hardware.supervised import Supervised
from models.conversation import Utterance
from models.labels import ConsentState
from support.bleak_over_bumble import radio_over
from support.counter import Counter, total_s, until
from support.opus_packets import encode_opus
from support.programs import DEMO_AUDIO, wait_until
from support.scripted_server import refuse
from support.simulated_microphone import spoken, still
from support.virtual_air import Air
from support.virtual_omi import VirtualOmi, record

pytestmark = pytest.mark.speech

SAID = "阿姨您好"
"""In the first five seconds of the talk."""
SAID_MS = 5_000
ADVANCE = 0x12
# The machine that tests may pause for seconds; what a pause does to time has tests of its own.
PATIENT = Tolerance(stalled_ms=60_000, behind_ms=60_000, ahead_ms=60_000)
SOON = Persistence(first_wait_s=0.05, longest_wait_s=0.2)


@cache
def packets(what: str) -> list[bytes]:
    sound = still(seconds=1) if what == "still" else spoken(DEMO_AUDIO / "01-wealth-advice.opus", seconds=5)
    return encode_opus((sound * 32_767).astype("<i2"), frame_ms=20)


@dataclass
class Worn:
    """A counter whose staff wear an Omi."""

    counter: Counter
    omi: VirtualOmi

    @contextmanager
    def agent(self, *, wait_s: float = 60) -> Iterator[CounterAgent]:
        """Run the agent."""

        def opened(on_signal: OnSignal) -> Supervised:
            def source() -> OmiSource:
                radio = radio_over(self.omi.air)
                return OmiSource(
                    self.omi.address, on_signal=on_signal, radio=radio, tolerance=PATIENT, persistence=SOON
                )

            return Supervised(source, on_signal=on_signal)

        agent = CounterAgent(replace(self.counter.parts(), open_source=opened))
        try:
            yield agent
        finally:
            agent.close(wait_s=wait_s)

    def hear_the_room(self) -> None:
        """Stand in a quiet room for a second, connected."""
        self.omi.wait_subscribed(self.omi.audio)
        self.omi.speak(packets("still"), frame_ms=20)

    def talk_out_of_reach(self) -> None:
        """Go away, hear the talk there, and come back after it."""
        self.omi.out_of_reach()
        self.pass_ms(2_000)
        began = int(time.time())
        talk = packets("talk")
        self.omi.records += [record(began + at * 20 // 1000, talk[at : at + 2]) for at in range(0, len(talk), 2)]
        self.pass_ms(SAID_MS + 3_500)

    def come_back(self) -> None:
        """Be heard again."""
        self.omi.back()
        self.hear_the_room()

    def pass_ms(self, duration_ms: int) -> None:
        """Let time pass."""
        since_ms = self.now_ms()
        wait_until(lambda: self.now_ms() >= since_ms + duration_ms, what="time passes")

    def now_ms(self) -> int:
        """Read the counter's clock."""
        return self.counter.clock.read().monotonic_ms

    def until_all_is_forgotten(self) -> None:
        """Wait until the device was told that everything is safe."""
        wait_until(lambda: self.omi.read_sequence == len(self.omi.records), what="the device forgets")

    @property
    def texts(self) -> str:
        """All that the server has."""
        said = sorted(self.counter.bodies("utterance"), key=lambda body: body["start_ms"])
        return "".join(body["text"]["text"] for body in said)

    def lost_ms(self, encounter: str) -> int:
        """Return what a conversation lost; its time is checked to be tiled."""
        spans = [s for s in self.counter.bodies("coverage") if s["conversation_id"] == encounter]
        spans.sort(key=lambda span: span["start_ms"])
        assert all(one["end_ms"] == other["start_ms"] for one, other in pairwise(spans))
        return sum(span["end_ms"] - span["start_ms"] for span in spans if span["state"] == "lost")


@pytest.fixture
def worn(counter: Counter) -> Iterator[Worn]:
    """The wearable is near, and holds nothing."""
    with Air() as air:
        yield Worn(counter, VirtualOmi(air, codec=21, records=[]))


def disk_of(folder: Path, *, at: Path) -> Path:
    """Copy a device's folder while its program runs, as a kill would leave it."""
    shutil.copytree(folder, at, ignore=shutil.ignore_patterns(f"{DATABASE_FILE}*"))
    with (
        closing(sqlite3.connect(folder / DATABASE_FILE)) as running,
        closing(sqlite3.connect(at / DATABASE_FILE)) as copy,
    ):
        running.backup(copy)
    return at


def granted(worn: Worn, agent: CounterAgent) -> str:
    """Begin a shift and a conversation, and hear a second of it."""
    agent.begin_shift(staff="S-1")
    worn.hear_the_room()
    return talking(worn, agent)


def talking(worn: Worn, agent: CounterAgent) -> str:
    """Begin a conversation and hear a second of it."""
    encounter = agent.start(customer=None)
    agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
    worn.hear_the_room()
    return str(encounter)


def test_what_was_said_out_of_reach_is_read_in_its_place_and_counted_once(worn: Worn) -> None:
    """The words arrive in their conversation at their time, every second is counted once, then the device forgets."""
    with worn.agent() as agent:
        began_ms = worn.now_ms()
        encounter = granted(worn, agent)
        away_ms = worn.now_ms()
        worn.talk_out_of_reach()
        worn.come_back()
        worn.until_all_is_forgotten()
        agent.stop()
        agent.end_shift()
        lasted_s = (worn.now_ms() - began_ms) / 1000
        until(agent, lambda now: bool(now.today and now.today[0].ended_at), what="all is written down")
        until(agent, lambda now: abs(total_s(now) - lasted_s) < 0.5, what="every second is counted once")
    assert SAID in worn.texts
    said = next(body for body in worn.counter.bodies("utterance") if SAID in body["text"]["text"])
    assert said["conversation_id"] == encounter
    assert 0 < said["start_ms"] < worn.now_ms() - away_ms
    assert 2_000 <= worn.lost_ms(encounter) <= worn.now_ms() - away_ms - SAID_MS
    assert len(worn.texts) == len("".join(dict.fromkeys(b["text"]["text"] for b in worn.counter.bodies("utterance"))))


def test_killed_before_the_device_knew_nothing_is_said_twice(worn: Worn, tmp_path: Path) -> None:
    """The device's disk as it was when the device was about to be told: the next program gets the same sound again."""
    worn.omi.forgets = False
    with worn.agent(wait_s=1) as agent:
        encounter = granted(worn, agent)
        worn.talk_out_of_reach()
        worn.come_back()
        worn.omi.wait(lambda: any(command[0] == ADVANCE for command in worn.omi.commands))
        worn.counter.server.script += [refuse(503, "busy")] * 10_000
        worn.counter.folder = disk_of(worn.counter.folder, at=tmp_path / "killed")
    worn.counter.server.script.clear()
    before = [record.body for record in worn.counter.sealed() if isinstance(record.body, Utterance)]
    assert [SAID in body.text.text for body in before].count(True) == 1
    assert worn.omi.read_sequence == 0
    worn.omi.forgets = True
    with worn.agent() as agent:
        worn.hear_the_room()
        worn.until_all_is_forgotten()
        wait_until(lambda: agent.snapshot().backlog.pending == 0, what="all is delivered")
    assert {body["id"] for body in worn.counter.bodies("utterance")} == {str(body.id) for body in before}
    assert worn.lost_ms(encounter) > 0


@pytest.mark.parametrize("answer", [ConsentState.DECLINED, ConsentState.WITHDRAWN])
def test_without_consent_it_is_thrown_away_unheard(worn: Worn, answer: ConsentState) -> None:
    """Declined or withdrawn: the device forgets it; the next customer's yes does not reach back to it."""
    counter = worn.counter
    with worn.agent() as agent:
        agent.begin_shift(staff="S-1")
        worn.hear_the_room()
        encounter = agent.start(customer=None)
        if answer is ConsentState.WITHDRAWN:
            agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        else:
            agent.answer(answer, how="button", encounter=encounter)
        worn.talk_out_of_reach()
        if answer is ConsentState.WITHDRAWN:
            agent.answer(answer, how="button", encounter=encounter)
        agent.stop()
        following = agent.start(customer=None)
        agent.answer(ConsentState.GRANTED, how="button", encounter=following)
        worn.pass_ms(3_000)
        worn.come_back()
        worn.until_all_is_forgotten()
    assert worn.texts == ""
    assert not [body for body in counter.bodies("coverage") if body["state"] == "heard"]


def test_a_wearable_that_keeps_nothing_is_not_waited_for(counter: Counter) -> None:
    """Older firmware has no store: the loss is told while the conversation goes on."""
    with Air() as air:
        worn = Worn(counter, VirtualOmi(air, codec=21))
        with worn.agent() as agent:
            encounter = granted(worn, agent)
            worn.omi.out_of_reach()
            worn.pass_ms(3_000)
            worn.come_back()
            wait_until(lambda: worn.lost_ms(encounter) >= 2_500, what="the loss is told")


def test_a_wearable_that_stays_away_keeps_nothing_open(worn: Worn) -> None:
    """The shift ends: the conversation is closed, and the time is told as lost."""
    with worn.agent() as agent:
        encounter = granted(worn, agent)
        worn.omi.out_of_reach()
        worn.pass_ms(4_000)
        agent.stop()
        agent.end_shift()
        until(agent, lambda now: bool(now.today and now.today[0].ended_at), what="all is written down")
    assert [body.get("ended_at") is not None for body in worn.counter.bodies("conversation")] == [False, True]
    assert worn.lost_ms(encounter) >= 3_000
