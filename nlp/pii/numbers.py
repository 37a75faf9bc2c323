"""Phone, identity, card and any other long numbers, written or said digit by digit."""

import re
from collections.abc import Iterator
from typing import Final

from models.labels import PiiKind
from nlp.pii.amounts import is_amount, is_price_or_year, without_dates
from nlp.pii.kinds import kind_of, lettered_kind
from nlp.pii.runs import PAUSE, Run, find_runs
from nlp.pii.span import PiiSpan
from nlp.pii.view import TURN, View
from nlp.pii.whole import in_turns, whole_numbers

_SHORTEST: Final = 7
"""Digits from which any run is personal data unless it is evidently something else."""
_SHORTEST_SPOKEN: Final = 5
"""The same for digits said one by one: nobody reads a price as 三三五六七."""
_SHORTEST_BARE: Final = 4
"""The same for digits that are all that was said: 3356。"""
_CONTEXT_CHARS: Final = 14

_CHECK_X = re.compile(r"[\s,，.、\-]?(?:[Xx×]|艾克斯|爱克斯|叉)")
_HOTLINE = re.compile(r"9[56][0-9]{3}|123[0-9]{2}|10[01][0-9]{2,3}")
_LETTERS_BEFORE = re.compile(r"[A-Za-z]{1,12}-?$|(?:(?<![A-Za-z])[A-Z][\s\-]?){1,4}$")
_LETTERS_AFTER = re.compile(r"[A-Za-z0-9]+")
_NOTHING_BEFORE = re.compile(rf"(?:.*{TURN})?{PAUSE}*", re.DOTALL)
_NOTHING_AFTER = re.compile(rf"{PAUSE}*(?:{TURN}.*)?", re.DOTALL)
_BARE_WITHIN: Final = 8
"""Characters of fillers and punctuation that may stand around a bare number."""


def _is_bare(view: View, run: Run) -> bool:
    """Whether an utterance is this number and nothing else."""
    before = view.folded[max(0, run.start - _BARE_WITHIN) : run.start]
    after = view.folded[run.end : run.end + _BARE_WITHIN]
    starts = run.start <= _BARE_WITHIN or TURN in before
    ends = len(view.folded) - run.end <= _BARE_WITHIN or TURN in after
    return bool(starts and ends and _NOTHING_BEFORE.fullmatch(before) and _NOTHING_AFTER.fullmatch(after))


def _is_personal(view: View, run: Run) -> bool:
    count = len(run.digits)
    if count < _SHORTEST:
        said = view.folded[run.start : run.end]
        spoken = not any(char.isascii() for char in said) and TURN not in said
        bare = _is_bare(view, run) and not is_price_or_year(view, run)
        if not (bare or (spoken and count >= _SHORTEST_SPOKEN)) or _HOTLINE.fullmatch(run.digits):
            return False
    return not is_amount(view, run)


def _with_letters(view: View, run: Run) -> tuple[int, int]:
    """The run with the letters that belong to it: P990024700316, 99020319861308109X."""
    head = _LETTERS_BEFORE.search(view.folded, max(0, run.start - 13), run.start)
    tail = _LETTERS_AFTER.match(view.folded, run.end) or (
        _CHECK_X.match(view.folded, run.end) if len(run.digits) >= 14 else None
    )
    return head.start() if head else run.start, tail.end() if tail else run.end


def find_numbers(view: View) -> Iterator[PiiSpan]:
    """Phone, identity and card numbers, and any other number of seven digits and more that is no amount."""
    for found in find_runs(without_dates(view)):
        if len(found.digits) < _SHORTEST_BARE:
            continue
        for run in whole_numbers(view, found):
            if len(run.digits) >= _SHORTEST_BARE and _is_personal(view, run):
                yield from _spans(view, run)


def _spans(view: View, run: Run) -> Iterator[PiiSpan]:
    """One span for each utterance that a number stands in."""
    start, end = _with_letters(view, run)
    before = view.folded[max(0, start - _CONTEXT_CHARS) : start]
    kind = kind_of(run.digits, before)
    letters = view.folded[start : run.start].strip(" -")
    if kind is PiiKind.NUMBER and letters:
        kind = lettered_kind(letters, run.digits, before)
    parts = in_turns(view, run)
    starts = [start, *(part.start for part in parts[1:])]
    ends = [*(part.end for part in parts[:-1]), end]
    for left, right in zip(starts, ends, strict=True):
        yield PiiSpan(left, right, kind)
