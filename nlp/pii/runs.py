"""Runs of digits as recognised speech spells them: in groups, with pauses, commas and homophones between."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nlp.pii.view import TURN, View

PAUSE: Final = rf"(?:[\s\-–—―_·•.,，。、…;；~～?？)）嗯呃额啊哦噢诶杠横{TURN}]|然后|那个|接着|后面是|后面|空格)"
"""What stands between the groups of one number."""

_GROUP = re.compile("[0-9]+")
_RUN = re.compile(rf"[0-9]+(?:{PAUSE}*+[0-9]+)*+")

# Whisper base writes 明明明明 for 零零零零 and 要 for 幺. The first kind is never heard between digits otherwise.
_RARE = dict(zip("明林灵另领玲铃凌淋腰妖夭吆巴爸叭扒勾oOlI", "000000000111188889" + "0011", strict=True))
_COMMON = {
    said: digit
    for digit, sounds in {"1": "要药耀以已意", "2": "两而儿", "4": "是事时", "5": "无舞午", "6": "流留柳"}.items()
    for said in sounds
} | dict(zip("期起吧把就酒久", "7788999", strict=True))
_RARE_GAP = re.compile(rf"{PAUSE}*+[{''.join(_RARE)}]{{1,4}}{PAUSE}*+")
_COMMON_GAP = re.compile(rf"{PAUSE}*+[{''.join(_COMMON)}十]{{1,2}}{PAUSE}*+")
_LEADING = re.compile(r"[要药耀邀腰妖聊鸟摇UuIl][\s,，\-]?$")
_TYPED = re.compile(r"1[3-9][0-9]{9}|[0-9]{6}(?:19|20)[0-9]{10}|62[0-9]{13,17}")


@dataclass(frozen=True, slots=True)
class Run:
    """Digits that were said or written one after another."""

    start: int
    end: int
    digits: str
    """0-9 only, homophones read as the digits they stand for."""


def _homophones(gap: str) -> str:
    return "".join(_RARE.get(char) or _COMMON.get(char, "") for char in gap)


def _bridged(view: View, left: Run, right: Run) -> Run | None:
    """Both runs as one when only homophones stand between them and together they are a number."""
    gap = view.folded[left.end : right.start]
    if len(gap) > 12:
        return None
    with_gap = left.digits + _homophones(gap) + right.digits
    if _RARE_GAP.fullmatch(gap) and len(with_gap) >= 7:
        return Run(left.start, right.end, with_gap)
    if _COMMON_GAP.fullmatch(gap):
        one = "1" if _LEADING.search(view.folded, max(0, left.start - 2), left.start) else ""
        for digits in (with_gap, left.digits + right.digits):
            if _TYPED.fullmatch(digits) or _TYPED.fullmatch(one + digits):
                return Run(left.start, right.end, digits)
    return None


def _with_leading_one(view: View, run: Run) -> Run:
    """The run with a misheard 幺 before it: 要37000004490."""
    if not re.fullmatch(r"[3-9][0-9]{9}", run.digits):
        return run
    head = _LEADING.search(view.folded, max(0, run.start - 2), run.start)
    return Run(head.start(), run.end, "1" + run.digits) if head else run


def find_runs(view: View) -> Iterator[Run]:
    """All runs of digits in the text, in order."""
    pending: Run | None = None
    for match in _RUN.finditer(view.digits):
        run = Run(match.start(), match.end(), "".join(_GROUP.findall(match[0])))
        if pending is None:
            pending = run
        elif bridged := _bridged(view, pending, run):
            pending = bridged
        else:
            yield _with_leading_one(view, pending)
            pending = run
    if pending is not None:
        yield _with_leading_one(view, pending)


def groups(view: View, run: Run) -> list[Run]:
    """The groups of digits that a run is made of."""
    return [Run(match.start(), match.end(), match[0]) for match in _GROUP.finditer(view.digits, run.start, run.end)]
