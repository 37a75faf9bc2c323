"""Misheard words are put right where the sound allows it, and nothing else of a text is touched."""

from collections.abc import Sequence

import pytest

from edge_agent.mishearing import Mishearing, Words
from edge_agent.word_times import Word
from nlp.spoken import SpokenChinese, is_chinese

MISHEARING = Mishearing(SpokenChinese.read())


def spoken(text: str, *, doubted: str = "", sure: float = 0.9, unsure: float = 0.2) -> Words:
    """A word for each character, 200 ms long."""
    return tuple(
        Word(200 * at, 200 * at + 200, one, probability=unsure if one in doubted else sure)
        for at, one in enumerate(text)
    )


def corrected(text: str, *, doubted: str, fits: float = 0.5) -> str:
    """The text after correction, by a recogniser that doubts some characters and finds that others fit."""

    def read(texts: Sequence[str]) -> list[Words]:
        return [
            tuple(
                Word(200 * at, 200 * at + 200, one, probability=0.9 if one == before and one not in doubted else fits)
                for at, (one, before) in enumerate(zip(other, text, strict=True))
            )
            for other in texts
        ]

    (words,) = MISHEARING.corrected([spoken(text, doubted=doubted)], read=read)
    return "".join(word.text for word in words)


@pytest.mark.parametrize(
    ("heard", "doubted", "said"),
    [
        ("这个手区费能不能少一点？", "区", "这个手续费能不能少一点？"),
        ("身份正给我看一下。", "正", "身份证给我看一下。"),
        ("您约个时间来试价。", "价", "您约个时间来试驾。"),
    ],
)
def test_a_doubted_homophone_becomes_the_word_that_is_meant(heard: str, doubted: str, said: str) -> None:
    """Where the recogniser doubts a character and another of the same sound makes a word, the word stands there."""
    assert corrected(heard, doubted=doubted) == said


def test_what_does_not_fit_the_sound_is_refused() -> None:
    """However well it reads: a proposal that the recogniser finds much less likely does not stand."""
    heard = "这个手区费能不能少一点？"
    assert corrected(heard, doubted="区", fits=1e-6) == heard


def test_what_the_recogniser_is_sure_of_stays() -> None:
    """A rare word that was heard clearly is no mistake."""
    heard = "您好，我想看一下那个轩逸，多少钱？"
    assert corrected(heard, doubted="", fits=1e-4) == heard


@pytest.mark.parametrize(
    "heard", ["恰如其分。", "为了实现二十年前对青梅竹马女孩的承诺。", "周杰伦和一众好友在健身房面前合影。"]
)
def test_of_what_is_no_talk_at_a_counter_nothing_is_changed(heard: str) -> None:
    """News and proverbs are strange to the language model: it would put its own words for theirs."""
    assert corrected(heard, doubted=heard, fits=1.0) == heard


@pytest.mark.parametrize(
    "heard",
    [
        "一共四千三百元，分十二期。",
        "我没说不办，也别给我办。",
        "我叫程敏，您贵姓？",
        "找王经理，还是找李女士？",
        "电话是13800138000。",
    ],
)
def test_numbers_negations_and_names_are_never_changed(heard: str) -> None:
    """Not even where every character is doubted and everything else would fit perfectly."""
    after = corrected(heard, doubted=heard, fits=1.0)
    kept = "零一二三四五六七八九十百千元没不别程敏王李"
    assert [(at, one) for at, one in enumerate(heard) if one in kept or one.isdigit()] == [
        (at, one) for at, one in enumerate(after) if heard[at] in kept or heard[at].isdigit()
    ]


@pytest.mark.parametrize("heard", ["师傅今天是来看看的", "请步要动这台机器", "您的卡美有问题"])
def test_no_number_and_no_negation_is_made(heard: str) -> None:
    """是 never becomes 十, 步 never 不, 美 never 没, though they sound alike."""
    after = corrected(heard, doubted=heard, fits=1.0)
    assert not set(after) - set(heard) & set("零一二三四五六七八九十百千万亿两不没无别未非莫")


def test_a_text_keeps_its_length_its_marks_and_the_times_of_its_words() -> None:
    """Characters are replaced one for one: the words of each text stay where they were."""
    texts = [spoken("您好，手区费多少？", doubted="区"), spoken("OK, 身份正 2 张。", doubted="正")]

    def read(others: Sequence[str]) -> list[Words]:
        return [spoken(other) for other in others]

    after = MISHEARING.corrected(texts, read=read)
    assert ["".join(word.text for word in words) for words in after] == ["您好，手续费多少？", "OK, 身份证 2 张。"]
    for before, words in zip(texts, after, strict=True):
        assert [(word.start_ms, word.end_ms) for word in words] == [(word.start_ms, word.end_ms) for word in before]


def test_a_reading_that_the_recogniser_cannot_follow_changes_nothing() -> None:
    """Where the recogniser spells a proposal otherwise, there is nothing to compare."""
    words = [spoken("身份正给我看一下。", doubted="正")]
    assert MISHEARING.corrected(words, read=lambda _texts: [spoken("身份证给我")]) == words


@pytest.mark.parametrize("texts", [[], [()], [spoken("。"), ()], [spoken("12 34")], [spoken("\ud800�龘𠮷")]])
def test_texts_without_anything_to_correct_stay(texts: list[Words]) -> None:
    """No text, marks, digits and characters that nobody knows are taken as they are."""
    after = MISHEARING.corrected(texts, read=lambda others: [spoken(other) for other in others])
    assert [len(words) for words in after] == [len(words) for words in texts]
    assert not any(is_chinese(word.text) and word.text != "龘" for words in after for word in words)
