"""Numbers put together from the pieces in which they were said, or kept apart."""

import re
from collections.abc import Iterator
from typing import Final

from nlp.pii.kinds import known_kind
from nlp.pii.runs import Run, groups
from nlp.pii.view import TURN, View

_LONG: Final = 7
"""Digits of a piece that is an identifier by itself."""
_LONGEST_PHONE: Final = 12

_NEARLY_MOBILE = re.compile(r"1[3-9][0-9]{8,10}")


def in_turns(view: View, run: Run) -> list[Run]:
    """The parts of a run that stand in one utterance each."""
    parts: list[Run] = []
    for group in groups(view, run):
        if parts and TURN not in view.text[parts[-1].end : group.start]:
            parts[-1] = Run(parts[-1].start, group.end, parts[-1].digits + group.digits)
        else:
            parts.append(group)
    return parts


def whole_numbers(view: View, run: Run) -> Iterator[Run]:
    """The numbers in a run: cut at whole ones (12800，13900002718) and where two bargain in turn (2680 / 1980)."""
    for piece in _complete_apart(view, run):
        parts = in_turns(view, piece)
        if len(parts) == 1:
            yield piece
        else:
            yield from _over_turns(view, piece, parts)


def _complete_apart(view: View, run: Run) -> list[Run]:
    pieces: list[Run] = []
    whole = True
    for group in groups(view, run):
        complete = known_kind(group.digits) is not None
        if whole or complete:
            pieces.append(group)
        else:
            last = pieces[-1]
            pieces[-1] = Run(last.start, group.end, last.digits + group.digits)
        whole = complete
    # One piece is the run itself, which knows the homophones between its groups too.
    return pieces if len(pieces) > 1 else [run]


def _over_turns(view: View, run: Run, parts: list[Run]) -> Iterator[Run]:
    """One number where the parts of several utterances are one, else each part."""
    pending: list[Run] = []
    for part in parts:
        if known_kind(part.digits):
            yield from _joined(view, pending, "")
            yield part
            pending = []
        else:
            pending.append(part)
    yield from _joined(view, pending, run.digits if len(pending) == len(parts) else "")


def _joined(view: View, parts: list[Run], digits: str) -> Iterator[Run]:
    # 一个 after a number is no piece of it.
    if parts and _is_small(view, parts[-1]):
        yield parts[-1]
        parts, digits = parts[:-1], ""
    if parts and _is_small(view, parts[0]):
        yield parts[0]
        parts, digits = parts[1:], ""
    digits = digits or "".join(part.digits for part in parts)
    if len(parts) > 1 and _one_number(view, parts, digits):
        yield Run(parts[0].start, parts[-1].end, digits)
    else:
        yield from parts


def _is_small(view: View, part: Run) -> bool:
    return len(part.digits) < 3 - (not view.folded[part.start : part.end].isascii())


def _one_number(view: View, parts: list[Run], digits: str) -> bool:
    """Whether the parts that were said in turn are one number, not two prices."""
    spoken = any(not view.folded[part.start : part.end].isascii() for part in parts)
    zeros = any(group.digits.startswith("0") for part in parts for group in groups(view, part))
    long = any(len(part.digits) >= _LONG for part in parts)
    return bool(_NEARLY_MOBILE.fullmatch(digits)) or len(digits) >= _LONGEST_PHONE or spoken or zeros or long
