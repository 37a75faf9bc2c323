"""The clauses of an utterance and the quotes cut from them."""

from hypothesis import given
from hypothesis import strategies as st

from nlp.events.clauses import Span, clauses, quote

TEXTS = st.text(alphabet="贵了吗我，。！？ 〔手机号〕……啊", min_size=1, max_size=120)


def test_clauses_leave_the_marks_out() -> None:
    """Punctuation and spaces part clauses and belong to none."""
    text = "九千六？哇，这个有点……超了 好吧。"
    assert [text[one.start : one.end] for one in clauses(text)] == ["九千六", "哇", "这个有点", "超了", "好吧"]


def test_a_quote_is_the_clause_around_the_words() -> None:
    """Half a clause is widened to the whole of it."""
    text = "我先说一句，今天第三趟了啊，真是的。"
    assert quote(text, Span(8, 10)) == "今天第三趟了啊"


def test_a_short_clause_takes_its_neighbours() -> None:
    """Words too short to mean anything by themselves come with the clauses beside them."""
    assert quote("三百八？贵了，不要。", Span(4, 5)) == "三百八？贵了，不要"


def test_without_punctuation_a_quote_stays_short() -> None:
    """From text without any mark, a quote takes the words and a little around them."""
    text = "啊" * 200 + "太贵了" + "啊" * 200
    found = quote(text, Span(200, 203))
    assert "太贵了" in found
    assert len(found) < 60


def test_a_quote_does_not_cut_a_mask() -> None:
    """A long clause is not cut inside a mask."""
    text = "啊" * 30 + "〔银行卡号〕" + "啊" * 9 + "太贵了" + "啊" * 60
    found = quote(text, Span(45, 48))
    assert found.count("〔") == found.count("〕") == 1


@given(text=TEXTS, data=st.data())
def test_a_quote_is_part_of_its_text(text: str, data: st.DataObject) -> None:
    """Whatever is asked for, a quote is an exact part of the text and holds what was asked for."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = quote(text, Span(start, end))
    assert found
    assert found in text
