"""The spoken answer, in the voices of real customers."""

import json

import numpy as np
import pytest

from edge_agent.agent.port import Phase
from edge_agent.agent.spoken_answer import Meaning
from edge_agent.answer_scoring import AnswerScoring
from hardware.audio import SAMPLE_RATE_HZ, Samples
from models.labels import ConsentState
from support.counter import Counter, until
from support.shared_data import shared
from support.simulated_microphone import FastClock, SimulatedMicrophone, spoken, still

pytestmark = pytest.mark.speech

CUSTOMER = "C-20990001"


def said(conversation: str, text: str) -> Samples:
    """Return what somebody says in a recorded conversation, and three seconds of silence after it."""
    turns = json.loads(shared(f"conversations/{conversation}.json").read_text("utf-8"))["turns"]
    turn = next(turn for turn in turns if turn["text"] == text)
    until_s = turn["end"] + 0.2
    sound = spoken(shared(f"conversations/{conversation}.opus"), seconds=until_s)
    return np.concatenate([sound[round((turn["start"] - 0.2) * SAMPLE_RATE_HZ) :], still(seconds=3)])


def test_a_yes_aloud_is_taken_and_its_words_are_forgotten(counter: Counter) -> None:
    """The conversation is heard from that moment on; of the answer itself no text is kept anywhere."""
    yes = said("auto-03", "没问题。")
    counter.microphone = lambda: SimulatedMicrophone(np.concatenate([yes, still(seconds=60)]))
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        agent.start(customer=None)
        agent.listen_for_answer()
        assert agent.snapshot().spoken_consent_until is not None
        until(agent, lambda now: now.phase is Phase.HEARING, what="the answer is understood")
        assert agent.snapshot().spoken_consent_until is None
        agent.stop()
    assert [(c["state"], c["how"]) for c in counter.bodies("consent")] == [("granted", "spoken")]
    assert counter.bodies("utterance") == []


def test_a_word_alone_is_told_from_the_other_answers_by_its_sound(counter: Counter) -> None:
    """Of all answers the one that was said explains the sound best; other talk is explained by none."""
    scoring = AnswerScoring(counter.recogniser())
    weighed = scoring.weigh(said("auto-03", "没问题。")[: -3 * SAMPLE_RATE_HZ])
    assert weighed.texts[Meaning.YES] == "没问题"
    assert weighed.stands_out(Meaning.YES, by=4.0, leads={Meaning.NO: 2.0, Meaning.NEITHER: 1.0})
    talk = scoring.weigh(said("retail-01", "这个多少钱？")[: -3 * SAMPLE_RATE_HZ])
    assert max(talk.gains[Meaning.YES], talk.gains[Meaning.NO]) < 4.0


def test_a_no_aloud_leaves_a_withheld_span_and_nothing_else(counter: Counter) -> None:
    """Neither the answer's words nor the customer nor the encounter is named anywhere, on the device or beyond."""
    no = said("insurance-03", "不要不要，别录我，我不习惯。")
    counter.microphone = lambda: SimulatedMicrophone(np.concatenate([still(seconds=3), no, still(seconds=60)]))
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=CUSTOMER)
        agent.listen_for_answer()
        now = until(agent, lambda now: now.phase is Phase.WITHHOLDING, what="the answer is understood")
        assert now.encounter is not None
        assert (now.encounter.consent, now.encounter.customer) == (ConsentState.DECLINED, None)
        agent.stop()
        agent.end_shift()
    spans = counter.bodies("coverage")
    assert [(s["state"], s["reason"]) for s in spans] == [
        ("withheld", "no_encounter"),
        ("withheld", "consent_declined"),
        ("withheld", "no_encounter"),
    ]
    assert {r["body"]["body"] for r in counter.server.stored.values()} == {"coverage"}
    everything = json.dumps(list(counter.server.stored.values()), ensure_ascii=False) + "".join(
        record.model_dump_json() for record in counter.sealed()
    )
    assert [word for word in (CUSTOMER, str(encounter), "不要", "不习惯") if word in everything] == []


def test_other_talk_after_the_question_is_no_answer(counter: Counter) -> None:
    """A customer who asks for the price has not answered."""
    counter.clock = FastClock(speed=2)
    talk = said("retail-01", "这个多少钱？")
    sound = np.concatenate([still(seconds=3), talk, still(seconds=60)])
    counter.microphone = lambda: SimulatedMicrophone(sound, clock=counter.clock)
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        agent.start(customer=None)
        agent.listen_for_answer()
        now = until(agent, lambda now: now.spoken_consent_unclear, what="it says that nothing was understood")
        assert now.phase is Phase.ASKING
    assert {r["body"]["body"] for r in counter.server.stored.values()} == {"coverage"}


def test_silence_leaves_the_question_open_and_say_so(counter: Counter) -> None:
    """When the window is over the encounter still asks, and a button can still answer."""
    counter.clock = FastClock(speed=4)
    counter.microphone = lambda: SimulatedMicrophone(still(seconds=2), clock=counter.clock)
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=None)
        agent.listen_for_answer()
        now = until(agent, lambda now: now.spoken_consent_unclear, what="it says that nothing was understood")
        assert (now.phase, now.spoken_consent_until) == (Phase.ASKING, None)
        agent.answer(ConsentState.DECLINED, how="button", encounter=encounter)
        assert not agent.snapshot().spoken_consent_unclear
    assert {r["body"]["body"] for r in counter.server.stored.values()} == {"coverage"}
