"""A customer who withdraws on the server: the device at the counter learns of it by itself, and keeps no word."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx2
import numpy as np
import pytest

from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.port import Phase
from edge_agent.recognition import Recogniser
from models.conversation import Utterance
from models.labels import ConsentState
from support.counter import Counter, until
from support.programs import DEMO_AUDIO, ServerProgram, running_server, wait_until
from support.simulated_microphone import SimulatedMicrophone, spoken, still

pytestmark = pytest.mark.speech

QUICK = {"withdrawals_every_s": 0.3}
CUSTOMER = "C-20990002"


@dataclass
class Told:
    """A counter at a real server."""

    counter: Counter
    server: ServerProgram

    def withdraw(self, encounter: UUID) -> None:
        """Take consent back as a program does, once the server knows of the conversation."""
        headers = {"Authorization": f"Bearer {self.server.keys['api_key']}"}
        path = f"{self.server.url}/v1/conversations/{encounter}/withdraw"

        def withdrawn() -> bool:
            return httpx2.post(path, headers=headers, timeout=60, trust_env=False).is_success

        wait_until(withdrawn, what="the server knows the conversation")

    def words(self) -> list[Utterance]:
        """Return what was said, of all that is sealed on the device."""
        return [record.body for record in self.counter.sealed() if isinstance(record.body, Utterance)]


@pytest.fixture
def told(counter: Counter, tmp_path: Path) -> Iterator[Told]:
    """People who talk for five seconds and think for three, at a server of their own."""
    sound = np.concatenate([spoken(DEMO_AUDIO / "01-wealth-advice.opus", seconds=5), still(seconds=3)])
    with running_server(tmp_path / "server") as server:
        elsewhere = replace(counter, folder=tmp_path / "counter")
        elsewhere.microphone = lambda: SimulatedMicrophone(sound, clock=elsewhere.clock)
        elsewhere.enrol_at(server.url, server.keys["enrolment_code"])
        yield Told(elsewhere, server)


def talk(agent: CounterAgent) -> UUID:
    """Begin an encounter whose customer agrees."""
    encounter = agent.start(customer=CUSTOMER)
    agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
    return encounter


def test_a_conversation_that_goes_on_is_heard_no_more(told: Told) -> None:
    """Staff see within the next question to the server that the customer withdrew; the time since is withheld."""
    with told.counter.agent(**QUICK) as agent:
        agent.begin_shift(staff="S-1")
        encounter = talk(agent)
        until(agent, lambda now: any(not c.provisional for c in agent.captions(encounter)), what="something was sealed")
        told.withdraw(encounter)
        now = until(agent, lambda now: now.phase is Phase.WITHHOLDING, what="the device learns of it")
        assert now.encounter is not None
        assert (now.encounter.consent, now.encounter.captions) == (ConsentState.WITHDRAWN, ())
        assert now.encounter.customer is None
        assert told.words() == []
        agent.stop()
        assert agent.snapshot().phase is Phase.READY
        agent.end_shift()
        ended = until(agent, lambda now: bool(now.today and now.today[0].ended_at), what="all is written down")
        assert [(one.consent, one.utterances, one.customer) for one in ended.today] == [
            (ConsentState.WITHDRAWN, 0, None)
        ]
    assert told.words() == []
    conversation = told.server.get(f"/v1/conversations/{encounter}")
    assert (conversation["consent"], conversation["utterances"]) == ("withdrawn", [])
    assert "consent_withdrawn" in {span["reason"] for span in conversation["coverage"]}


def test_a_device_with_nothing_to_send_learns_of_it_too(told: Told) -> None:
    """Delivered and over, also over a restart: sealed copies go, the list of today says withdrawn, others stay."""
    with told.counter.agent(**QUICK) as agent:
        agent.begin_shift(staff="S-1")
        encounters = []
        for _ in range(2):
            encounters.append(talk(agent))
            until(agent, lambda now: bool(agent.captions(encounters[-1])), what="something was sealed")
            agent.stop()
        agent.end_shift()
        until(agent, lambda now: all(one.ended_at for one in now.today), what="all is written down")
        until(agent, lambda now: now.backlog.pending == 0, what="all is delivered")
        gone, kept = encounters
        told.withdraw(gone)
        until(agent, lambda now: now.today[1].consent is ConsentState.WITHDRAWN, what="the device learns of it")
        assert agent.captions(gone) == ()
        assert {one.conversation_id for one in told.words()} == {kept}
    told.withdraw(kept)
    with told.counter.agent(**QUICK) as agent:
        until(
            agent, lambda now: now.today[0].consent is ConsentState.WITHDRAWN, what="the restarted device learns of it"
        )
        assert [one.utterances for one in agent.snapshot().today] == [0, 0]
    assert told.words() == []


def test_what_waits_for_recognition_is_thrown_away(told: Told) -> None:
    """Withdrawn after its end and before it was written down: nothing of it is recognised, its time is withheld."""
    may_load, load = threading.Event(), told.counter.recogniser

    def later() -> Recogniser:
        assert may_load.wait(120)
        return load()

    told.counter.recogniser = later
    with told.counter.agent(**QUICK) as agent:
        agent.begin_shift(staff="S-1")
        encounter = talk(agent)
        until(agent, lambda now: now.microphone.hearing, what="it hears")
        agent.stop()
        told.withdraw(encounter)
        now = until(agent, lambda now: now.today[0].consent is ConsentState.WITHDRAWN, what="the device learns of it")
        assert now.phase is Phase.READY
        may_load.set()
        agent.end_shift()
    assert told.words() == []
    conversation = told.server.get(f"/v1/conversations/{encounter}")
    assert {(span["state"], span["reason"]) for span in conversation["coverage"]} == {("withheld", "consent_withdrawn")}
    assert conversation["ended_at"] is not None
