"""Claims about the net voice sentiment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web.net_sentiment import net_sentiment

COUNTS = st.integers(min_value=0, max_value=10_000)


def test_nothing_heard_is_no_score() -> None:
    """Without a certain utterance there is no figure, not a zero."""
    assert net_sentiment(positive=0, neutral=0, negative=0) is None


def test_value_and_interval_of_a_worked_example() -> None:
    """17 positive, 88 neutral, 47 negative: −19.7, and the interval that the published formula gives by hand."""
    score = net_sentiment(positive=17, neutral=88, negative=47)
    assert score is not None
    # p+ = 18/154, p− = 48/154; their difference −0.19481, its standard error 0.05038.
    assert score.value == pytest.approx(-19.7368, abs=1e-4)
    assert [score.low, score.high] == pytest.approx([-29.36, -9.61], abs=0.02)


@given(positive=COUNTS, neutral=COUNTS, negative=COUNTS)
def test_turning_feelings_round_turns_the_score_round(positive: int, neutral: int, negative: int) -> None:
    """Positive and negative count alike."""
    score = net_sentiment(positive=positive, neutral=neutral, negative=negative)
    other = net_sentiment(positive=negative, neutral=neutral, negative=positive)
    if score is None or other is None:
        assert positive + neutral + negative == 0
        return
    assert (score.value, score.low, score.high) == pytest.approx((-other.value, -other.high, -other.low))


@given(positive=COUNTS, neutral=COUNTS, negative=COUNTS)
def test_the_interval_stays_on_the_scale(positive: int, neutral: int, negative: int) -> None:
    """Value and interval lie between −100 and +100 and the interval is never a point."""
    score = net_sentiment(positive=positive, neutral=neutral, negative=negative)
    if score is not None:
        assert -100 <= score.low < score.high <= 100
        assert -100 <= score.value <= 100


def test_one_utterance_says_little() -> None:
    """A single complaint does not prove a bad mood: the interval of n = 1 reaches past zero."""
    score = net_sentiment(positive=0, neutral=0, negative=1)
    assert score is not None
    assert score.value == -100
    assert score.high > 0
