"""A site's own words are taken where something like them was heard, and nowhere else."""

from pathlib import Path

import pytest

from edge_agent.terms import Term, Terms
from models.errors import RecognitionError
from nlp.bundle import SHIPPED
from nlp.features import Sounds

SOUNDS = Sounds.read(SHIPPED / "sounds.txt")
TERMS = Terms([Term("左小蕾"), Term("滨江"), Term("繁昌"), Term("黄浦店"), Term("固收增强")], sounds=SOUNDS)


def test_a_homophone_is_a_reason_to_read_again() -> None:
    """What sounds like a term hints at it; a term that was written right, or nothing like it, does not."""
    assert "左小蕾" in TERMS.hints("左小雷进一步表示")
    assert "固收增强" in TERMS.hints("这款雇收增强的理财")
    assert "左小蕾" not in TERMS.hints("左小蕾进一步表示")
    assert TERMS.hints("明天下午给您回电话") == ()


def test_the_likelier_of_two_goes_first() -> None:
    """More syllables alike before fewer, and among equals the greater weight."""
    two = Terms([Term("金山"), Term("金衫", weight=2.0), Term("今晚")], sounds=SOUNDS)
    assert two.hints("去津山路")[:2] == ("金衫", "金山")


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [
        ("左小雷进一步表示", "左小蕾进一步表示", True),
        ("上海人家皇府殿", "上海人家黄浦店", True),
        ("左小雷进一步表示", "左小雷进一步标示", False),
        ("左小雷进一步表示", "左小蕾进一步表示，滨江", False),
        ("龙药冰江广场", "滨江，繁昌，", False),
        ("我们谈谈广场的事", "我们谈谈左小蕾的事", False),
    ],
)
def test_a_second_reading_needs_its_term_where_the_first_sounds_like_it(
    first: str, second: str, is_taken: bool
) -> None:
    """A term elsewhere, an echo of the hints, or a text without a term leaves the first reading as it is."""
    hints = ("左小蕾", "滨江", "繁昌", "黄浦店")
    assert TERMS.takes(second, instead_of=first, hints=hints) is is_taken


def test_a_file_of_terms_is_read_with_weights_and_comments(tmp_path: Path) -> None:
    """One on each line; empty lines and comments are none."""
    path = tmp_path / "terms.txt"
    path.write_text("# products\n固收增强\t2.5\n\n左小蕾  # a name\n", encoding="utf-8")
    assert Terms.read(path, sounds=SOUNDS).hints("雇收增强和左小雷") == ("固收增强", "左小蕾")


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", "好\n".encode(), "固收增强\tviel\n".encode()])
def test_a_file_that_holds_none_says_what_to_write(tmp_path: Path, content: bytes) -> None:
    """No UTF-8, a single character, a weight that is no number: an error with advice."""
    path = tmp_path / "terms.txt"
    path.write_bytes(content)
    with pytest.raises(RecognitionError) as unreadable:
        Terms.read(path, sounds=SOUNDS)
    assert unreadable.value.code == "terms_unreadable"
    assert unreadable.value.advice
