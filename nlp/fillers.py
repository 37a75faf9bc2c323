"""Hesitation sounds and empty words of spoken Chinese."""

import re

from nlp.aligned import Aligned

_PAUSE = "，,、…"
_BREAK = rf"{_PAUSE}。.！!？?；;：:\s"

# 嗯 and 呃 mean nothing inside a sentence; the pause after them goes with them (好，嗯，我 -> 好，我).
_SOUNDS = re.compile(rf"(?:^|(?<=[{_BREAK}]))[嗯呃唔]+[{_PAUSE}]*|[嗯呃唔]+")

# Words only when they stand alone between pauses: 那个，我想问 is hesitation, 那个人 and 我要那个 are not.
_WORDS = re.compile(rf"(?:^|(?<=[{_BREAK}]))(?:(?:那个|这个|那什么|就是说|就是|怎么说呢|额|啊|哦|噢|诶)+[{_PAUSE}]+)+")


def _nothing(match: re.Match[str]) -> str:
    return ""


def without_fillers(aligned: Aligned) -> Aligned:
    """The text without fillers; unchanged when nothing but fillers was said, since 嗯 alone is an answer."""
    spoken = aligned.substitute(_SOUNDS, _nothing).substitute(_WORDS, _nothing)
    return spoken if any(char.isalnum() for char in spoken.text) else aligned
