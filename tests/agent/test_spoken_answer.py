"""What counts as yes and no: a wrong "no" costs a recording, a wrong "yes" the customer's trust."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent.spoken_answer import NO, YES, Meaning, Said, Weighed, answer_of, decided
from models.labels import ConsentState


@pytest.mark.parametrize(
    "text",
    [
        *(
            "同意",
            "我同意。",
            "好的，可以",
            "可以的，没问题",
            "行，你录吧",
            "嗯，好的",
            "當然可以",
            "没关系，录吧",
            "不要紧",
        ),
        *("您好，可以", "OK", "yes, I agree, that is fine"),
    ],
)
def test_a_plain_yes_is_a_consent(text: str) -> None:
    """Whatever particles stand beside it, in either script."""
    assert answer_of([text]) is ConsentState.GRANTED


@pytest.mark.parametrize(
    "text",
    [
        *(
            "不同意",
            "我不同意。",
            "不可以",
            "不行不行",
            "别录",
            "不要录音",
            "好的，但是不要录",
            "可以是可以，还是算了吧",
        ),
        *("不好吧", "no", "No, thanks", "請不要錄音"),
    ],
)
def test_a_no_anywhere_is_a_refusal(text: str) -> None:
    """Also behind a yes, also when the word of the refusal holds a word of consent."""
    assert answer_of([text]) is ConsentState.DECLINED


@pytest.mark.parametrize(
    "text",
    [
        *("", "嗯", "我要去银行办业务", "可以吗？", "你们这个录音干什么用", "好的那我先办一下存款", "您好", "I know"),
        *("行长在吗", "特别", "可以是可以"),
    ],
)
def test_what_is_neither_leaves_the_question_open(text: str) -> None:
    """Listening noises, questions and talk that holds a word of consent are none."""
    assert answer_of([text]) is None


@given(st.sampled_from(NO), st.lists(st.sampled_from([*YES, "嗯", "，", " "]), max_size=4), st.text(max_size=5))
def test_no_text_that_holds_a_refusal_is_a_consent(no: str, beside: list[str], after: str) -> None:
    """However many words of consent stand around it."""
    assert answer_of([f"{' '.join(beside)} {no} {after}"]) is not ConsentState.GRANTED


def test_the_question_itself_is_no_answer_and_hides_none() -> None:
    """Staff may still be asking when the window opens."""
    assert answer_of(["请问可以录音吗？"]) is None
    assert answer_of(["请问可以录音吗？", "可以"]) is ConsentState.GRANTED
    assert answer_of(["请问可以录音吗？", "还是不要了"]) is ConsentState.DECLINED


def weighed(*, yes: float = 0.0, no: float = 0.0, neither: float = 0.0) -> Weighed:
    """Return what a clip was weighed to be."""
    return Weighed(
        texts={Meaning.YES: "可以", Meaning.NO: "不要", Meaning.NEITHER: "什么"},
        gains={Meaning.YES: yes, Meaning.NO: no, Meaning.NEITHER: neither},
    )


def test_a_word_that_was_read_wrongly_is_taken_by_its_sound() -> None:
    """同意 read as 红衣, 别录音 as 椰蓉椅子: of the answers only one explains the sound."""
    assert decided([Said(texts=("红衣",), weighed=weighed(yes=6.7, no=4.0))]) is ConsentState.GRANTED
    assert decided([Said(texts=("爷爷",), weighed=weighed(no=4.0))]) is ConsentState.DECLINED
    assert decided([Said(texts=("红衣",))]) is None


def test_a_yes_is_not_taken_when_a_no_explains_the_sound_about_as_well() -> None:
    """不愿意 was read as 我们可以, 不好 as 好."""
    assert decided([Said(texts=("我们可以",), weighed=weighed(yes=3.4, no=5.4))]) is None
    assert decided([Said(texts=("红衣",), weighed=weighed(yes=6.0, no=4.5))]) is None
    assert decided([Said(texts=("可以",), weighed=weighed(yes=6.0, no=0.3))]) is ConsentState.GRANTED


@pytest.mark.parametrize("text", ["可以吗？", "好的那您今天办什么业务", "可饿成什么"])
def test_a_question_and_what_only_begins_like_an_answer_is_none(text: str) -> None:
    """However well the answer explains the beginning."""
    assert decided([Said(texts=(text,), weighed=weighed(yes=9.0))]) is None


_GAINS = st.floats(-20, 20)


@given(_GAINS, _GAINS, _GAINS, st.sampled_from(["", "红衣", "好吧", "同意"]), st.sampled_from(NO))
def test_no_sound_makes_a_yes_of_a_no(yes: float, no: float, neither: float, text: str, refusal: str) -> None:
    """A refusal that was read counts whatever the sound; a likely one that was not read keeps the question open."""
    sound = weighed(yes=yes, no=no, neither=neither)
    assert decided([Said(texts=(refusal,), weighed=sound)]) is ConsentState.DECLINED
    if no >= max(yes, 2.0):
        assert decided([Said(texts=(text,), weighed=sound)]) is not ConsentState.GRANTED


def test_an_improbable_text_is_no_yes_and_a_no_unless_it_sounds_otherwise() -> None:
    """The recogniser doubts its own text."""
    assert decided([Said(texts=(), doubtful=("可以",), weighed=weighed(yes=3.0))]) is None
    assert (
        decided([Said(texts=(), doubtful=("不要，也认我",), weighed=weighed(yes=6.6, no=7.3))]) is ConsentState.DECLINED
    )
    assert decided([Said(texts=(), doubtful=("不要",))]) is ConsentState.DECLINED
    assert decided([Said(texts=(), doubtful=("不要",), weighed=weighed(yes=3.0, no=-2.0))]) is None
