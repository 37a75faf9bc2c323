"""The model of spoken Chinese adds up, knows how people talk, and says what sounds alike."""

from pathlib import Path

import numpy as np
import pytest

from models.errors import UnderstandingError
from nlp.spoken import BREAK, SHIPPED, SpokenChinese, near, symbols

LANGUAGE = SpokenChinese.read()


def ids(text: str) -> list[int]:
    return [LANGUAGE.id_of(one) for one in text]


@pytest.mark.parametrize("history", ["手续", "||", "身份", "龘龘", "|您"])
def test_what_may_follow_adds_up_to_1(history: str) -> None:
    """The probabilities of all characters after a history, known or not, add up to 1 as far as float16 tells."""
    before, last = (np.array([number]) for number in ids(history))
    every = np.arange(len(LANGUAGE.characters) + 1)
    assert np.exp(LANGUAGE.log_probabilities(before, last, every)).sum() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("said", "misheard"),
    [("手续费太高了", "手区费太高了"), ("您把身份证给我", "您把身份正给我"), ("我要投诉你们", "我要头宿你们")],
)
def test_what_people_say_is_likelier_than_what_sounds_like_it(said: str, misheard: str) -> None:
    """A sentence of a counter is likelier than the same with a homophone in it, by a factor of 20 at least."""
    assert LANGUAGE.of_text(said) > LANGUAGE.of_text(misheard) + np.log(20)


def test_a_text_is_read_as_symbols() -> None:
    """Marks, numbers and foreign words are one symbol each, however long."""
    assert symbols("你好……OK，一共3,500元！") == f"{BREAK}你好{BREAK}a{BREAK}一共0{BREAK}0元{BREAK}"


@pytest.mark.parametrize(("character", "other"), [("证", "正"), ("路", "录"), ("家", "加"), ("您", "你"), ("兰", "难")])
def test_what_sounds_alike_is_known_both_ways(character: str, other: str) -> None:
    """Homophones, tones ignored, and what is easily misheard stand for each other."""
    for one, two in ((character, other), (other, character)):
        assert LANGUAGE.id_of(two) in LANGUAGE.alike(one)
        assert LANGUAGE.id_of(one) not in LANGUAGE.alike(one)


@pytest.mark.parametrize("character", [BREAK, "0", "a", "龘", "\ud800"])
def test_what_is_no_known_character_sounds_like_nothing(character: str) -> None:
    """Marks, numbers, foreign words and characters that nobody uses have no homophones."""
    assert not len(LANGUAGE.alike(character))


def test_near_sounds_are_near_both_ways() -> None:
    """zhang may be zang and zhan, and each of them zhang."""
    assert {"zang", "zhan"} <= near("zhang")
    assert "zhang" in near("zang") & near("zhan")


@pytest.mark.parametrize("content", [None, b"", b"no zip"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """The error names the file and says what to do."""
    path = tmp_path / "spoken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnderstandingError, match=r"spoken\.npz") as caught:
        SpokenChinese.read(path)
    assert caught.value.code == "weights_missing"
    assert caught.value.advice


def test_the_file_is_small() -> None:
    """It travels in every wheel: less than a megabyte."""
    assert SHIPPED.stat().st_size < 1_000_000
