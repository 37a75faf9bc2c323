"""How good the shipped weights are on the shared test splits: floors, below which a change is a step back."""

from dataclasses import replace

import pytest

from nlp.conversations import evaluate_conversations
from nlp.evaluation import evaluate_intent, evaluate_sentiment
from nlp.rows import intent_rows, sentiment_rows
from nlp.understanding import Understanding, load
from support.shared_data import shared


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return load()


@pytest.mark.parametrize(
    ("file", "every", "accuracy", "noisy"),
    [("shopping6", 3, 0.93, 0.92), ("waimai", 1, 0.89, 0.88), ("hotel", 1, 0.89, 0.88)],
)
def test_sentiment_of_reviews(
    understanding: Understanding, file: str, every: int, accuracy: float, noisy: float
) -> None:
    """Reviews of the test splits are judged as well as on the model card, clean and misheard."""
    rows = sentiment_rows(shared(f"text/sentiment_{file}.jsonl"), split="test")[::every]
    assert evaluate_sentiment(understanding, rows, noise=0, seed=0).accuracy >= accuracy
    pytest.importorskip("pypinyin", reason="noise needs the [train] extra")
    assert evaluate_sentiment(understanding, rows[::2], noise=0.1, seed=0).accuracy >= noisy


def test_intents_of_buyers(understanding: Understanding) -> None:
    """The clean test half of CIC is understood better than by the linear baselines (.809/.680, mapped .808/.775)."""
    rows = intent_rows(shared("text/intent_cic_ecommerce118.jsonl"), split="test")
    found = evaluate_intent(understanding, rows, noise=0, seed=0)
    assert (found.accuracy, found.macro_f1) >= (0.86, 0.80)
    assert found.macro_f1 >= 0.80
    assert found.accuracy_17 >= 0.88
    assert found.macro_f1_17 >= 0.86


def test_rows_are_scored_one_by_one(understanding: Understanding) -> None:
    """Turning every label round turns accuracy into its complement, so the figure looks at each row."""
    rows = sentiment_rows(shared("text/sentiment_waimai.jsonl"), split="test")[:200]
    turned = [replace(row, label="negative" if row.label == "positive" else "positive") for row in rows]
    right = evaluate_sentiment(understanding, rows, noise=0, seed=0).accuracy
    assert evaluate_sentiment(understanding, turned, noise=0, seed=0).accuracy == pytest.approx(1 - right)


@pytest.mark.parametrize(("roles_known", "complaints"), [(True, 0.7), (False, 0.65)])
def test_counter_conversations(understanding: Understanding, roles_known: bool, complaints: float) -> None:
    """In written conversations feeling is mostly right, complaints are mostly real, hedges are no promises."""
    folder = shared("conversations")
    figures = evaluate_conversations(understanding, folder, roles_known=roles_known, noise=0, seed=0)
    values = figures.as_values()
    assert figures.sentiment().accuracy >= 0.77
    assert figures.sentiment().macro_f1 >= 0.70
    assert figures.intents["complain"].precision() >= complaints
    assert figures.acts["promise"].precision() >= 0.9
    assert values["turns"] == 337


def test_probabilities_are_kept(understanding: Understanding) -> None:
    """Of reviews judged with a probability of about p, about the share p is judged rightly."""
    rows = sentiment_rows(shared("text/sentiment_waimai.jsonl"), split="test")
    stated, right = [], []
    for row in rows:
        feeling = understanding.feeling(row.text)
        stated.append(max(feeling.negative, feeling.positive) / (feeling.negative + feeling.positive))
        right.append(feeling.better() == row.label)
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 1.0)):
        inside = [number for number, probability in enumerate(stated) if low <= probability < high]
        expected = sum(stated[number] for number in inside) / len(inside)
        # Three standard errors of a share of 100 rows, the fewest in a bin.
        assert sum(right[number] for number in inside) / len(inside) == pytest.approx(expected, abs=0.13)
