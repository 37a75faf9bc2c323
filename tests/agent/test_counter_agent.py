"""The agent at a counter: real sound through real recognition into a real outbox, and out through real sockets."""

import json
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import numpy as np
import pytest
from structlog.testing import capture_logs

from edge_agent.agent.failure import AgentError
from edge_agent.agent.port import Phase, Snapshot
from edge_agent.clock import Reading
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import RecordState, Settlement
from hardware.signals import Battery, Button, Press
from models.conversation import Utterance
from models.errors import OutboxError
from models.labels import ConsentState, Role
from support.counter import Counter, total_s, until
from support.edge_device import NOW_MS, opened_outbox, utterance_record
from support.programs import DEMO_AUDIO, wait_until
from support.scripted_server import refuse
from support.simulated_microphone import SimulatedMicrophone, spoken, still

pytestmark = pytest.mark.speech

TALK = DEMO_AUDIO / "01-wealth-advice.opus"
CUSTOMER = "C-20990001"


@pytest.fixture
def talkative(counter: Counter) -> Counter:
    """The counter with people who talk for five seconds and think for three, again and again."""
    sound = np.concatenate([spoken(TALK, seconds=5), still(seconds=3)])
    counter.microphone = lambda: SimulatedMicrophone(sound, clock=counter.clock)
    return counter


def accounted(*, since: Reading, until: Reading) -> Callable[[Snapshot], bool]:
    """The time between two moments is heard, silent, withheld or lost, to the millisecond."""
    lasted_ms = until.monotonic_ms - since.monotonic_ms
    return lambda now: round(total_s(now) * 1000) == lasted_ms


def test_what_is_said_with_consent_is_captioned_corrected_bound_and_delivered(talkative: Counter) -> None:
    """A whole encounter; at its end every second of the shift is accounted for."""
    counter = talkative
    with counter.agent() as agent:
        with counter.clock.held() as began:
            agent.begin_shift(staff="S-2")
        encounter = agent.start(customer=None)
        agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        spoke = until(agent, lambda now: bool(now.encounter and now.encounter.captions), what="captions")
        assert spoke.phase is Phase.HEARING
        until(agent, lambda now: any(not c.provisional for c in agent.captions(encounter)), what="sealed captions")
        first = agent.captions(encounter)[0]
        agent.correct_role(first.id, role=Role.STAFF)
        assert agent.captions(encounter)[0].role is Role.STAFF
        agent.stop()
        agent.bind(encounter, customer=CUSTOMER)
        stopped_ms = counter.clock.read().monotonic_ms
        wait_until(lambda: counter.clock.read().monotonic_ms > stopped_ms + 500, what="half a second passes")
        with counter.clock.held() as ended:
            agent.end_shift()
        until(agent, lambda now: bool(now.today and now.today[0].ended_at), what="all is written down")
        now = until(agent, accounted(since=began, until=ended), what="every second")
        assert now.coverage.heard_s > 0
        assert [view.customer and view.customer.ref for view in now.today] == [CUSTOMER]
    assert [c["how"] for c in counter.bodies("consent")] == ["button"]
    assert [(r["utterance_id"], r["by"]) for r in counter.bodies("role") if r["by"] == "staff"] == [
        (str(first.id), "staff")
    ]
    assert [(b["customer"], b["how"]) for b in counter.bodies("customer")] == [(CUSTOMER, "console")]
    assert {u["conversation_id"] for u in counter.bodies("utterance")} == {str(encounter)}
    assert {s["staff"] for s in counter.bodies("coverage")} == {"S-2"}


def test_without_consent_nothing_is_recognised_and_a_no_leaves_one_span(talkative: Counter) -> None:
    """The recogniser is not even loaded; customer and encounter are named nowhere, on the device or beyond."""
    counter = talkative
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=CUSTOMER)
        until(agent, lambda now: now.microphone.hearing, what="the microphone hears")
        agent.answer(ConsentState.DECLINED, how="button", encounter=encounter)
        assert agent.snapshot().phase is Phase.WITHHOLDING
        heard_from_ms = counter.clock.read().monotonic_ms
        wait_until(lambda: counter.clock.read().monotonic_ms > heard_from_ms + 1_000, what="a second passes")
        agent.stop()
        agent.end_shift()
    assert counter.loads == 0
    spans = counter.bodies("coverage")
    assert [s["reason"] for s in spans] == ["no_encounter", "consent_declined", "no_encounter"]
    assert {r["body"]["body"] for r in counter.server.stored.values()} == {"coverage"}
    everything = json.dumps(list(counter.server.stored.values())) + "".join(
        record.model_dump_json() for record in counter.sealed()
    )
    assert CUSTOMER not in everything
    assert str(encounter) not in everything


def test_a_withdrawal_stops_recognition_and_takes_back_what_was_not_sent(talkative: Counter) -> None:
    """What waited in the outbox is erased and never sent, what was delivered is erased here; time stays."""
    counter = talkative
    counter.server.script += [refuse(503, "busy")] * 10_000
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=CUSTOMER)
        agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        until(agent, lambda now: bool(agent.captions(encounter)), what="something was sealed")
        agent.answer(ConsentState.WITHDRAWN, how="button", encounter=encounter)
        now = agent.snapshot()
        assert now.phase is Phase.WITHHOLDING
        assert now.encounter is not None
        assert (now.encounter.captions, now.encounter.customer) == ((), None)
        counter.server.script.clear()
        agent.stop()
        agent.end_shift()
    assert not [record for record in counter.sealed() if isinstance(record.body, Utterance)]
    assert counter.bodies("utterance") == []
    assert [c["state"] for c in counter.bodies("consent")] == ["granted", "withdrawn"]
    states = {(s["state"], s["reason"]) for s in counter.bodies("coverage")}
    assert ("withheld", "consent_withdrawn") in states


@pytest.mark.parametrize("state", [ConsentState.GRANTED, ConsentState.WITHDRAWN])
def test_an_answer_to_an_encounter_that_is_over_is_refused(counter: Counter, state: ConsentState) -> None:
    """It is never taken for the next customer's."""
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        over = agent.start(customer=None)
        agent.stop()
        agent.start(customer=None)
        with pytest.raises(AgentError) as refused:
            agent.answer(state, how="qr", encounter=over)
        assert refused.value.code == "agent_phase"
        assert agent.snapshot().phase is Phase.ASKING


def test_a_silent_microphone_is_said_to_be_deaf(counter: Counter) -> None:
    """No frame for two seconds: not hearing, with a code; it hears again when frames come."""
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        until(agent, lambda now: now.microphone.hearing, what="it hears")
        counter.plugged[0].frozen.set()
        deaf = until(agent, lambda now: not now.microphone.hearing, what="it is deaf")
        assert deaf.microphone.trouble == "no_sound"
        assert not agent.is_well()
        counter.plugged[0].frozen.clear()
        until(agent, lambda now: now.microphone.hearing and not now.microphone.trouble, what="it hears again")
        wait_until(agent.is_well, what="it is well again")


def test_an_unplugged_microphone_leaves_lost_time_in_its_conversation(counter: Counter) -> None:
    """Unplugged during an encounter: the time is lost, with its reason, and the rest of it is silent."""
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        agent.answer(ConsentState.GRANTED, how="qr", encounter=agent.start(customer=None))
        until(agent, lambda now: now.microphone.hearing, what="it hears")
        counter.plugged[0].unplugged.set()
        until(agent, lambda now: now.microphone.trouble == "device_lost", what="the loss is seen")
        counter.plugged[0].unplugged.clear()
        until(agent, lambda now: now.microphone.hearing, what="it hears again")
        agent.end_shift()
    spans = [s for s in counter.bodies("coverage") if s["conversation_id"]]
    assert {(s["state"], s["reason"]) for s in spans} == {("silent", ""), ("lost", "device_lost")}
    edges = sorted((s["start_ms"], s["end_ms"]) for s in spans)
    assert edges[0][0] == 0
    assert [end for _, end in edges[:-1]] == [start for start, _ in edges[1:]]


def test_a_clock_set_back_a_day_changes_no_length(counter: Counter) -> None:
    """Spans are measured by the monotonic clock; only the moments at which they began follow the wall clock."""
    with counter.agent() as agent:
        with counter.clock.held() as began:
            agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=None)
        counter.clock.set(by_ms=-86_400_000)
        agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        until(agent, lambda now: now.microphone.hearing, what="it hears")
        agent.stop()
        counter.clock.set(by_ms=2 * 86_400_000)
        with counter.clock.held() as ended:
            agent.end_shift()
    lengths = [s["end_ms"] - s["start_ms"] for s in counter.bodies("coverage")]
    assert min(lengths) >= 0
    assert sum(lengths) == ended.monotonic_ms - began.monotonic_ms


def test_the_button_starts_and_stops_and_the_battery_is_shown(counter: Counter) -> None:
    """One press begins an encounter whose customer comes later, the next ends it."""
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        counter.press(Battery(percent=41))
        counter.press(Button(press=Press.SINGLE))
        now = until(agent, lambda now: now.phase is Phase.ASKING, what="the press begins an encounter")
        assert now.microphone.battery_percent == 41
        counter.press(Button(press=Press.SINGLE))
        until(agent, lambda now: now.phase is Phase.READY, what="the press ends it")


def test_today_is_known_after_a_restart(talkative: Counter) -> None:
    """Encounters, captions and coverage of today come from the outbox."""
    counter = talkative
    with counter.agent() as agent:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=CUSTOMER)
        agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        until(agent, lambda now: bool(agent.captions(encounter)), what="captions")
        agent.end_shift()
        until(agent, lambda now: bool(now.today and now.today[0].ended_at), what="all is written down")
        before, said = agent.snapshot(), agent.captions(encounter)
    with counter.agent() as agent:
        after = agent.snapshot()
        assert (after.today, after.coverage) == (before.today, before.coverage)
        assert agent.captions(encounter) == said
        assert after.phase is Phase.OFF


def test_a_full_outbox_is_said_and_keeps_nobody_at_work(counter: Counter) -> None:
    """What cannot be stored at the end of a shift is stored as soon as there is room again."""
    counter.server.script += [refuse(503, "busy")] * 10_000
    with counter.agent(outbox_max_mb=1) as agent, opened_outbox(counter.folder, outbox_max_mb=1) as other:
        with counter.clock.held() as began:
            agent.begin_shift(staff="S-1")
        filled = fill(other)
        with pytest.raises(OutboxError) as refused:
            for _ in range(200):
                agent.start(customer=None)
                agent.stop()
        assert refused.value.code == "outbox_full"
        assert agent.snapshot().phase is Phase.READY
        with counter.clock.held() as ended:
            agent.end_shift()
        assert agent.snapshot().phase is Phase.OFF
        other.settle([Settlement(record_id=i, state=RecordState.ACKNOWLEDGED) for i in filled], now_ms=NOW_MS)
        other.purge(now_ms=NOW_MS, retention_ms=0)
        counter.server.script.clear()
        until(agent, accounted(since=began, until=ended), what="every second")


def fill(outbox: Outbox) -> list[UUID]:
    """Fill an outbox to its limit; return the ids of what is in it."""
    filled = []
    size = 10
    while size:
        records = [utterance_record("满" * 2000) for _ in range(size)]
        try:
            outbox.append(records, now_ms=NOW_MS)
            filled += [record.id for record in records]
        except OutboxError:
            size //= 2
    with suppress(OutboxError):
        while True:
            record = utterance_record("满")
            outbox.append([record], now_ms=NOW_MS)
            filled.append(record.id)
    return filled


def test_staff_have_their_voice_learnt_and_forgotten(talkative: Counter) -> None:
    """Only while no customer is there; an encounter breaks it off and nothing of it is kept."""
    counter = talkative
    with counter.agent() as agent:
        agent.begin_shift(staff="S-9")
        agent.enrol_voice(seconds=12)
        until(agent, lambda now: bool(now.voice_progress), what="it listens")
        agent.start(customer=None)
        assert agent.snapshot().voice_progress is None
        with pytest.raises(AgentError):
            agent.enrol_voice(seconds=12)
        agent.stop()
        agent.enrol_voice(seconds=12)
        until(agent, lambda now: now.voice_enrolled and now.voice_progress is None, what="the voice is learnt")
        agent.forget_voice()
        assert not agent.snapshot().voice_enrolled
    assert counter.loads == 0


def test_a_withdrawal_counts_also_when_the_outbox_is_full(talkative: Counter) -> None:
    """Words are erased at once although nothing can be stored; the withdrawal itself is stored when there is room."""
    counter = talkative
    counter.server.script += [refuse(503, "busy")] * 10_000
    with counter.agent(outbox_max_mb=1) as agent, opened_outbox(counter.folder, outbox_max_mb=1) as other:
        agent.begin_shift(staff="S-1")
        encounter = agent.start(customer=None)
        agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
        until(agent, lambda now: bool(agent.captions(encounter)), what="something was sealed")
        filled = fill(other)
        agent.answer(ConsentState.WITHDRAWN, how="button", encounter=encounter)
        assert agent.snapshot().phase is Phase.WITHHOLDING
        assert agent.captions(encounter) == ()
        other.settle([Settlement(record_id=i, state=RecordState.ACKNOWLEDGED) for i in filled], now_ms=NOW_MS)
        other.purge(now_ms=NOW_MS, retention_ms=0)
        counter.server.script.clear()
        wait_until(lambda: len(counter.bodies("consent")) == 2, what="the withdrawal arrives")
    assert counter.bodies("utterance") == []


def test_what_others_leave_word_of_while_the_agent_closes_is_let_go(talkative: Counter) -> None:
    """The scribe says at the end that all is written; by then the outbox is closed, and no screen is read from it."""
    counter = talkative
    with capture_logs() as logged:
        with counter.agent() as agent:
            agent.begin_shift(staff="S-1")
            encounter = agent.start(customer=None)
            agent.answer(ConsentState.GRANTED, how="button", encounter=encounter)
            until(agent, lambda now: bool(agent.captions(encounter)), what="something was sealed")
        assert [entry for entry in logged if entry["event"] == "desk_failed"] == []
    assert counter.bodies("utterance")
