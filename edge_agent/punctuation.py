"""Recognised pieces of text written as Chinese is written."""

import re
from collections.abc import Sequence

_HAN = "\u3400-\u9fff"
# Whisper writes a pause between Han characters as a space, and marks in half width.
_PAUSE = re.compile(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])")
_HALF_WIDTH = re.compile(rf"(?<=[{_HAN}])[,?!;:]\s*")
_FULL_WIDTH = {",": "，", "?": "？", "!": "！", ";": "；", ":": "："}
_MARKS = "，。？！、；：,.?!;:"


def written(pieces: Sequence[str]) -> str:
    """Join pieces that follow each other in time: a comma where a piece ends without a mark, marks in full width.

    Args:
        pieces: text between two time stamps each, none empty, at least one.
    """
    joined = pieces[0]
    for piece in pieces[1:]:
        joined += piece if joined[-1] in _MARKS else f"，{piece}"
    joined = _PAUSE.sub("，", joined)
    return _HALF_WIDTH.sub(lambda mark: _FULL_WIDTH[mark.group()[0]], joined)
