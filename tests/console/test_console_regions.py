"""Claims about what the console makes of a snapshot: pure, for states that are hard to bring about."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent.port import (
    BacklogView,
    CaptionView,
    CoverageView,
    EncounterView,
    MicrophoneView,
    Phase,
    SidesView,
    Snapshot,
)
from edge_agent.console.moods import Mood, mood_of
from edge_agent.console.regions import REGIONS, Situation, backlog_of, shares_of
from edge_agent.console.rendering import render_caption, render_region
from edge_agent.console.stream import Told
from edge_agent.console.words import LOCALES_DIR
from models.ids import new_id
from models.labels import Role
from models.language import Language
from models.words import read_words

WORDS = read_words(LOCALES_DIR, Language.EN)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def snapshot(**changes: object) -> Snapshot:
    """Return a shift that hears."""
    fields = {
        "revision": 1,
        "phase": Phase.READY,
        "staff": "S-07",
        "site": "bank-01",
        "channel": "counter",
        "microphone": MicrophoneView(address="default", name="desk", hearing=True, level_dbfs=-30.0),
        "encounter": None,
        "today": (),
        "backlog": BacklogView(pending=0, dead=0),
        "coverage": CoverageView(),
    }
    return Snapshot.model_validate(fields | changes)


def microphone(**changes: object) -> MicrophoneView:
    """Return a microphone that hears."""
    return MicrophoneView.model_validate({"address": "default", "name": "desk", "hearing": True} | changes)


def shown(name: str, **changes: object) -> str:
    """Return a part of the page as HTML."""
    return render_region(name, REGIONS[name](Situation(snapshot(**changes), "")), words=WORDS)


def encounter(*captions: CaptionView) -> EncounterView:
    """Return an encounter that goes on."""
    return EncounterView(id=new_id(), customer=None, consent=None, started_at=AT, captions=captions)


def caption(text: str = "太贵了", **changes: object) -> CaptionView:
    """Return a caption."""
    fields = {"id": new_id(), "start_ms": 61_000, "role": Role.CUSTOMER, "role_confidence": 0.87, "text": text}
    return CaptionView.model_validate(fields | changes)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_shift_that_does_not_hear_never_says_anything_better(phase: Phase) -> None:
    """Whatever the phase, a silent microphone is not hearing; without a shift it may be silent."""
    mood = mood_of(snapshot(phase=phase, microphone=microphone(hearing=False)))
    assert mood is (Mood.OFF if phase is Phase.OFF else Mood.DEAF)


@pytest.mark.parametrize("name", list(REGIONS))
@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("language", list(Language))
def test_every_part_can_be_shown_in_every_phase(name: str, phase: Phase, language: Language) -> None:
    """No phase leaves a part without words."""
    running = None if phase in (Phase.OFF, Phase.READY) else encounter()
    situation = Situation(snapshot(phase=phase, encounter=running, sides=SidesView()), "http://192.0.2.1/consent/x")
    assert render_region(name, REGIONS[name](situation), words=read_words(LOCALES_DIR, language)).strip()


def test_trouble_that_is_unknown_is_told_in_the_agents_words() -> None:
    """A new code of the agent still says what to do."""
    html = shown("status", microphone=microphone(hearing=False, trouble="gremlins", advice="Call a priest."))
    assert "The microphone gives no sound." in html
    assert "Call a priest." in html


def test_what_a_microphone_says_of_itself_is_shown() -> None:
    """An unencrypted link, a low battery, records that cannot be delivered."""
    html = shown(
        "status", microphone=microphone(encrypted=False, battery_percent=9), backlog=BacklogView(pending=3, dead=2)
    )
    for text in ("Unencrypted link", "Battery 9%: charge it", "Cannot be delivered: 2", "Waiting to be sent: 3"):
        assert text in html


def test_a_backlog_says_how_old_it_is_and_why() -> None:
    """Number, age, reason and advice."""
    html = shown("backlog", backlog=BacklogView(pending=7, dead=1, oldest_age_s=7300, trouble="server_unreachable"))
    for text in ("7", "2 h 1 min", "The server cannot be reached.", "Check the network.", "voicetrail-edge outbox"):
        assert text in html


def test_a_voice_is_learnt_between_encounters_and_can_be_deleted() -> None:
    """Learning is offered in a shift without an encounter, shows how far it is, and ends with a way to delete it."""
    offers = {phase: 'action="/voice/enrol"' in shown("voice", phase=phase, encounter=encounter()) for phase in Phase}
    assert [phase for phase, offered in offers.items() if offered] == [Phase.READY]
    learning = shown("voice", voice_progress=0.42)
    assert 'value="42"' in learning
    assert "/voice/" not in learning
    assert 'action="/voice/forget"' in shown("voice", voice_enrolled=True)


def test_sides_are_asked_for_only_where_an_array_tells_them() -> None:
    """Other microphones say what would be needed; unknown sides are empty."""
    assert "<input" not in shown("sides")
    html = shown("sides", sides=SidesView(staff_deg=120.4))
    assert 'name="staff_deg" type="number" inputmode="decimal" min="0" max="359" step="1" value="120"' in html
    assert html.count('value=""') == 1


def test_the_question_can_be_answered_by_phone_only_where_a_phone_gets_there() -> None:
    """A code is drawn for an address, and for none there is none; an unclear answer is asked for again."""
    asking = snapshot(phase=Phase.ASKING, encounter=encounter(), spoken_consent_unclear=True)
    for url, drawn in (("", False), ("http://192.0.2.7:8700/consent/x", True)):
        html = render_region("controls", REGIONS["controls"](Situation(asking, url)), words=WORDS)
        assert ("<svg" in html) is drawn
        assert "neither yes nor no" in html


def test_an_encounter_that_ended_is_not_called_running() -> None:
    """While its last words are written down, it is over all the same."""
    one = encounter()
    for running, text in ((one, "goes on"), (None, "being written down")):
        assert text in shown("today", phase=Phase.READY, today=(one,), encounter=running)


@given(*[st.floats(0, 1e6)] * 4)
def test_the_bar_of_the_day_is_whole(heard: float, silent: float, withheld: float, lost: float) -> None:
    """Its parts follow each other without a hole and fill it, whatever the seconds."""
    shares = shares_of(CoverageView(heard_s=heard, silent_s=silent, withheld_s=withheld, lost_s=lost))
    at = 0.0
    for _, _, start, width in shares.parts:
        assert start == pytest.approx(at, abs=0.02)
        at = start + width
    assert at == pytest.approx(100 if shares.total_s else 0, abs=0.05)


@given(st.floats(0, 1e6), st.floats(0, 59))
def test_an_age_does_not_change_the_page_every_second(age_s: float, more_s: float) -> None:
    """Within a minute a backlog is shown anew at most once."""
    first, later = (backlog_of(BacklogView(pending=1, dead=0, oldest_age_s=s)) for s in (age_s, age_s + more_s))
    assert (later.oldest_age_s or 0) - (first.oldest_age_s or 0) in (0, 60)


def test_captions_say_who_how_surely_and_what_is_doubtful() -> None:
    """Role with its confidence, unknown without one; drafts and doubtful text are marked; markup stays text."""
    assert "Customer</b> <small>87%" in render_caption(caption(), words=WORDS)
    unknown = render_caption(caption(role=Role.UNKNOWN), words=WORDS)
    assert "Unknown</b> <time>1:01" in unknown
    assert "first draft" in render_caption(caption(provisional=True), words=WORDS)
    assert "doubtful, not analysed" in render_caption(caption(quarantined=True), words=WORDS)
    assert "<img" not in render_caption(caption('<img src=x onerror="x">'), words=WORDS)


def test_a_page_is_told_only_what_changed() -> None:
    """Nothing twice; a caption that was corrected alone; a level without any part."""
    said = [caption(), caption("便宜点")]
    told = Told(["status", "captions"], words=WORDS)
    first = told.news(Situation(snapshot(phase=Phase.HEARING, encounter=(now := encounter(*said))), ""))
    assert set(first) == {"mood", "level_dbfs", "regions", "captions"}
    louder = snapshot(phase=Phase.HEARING, encounter=now, microphone=microphone(name="desk", level_dbfs=-3.0))
    assert told.news(Situation(louder, "")) == {"mood": "hearing", "level_dbfs": -3.0}
    better = said[1].model_copy(update={"role": Role.STAFF})
    changed = now.model_copy(update={"captions": (said[0], better)})
    news = told.news(Situation(snapshot(phase=Phase.HEARING, encounter=changed), ""))
    captions = news["captions"]
    assert isinstance(captions, dict)
    assert [UUID(key) for key in captions["changed"]] == [better.id]
    assert [UUID(key) for key in captions["order"]] == [one.id for one in said]
