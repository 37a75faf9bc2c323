"""What is measured on whole conversations: matching, masks, calibration, and the figures of the command."""

import json
import lzma
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UnderstandingError
from models.labels import EventKind, Sentiment
from nlp.conversations import evaluate_conversations
from nlp.evaluation import calibration_error
from nlp.event_scores import masked_stretches, match
from nlp.events.derive import EventDraft
from nlp.gold import GoldEvent, Ids, read_gold
from nlp.redaction import redact
from nlp.understanding import load
from support.programs import BIN, run, run_json
from support.shared_data import shared

NLP = BIN / "voicetrail-nlp"
FIELDS = (
    "conversations event_precision event_recall touchpoint_accuracy commitment_f1 due_accuracy pii_number_recall"
    " pii_name_recall pii_precision false_events_on_quiet ece"
)


def draft(kind: EventKind, *turns: int) -> EventDraft:
    return EventDraft(
        kind=kind,
        utterance_ids=tuple(UUID(int=turn) for turn in turns),
        quote="等了半天",
        aspect=None,
        sentiment=Sentiment.NEGATIVE,
        severity=1,
        probability=0.9,
        start_ms=0,
    )


def gold(kind: EventKind, *turns: int) -> GoldEvent:
    return GoldEvent(kind=kind, turns=turns, touchpoint="wait")


def test_events_match_by_kind_and_a_shared_turn_once() -> None:
    """Another kind, no shared turn, and a second draft for the same gold event are invented."""
    wanted = [gold(EventKind.COMPLAINT, 1, 3), gold(EventKind.PRAISE, 5)]
    given = [
        draft(EventKind.COMPLAINT, 3),
        draft(EventKind.COMPLAINT, 1),
        draft(EventKind.PRAISE, 3),
        draft(EventKind.ESCALATION, 5),
    ]
    pairs, invented, missed = match(given, wanted)
    assert pairs == [(given[0], wanted[0])]
    assert invented == given[1:]
    assert missed == wanted[1:]


def test_masks_are_found_where_they_hide_something() -> None:
    """The stretches are those of the text as it was said, and a text of other words is refused."""
    said = "我叫刘志强，电话13900002718，谢谢"
    places = masked_stretches(said, redact(said).text)
    assert [said[start:end] for start, end in places] == ["刘志强", "13900002718"]
    with pytest.raises(ValueError, match="does not come from"):
        masked_stretches("别的话", redact(said).text)


def test_calibration_is_measured_against_how_often_it_is_right() -> None:
    """Right as often as said is 0; sure and always wrong is 1; nothing said is no figure."""
    assert calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == 0
    assert calibration_error([(1.0, False)] * 5) == 1
    assert calibration_error([]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_error_is_a_share(confidences: list[tuple[float, bool]]) -> None:
    """Between 0 and 1, and the same in any order."""
    error = calibration_error(confidences)
    assert error is not None
    assert 0 <= error <= 1
    assert error == pytest.approx(calibration_error(confidences[::-1]), abs=2e-4)


def conversation(**changes: Any) -> dict[str, Any]:
    quiet = {"sentiment": "neutral", "intents": [], "aspects": [], "start": 0.0, "end": 2.0}
    return {
        "id": "bank-07",
        "industry": "bank_branch",
        "channel": "counter",
        "consent": "granted",
        "turns": [
            quiet | {"role": "customer", "text": "我叫刘志强，来办卡。", "pii": [{"kind": "name", "text": "刘志强"}]},
            quiet
            | {"role": "staff", "text": "好，明天上午我给您回电话。", "promise": {"what": "回电话", "due": "明天上午"}},
        ],
        "events": [{"kind": "promise", "turns": [1], "touchpoint": "consult"}],
    } | changes


def test_the_command_prints_what_the_evaluation_asks_for(tmp_path: Path) -> None:
    """One JSON object with every field, right for one conversation that is easy to read."""
    (tmp_path / "bank-07.json").write_text(json.dumps(conversation()), encoding="utf-8")
    found = run_json(NLP, "eval", "conversations", tmp_path, "--json", "--ids", "odd")
    assert list(found)[: len(FIELDS.split())] == FIELDS.split()
    assert (found["conversations"], found["event_precision"], found["event_recall"]) == (1, 1.0, 1.0)
    assert (found["commitment_f1"], found["due_accuracy"]) == (1.0, 1.0)
    assert (found["pii_name_recall"], found["pii_number_recall"], found["pii_precision"]) == (1.0, None, 1.0)
    assert found["false_events_on_quiet"] == 0


def test_wrong_gold_lowers_the_figures(tmp_path: Path) -> None:
    """Each figure looks at its own labels: with other ones in the gold it falls."""
    turns = conversation()["turns"]
    turns[0]["pii"] = [{"kind": "name", "text": "办卡"}]
    turns[1]["promise"] = {"what": "回电话", "due": "后天"}
    turns[1]["text"] += "后天休息。"
    wrong = conversation(turns=turns, events=[])
    (tmp_path / "bank-07.json").write_text(json.dumps(wrong), encoding="utf-8")
    found = evaluate_conversations(load(), tmp_path, roles_known=True, noise=0, seed=0).whole.as_values()
    assert (found["event_precision"], found["false_events_on_quiet"]) == (0.0, 1)
    assert (found["commitment_f1"], found["due_accuracy"]) == (1.0, 0.0)
    assert (found["pii_name_recall"], found["pii_precision"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"turns": [{"role": "staff"}]}, "broken_line"), ({"consent": "declined"}, "no_rows"), ({"id": "x-2"}, "no_rows")],
)
def test_what_cannot_be_measured_is_an_error(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    """A broken file is named; without consent, or without an id of the half, nothing is left."""
    (tmp_path / "one.json").write_text(json.dumps(conversation(**changes)), encoding="utf-8")
    with pytest.raises(UnderstandingError) as caught:
        read_gold(tmp_path, ids=Ids.ODD)
    assert caught.value.code == code
    assert run(NLP, "eval", "conversations", tmp_path, "--ids", "odd", expect=2).stderr.startswith(f"{code}: ")


def test_our_own_set_is_read_too(tmp_path: Path) -> None:
    """A file in the format of the training set gives the same nouns, with times by the length of what is said."""
    turn = {"intents": [], "aspects": [], "pii": [], "sentiment": "neutral"}
    value = {
        "id": "counter-9001",
        "writer": "w0",
        "industry": "bank_branch",
        "date": "2026-03-02T09:00:00+08:00",
        "channel": "counter",
        "turns": [turn | {"role": "customer", "text": "您好"}, turn | {"role": "staff", "text": "请坐"}],
        "events": [],
        "overall": "neutral",
    }
    path = tmp_path / "set.jsonl.xz"
    path.write_bytes(lzma.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()))
    (read,) = read_gold(path)
    assert [(one.start, one.end) for one in read.turns] == [(0.0, 0.5), (0.5, 1.0)]
    assert read.date.isoformat() == "2026-03-02T09:00:00+08:00"


def test_promises_and_masks_of_the_shared_conversations() -> None:
    """Floors on the conversations with gold labels: promises .80 with .85 of the due times, numbers .98, names .85."""
    figures = evaluate_conversations(load(), shared("conversations"), roles_known=True, noise=0, seed=0)
    found = figures.whole.as_values()
    floors = {
        "commitment_f1": 0.80,
        "due_accuracy": 0.85,
        "pii_number_recall": 0.98,
        "pii_name_recall": 0.85,
        "pii_precision": 0.95,
    }
    assert {name: found[name] for name, floor in floors.items() if (found[name] or 0) < floor} == {}
