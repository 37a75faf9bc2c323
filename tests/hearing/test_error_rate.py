"""Character error rate counts what was misheard, not how it is written."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.error_rate import Edits, distance, edits, edits_with_numerals_folded

HANZI = st.text(alphabet="我要退货一二三四五", min_size=1, max_size=30)


@given(reference=HANZI, recognised=HANZI)
def test_the_distance_is_that_of_jiwer(reference: str, recognised: str) -> None:
    """An independent implementation counts the same edits."""
    counted = jiwer.process_characters(reference, recognised)
    assert distance(reference, recognised) == counted.substitutions + counted.insertions + counted.deletions


@pytest.mark.parametrize(
    ("reference", "recognised"),
    [
        ("設定三十度", "设定三十度。"),
        ("OK，可以", "ok 可以"),
        ("ＡＢＣ１２３", "abc123"),
    ],
)
def test_script_case_width_and_marks_are_no_errors(reference: str, recognised: str) -> None:
    """The same words written differently have no edits."""
    assert edits(reference, recognised).edits == 0


@pytest.mark.parametrize(
    ("reference", "recognised"),
    [
        ("设定三十度", "设定30度"),
        ("我的号码是一三九零零零零", "我的号码是1390000"),
        ("二零一六年", "2016年"),
        ("百分之三十", "30%"),
        ("三点五公里", "3.5公里"),
        ("13900002718", "幺三九零零零零二七一八".replace("幺", "一")),
    ],
)
def test_numerals_folded_may_be_digits_or_hanzi(reference: str, recognised: str) -> None:
    """Folded, a number is right in digits and in hanzi, by value or digit by digit; as written it is not."""
    assert edits_with_numerals_folded(reference, recognised).edits == 0
    assert edits(reference, recognised).edits > 0


def test_rates_are_pooled_over_characters() -> None:
    """A long utterance weighs more than a short one."""
    pooled = Edits(edits=1, characters=10) + Edits(edits=2, characters=2)
    assert pooled.rate == pytest.approx(3 / 12)
    assert Edits(edits=0, characters=0).rate == 0


def test_a_number_too_long_for_a_value_is_read_digit_by_digit() -> None:
    """Card numbers have no reading by value."""
    spoken = "六二二二零零零零零零零零四七三一五八八"
    assert edits_with_numerals_folded(spoken, "6222000000004731588").edits == 0
