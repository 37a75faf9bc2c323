"""Normalisation: what it promises about any text, and what it does to speech."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nlp.normalise import normalise, to_simplified

PIECES = [
    *"零一二两三四五六七八九十百千万亿点分个天块年月号折几第幺半多",
    *"嗯呃，。、… 0123.%那个这就是说额啊哦",
    *"乾頭髮門號著後隻瞭隨",
    *[
        "那个，",
        "百分之",
        "三心二意",
        "e\u0301",
        "\u0301",
        "ｶﾞ",
        "①",
        "㎡",
        "ᄀ",
        "ᅡ",
        "ᆨ",
        "\u200b",
        "\ud800",
        "\x00",
        "😀",
        "\t",
    ],
]
anything = st.one_of(st.text(st.characters(), max_size=60), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


@settings(deadline=None)
@given(anything)
@example("e嗯\u0301")
@example("百分之三点五万")
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Normalised text is its own normal form."""
    once = normalise(text).text
    assert normalise(once).text == once


@settings(deadline=None)
@given(anything)
def test_every_character_knows_where_it_came_from(text: str) -> None:
    """There is one offset a character; they never decrease and lie in the input, and so do spans."""
    normal = normalise(text)
    assert len(normal.offsets) == len(normal.ends) == len(normal.text)
    assert list(normal.offsets) == sorted(normal.offsets)
    assert list(normal.ends) == sorted(normal.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(normal.offsets, normal.ends, strict=True))


@settings(deadline=None)
@given(anything)
def test_a_character_that_was_kept_stands_at_its_offset(text: str) -> None:
    """What normalisation did not touch is found in the input where the offset says."""
    normal = normalise(text)
    for char, offset, end in zip(normal.text, normal.offsets, normal.ends, strict=True):
        if text.count(char) == len(text):
            assert text[offset:end] == char
    plain = "想问退货"
    around = normalise(text + "。" + plain)
    at = around.text.rfind(plain)
    assert at >= 0
    start, end = around.span(at, at + len(plain))
    assert (text + "。" + plain)[start:end] == plain


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=40))
def test_width_and_composition_follow_unicode(text: str) -> None:
    """Apart from the Chinese steps, characters are those of NFKC."""
    if any(unicodedata.category(char) in {"Cn", "Co"} for char in text):
        return
    marks = sum(unicodedata.category(char).startswith("M") for char in text)
    han = any("\u2e80" <= char <= "\U000323af" and unicodedata.category(char) == "Lo" for char in text)
    if marks < 30 and not han and "嗯" not in text:
        assert normalise(text).text == to_simplified(unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize(
    "piece", ["啊" * 4, "一", "三点五", "\u0301\u0315", "那个，", "\ud800", "😀", "嗯，", "百分之一", "1\n"]
)
def test_a_very_long_text_is_normalised(piece: str) -> None:
    """20,000 characters of anything are taken."""
    long = (piece * 20_000)[:20_000]
    normal = normalise(long)
    assert len(normal.offsets) == len(normal.text)


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ("一百二十三", "123"),
        ("幺三八", "138"),
        ("幺三八零零零零二七幺八", "13800002718"),
        ("一万两千三百元", "12300元"),
        ("两万五", "25000"),
        ("三百零五块", "305块"),
        ("二零二六年五月三号", "2026年5月3号"),
        ("百分之三点五", "3.5%"),
        ("百分之百", "百分之百"),
        ("三点五万", "3.5万"),
        ("三点五十分到", "3点50分到"),
        ("八点二十", "8点20"),
        ("八点十分", "8点10分"),
        ("十分钟", "10分钟"),
        ("打八五折", "打85折"),
        ("两块钱", "2块钱"),
        ("二十几个", "二十几个"),
        ("几百万", "几百万"),
        ("三四十个", "三四十个"),
        ("两三天", "两三天"),
        ("3万五千", "3万五千"),
        ("十分好", "十分好"),
        ("万一呢", "万一呢"),
        ("一下", "一下"),
        ("一个", "一个"),
        ("一点", "一点"),
        ("三心二意", "三心二意"),
        ("七七八八", "七七八八"),
        ("一模一样", "一模一样"),
        ("千万别", "千万别"),
        ("嗯，我想问", "我想问"),
        ("我嗯想呃问", "我想问"),
        ("好，嗯，我看看", "好,我看看"),
        ("那个，我想问", "我想问"),
        ("那个人", "那个人"),
        ("我要那个，谢谢", "我要那个,谢谢"),
        ("就是，那个，价格", "价格"),
        ("嗯", "嗯"),
        ("嗯。", "嗯。"),
        ("門號乾淨", "门号干净"),
        ("乾坤", "乾坤"),
        ("ＡＢＣ１２３", "ABC123"),
        ("a\x00b\ud800c\u200bd", "abcd"),
        ("一\n二", "一 二"),
    ],
)
def test_speech_is_brought_into_one_form(said: str, normal: str) -> None:
    """Width, script, fillers and spoken numbers, each as the models were trained on it."""
    assert normalise(said).text == normal


def test_a_span_leads_back_to_what_was_said() -> None:
    """A number found as digits is quoted as it was spoken."""
    said = "嗯，我付了一万两千三百元，那个，太贵了"
    normal = normalise(said)
    at = normal.text.index("12300")
    start, end = normal.span(at, at + 5)
    assert said[start:end] == "一万两千三百"
    with pytest.raises(IndexError):
        normal.span(0, len(normal.text) + 1)


def test_traditional_text_with_lone_surrogates_is_simplified() -> None:
    """Broken input is no reason to stop: what can be converted is."""
    assert to_simplified("頭\ud800髮") == "头\ufffd发"
