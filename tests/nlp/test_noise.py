"""Homophone noise: deterministic, of the wanted size, and of the same sound."""

import re
import subprocess
import sys

import pytest

from nlp.noise import homophone_noise

pypinyin = pytest.importorskip("pypinyin", reason="homophone noise needs the extra [train]")

SAID = "你们这个服务态度真的太差了我等了一个小时也没有人来处理我的问题" * 4
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 1.0])
def test_the_wanted_share_of_characters_is_swapped(share: float) -> None:
    """As many Han characters change as were asked for, but for those that nothing else sounds like (怎)."""
    noisy = homophone_noise(SAID, share=share, seed=7)
    changed = sum(old != new for old, new in zip(SAID, noisy, strict=True))
    assert abs(changed - share * len(SAID)) <= max(1, 0.05 * len(SAID))


def test_swapped_characters_sound_the_same() -> None:
    """Each swapped character can be read with the sound, tones apart, of the one that was said."""
    noisy = homophone_noise(SAID, share=0.5, seed=1)
    said = pypinyin.lazy_pinyin(SAID)
    for sound, old, new in zip(said, SAID, noisy, strict=True):
        if old != new:
            assert sound in pypinyin.pinyin(new, style=pypinyin.Style.NORMAL, heteronym=True)[0]


def test_punctuation_goes_and_numbers_stay() -> None:
    """A recogniser writes no commas; the point of a number and its % are spoken."""
    assert homophone_noise("好，3.5%！(a)", share=0, seed=0) == "好3.5%a"


def test_the_same_arguments_give_the_same_noise_in_another_process() -> None:
    """Figures can be compared between machines and runs."""
    script = f"from nlp.noise import homophone_noise; print(homophone_noise({SAID!r}, share=0.3, seed=5))"
    printed = subprocess.run([sys.executable, "-X", "utf8", "-c", script], capture_output=True, check=True)
    assert printed.stdout.decode("utf-8").strip() == homophone_noise(SAID, share=0.3, seed=5)
    assert homophone_noise(SAID, share=0.3, seed=6) != homophone_noise(SAID, share=0.3, seed=5)


def test_any_text_can_be_made_noisy() -> None:
    """Lone surrogates, emoji and nothing at all are no reason to stop."""
    for text in ("", "\ud800", "😀", "abc", "，"):
        homophone_noise(text, share=1, seed=0)


def test_a_share_beyond_one_is_refused() -> None:
    """10 for ten per cent is a mistake of the caller."""
    with pytest.raises(ValueError, match="share"):
        homophone_noise("好", share=10, seed=0)


def test_without_the_training_extra_the_error_says_what_to_install() -> None:
    """Where pypinyin is missing, the error has a code and advice."""
    script = (
        "import sys; sys.modules['pypinyin'] = None\n"
        "from models.errors import UnderstandingError\n"
        "from nlp.noise import homophone_noise\n"
        "try: homophone_noise('好', share=1, seed=0)\n"
        "except UnderstandingError as error: print(error.code, error.advice)\n"
    )
    printed = subprocess.run([sys.executable, "-X", "utf8", "-c", script], capture_output=True, check=True)
    assert printed.stdout.decode("utf-8").startswith("training_extra_missing Install")
