"""Claims about words that are kept as data."""

from pathlib import Path

import pytest

from models.journey import Bilingual
from models.language import Language
from models.words import Words, read_words

EN = Words(
    Language.EN,
    {
        "time.seconds": "{n} s",
        "time.minutes": "{m} min {s} s",
        "time.hours": "{h} h {m} min",
        "channel.counter": "counter",
    },
)


def test_tables_in_tables_become_keys_with_points(tmp_path: Path) -> None:
    """A text stands under the names of its tables and its own."""
    (tmp_path / "zh.toml").write_text('[a]\nx = "甲{n}"\n[a.b]\ny = "乙"\n', encoding="utf-8")
    words = read_words(tmp_path, Language.ZH)
    assert (words("a.x", n=1), words("a.b.y")) == ("甲1", "乙")


def test_a_text_that_is_not_there_is_a_mistake_of_the_page() -> None:
    """An unknown key and a place that nothing fills are errors, never a page with a hole."""
    for wrong in (lambda: EN("time.days"), lambda: EN("time.seconds")):
        with pytest.raises(KeyError):
            wrong()


def test_a_name_that_people_chose_stands_for_itself() -> None:
    """A code without a text is shown as it is, or as the page says."""
    assert EN.code("channel", "counter") == "counter"
    assert EN.code("channel", "快闪店") == "快闪店"
    assert EN.code("channel", "快闪店", otherwise="") == ""


def test_bilingual_names_follow_the_language() -> None:
    """A touchpoint is named in the language of the page."""
    name = Bilingual(zh="柜面", en="Counter")
    assert [Words(language, {}).name(name) for language in Language] == ["柜面", "Counter"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.6, "1 h 0 min"), (3600, "1 h 0 min")]
)
def test_lengths(seconds: float, text: str) -> None:
    """A length carries its unit, rounded to what a reader needs."""
    assert EN.lasting(seconds) == text
