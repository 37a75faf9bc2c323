"""Recognised text is written as Chinese is written."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.punctuation import written


def test_pieces_are_joined_by_a_comma_unless_they_end_in_a_mark() -> None:
    """A time stamp without a mark is a pause."""
    assert written(["好的", "您稍等", "可以吗?", "谢谢"]) == "好的，您稍等，可以吗？谢谢"


def test_spaces_between_characters_are_pauses() -> None:
    """Whisper writes pauses as spaces; those in foreign words stay."""
    assert written(["算了算了 那个 我手机号换了"]) == "算了算了，那个，我手机号换了"
    assert written(["用 Apple Pay 付"]) == "用 Apple Pay 付"


def test_numbers_keep_their_marks() -> None:
    """A decimal comma or a time is no pause."""
    assert written(["一共1,280块,3:30来取"]) == "一共1,280块，3:30来取"


@given(pieces=st.lists(st.text(alphabet="您好，。?3a", min_size=1), min_size=1, max_size=5))
def test_no_character_is_lost(pieces: list[str]) -> None:
    """Letters, digits and characters stand in the text as they were recognised, in order."""
    marks = str.maketrans("", "", "，。?？ ")
    assert written(pieces).translate(marks) == "".join(pieces).translate(marks)
