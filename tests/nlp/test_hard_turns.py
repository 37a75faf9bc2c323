"""The suite of turns whose words mislead keeps to its card, apart from what models learn from."""

import json
import re
from collections import Counter
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import pytest

from benchmarks import hard_turns as suite
from benchmarks.hard_turns import Hard, analysed, figures, hard_turns
from models.labels import Role, Sentiment
from nlp.training.counter import SCHOOL_FILE, conversations
from nlp.understanding import load
from support.shared_data import shared

KINDS = {"sarcasm", "negation", "double_negation", "rhetorical", "polite_complaint", "mixed", "aimed_elsewhere"}
CARD = Path(suite.__file__).parent / "data" / "HARD_TURNS.md"
LONGEST_SHARED = 9
"""Letters in a row that an item may share by chance with texts that models see or are measured on."""


@pytest.fixture(scope="module")
def turns() -> list[Hard]:
    return hard_turns()


def runs(text: str, length: int) -> set[str]:
    letters = "".join(re.findall(r"\w", text))
    return {letters[at : at + length] for at in range(len(letters) - length + 1)}


def test_the_suite_is_as_large_as_its_card_says(turns: list[Hard]) -> None:
    """At least 300 turns, 40 of each kind, in each look-alikes of another sentiment; the card counts the same."""
    assert len(turns) >= 300
    kinds = Counter(turn.kind for turn in turns)
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 40
    felt = Counter((turn.kind, turn.sentiment) for turn in turns)
    card = CARD.read_text("utf-8")
    for kind in KINDS:
        counts = [felt[kind, sentiment] for sentiment in (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)]
        assert sum(count >= 2 for count in counts) >= 2
        assert re.search(rf"\| `{kind}` \|.*\| {kinds[kind]} \| {' / '.join(map(str, counts))} \|", card)
    assert f"{len(turns)} turns" in card


def test_no_two_items_are_alike(turns: list[Hard]) -> None:
    """No two share seven characters in a row."""
    pieces = [(turn.text, runs(turn.text, 7)) for turn in turns]
    assert [(one, other) for (one, left), (other, right) in combinations(pieces, 2) if left & right] == []


def test_items_are_kept_from_training_and_evaluation(turns: list[Hard]) -> None:
    """No ten letters in a row stand in our training set or in the shared conversations."""
    seen = set[str]().union(
        *(
            runs(turn.text, LONGEST_SHARED + 1)
            for one in (*conversations(), *conversations(files("nlp.training").joinpath(SCHOOL_FILE)))
            for turn in one.turns
        ),
    )
    assert [turn.text for turn in turns if runs(turn.text, LONGEST_SHARED + 1) & seen] == []
    gold = [json.loads(path.read_text("utf-8")) for path in sorted(shared("conversations").glob("*.json"))]
    measured = set[str]().union(*(runs(said["text"], LONGEST_SHARED + 1) for one in gold for said in one["turns"]))
    assert measured
    assert [turn.text for turn in turns if runs(turn.text, LONGEST_SHARED + 1) & measured] == []


def test_figures_look_at_each_label(turns: list[Hard]) -> None:
    """Right answers give 1, and one wrong answer lowers its kind, the whole, and what is felt."""
    gold = [turn.sentiment.value for turn in turns]
    assert set(figures(turns, gold).values()) == {1.0}
    place = next(at for at, turn in enumerate(turns) if turn.kind == "sarcasm" and turn.sentiment == "negative")
    wrong = [*gold[:place], "positive", *gold[place + 1 :]]
    lower = {name for name, value in figures(turns, wrong).items() if value < 1}
    assert lower == {"sarcasm", "all", "macro_f1", "felt"}


def test_the_shipped_models_are_read_in_context(turns: list[Hard]) -> None:
    """The analysis is the customer's, also where a turn of staff stands before; half of the feelings are right."""
    found = analysed(turns, load())
    assert {one.role for one in found} == {Role.CUSTOMER}
    assert figures(turns, [one.sentiment.value for one in found])["all"] >= 0.5
