"""What kind of number a run of digits is."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from stdnum import luhn
from stdnum.cn import ric

from models.labels import PiiKind
from nlp.pii.amounts import is_amount, without_dates
from nlp.pii.runs import Run, find_runs, groups
from nlp.pii.span import PiiSpan
from nlp.pii.view import TURN, View

_SHORTEST: Final = 7
"""Digits from which any run is personal data unless it is evidently something else."""
_SHORTEST_SPOKEN: Final = 5
"""The same for digits said one by one: nobody reads a price as 三三五六七."""
_CONTEXT_CHARS: Final = 14

_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9][0-9]{9}")
# A region, a year of birth; 62 begins the cards of UnionPay. No month is asked for: one digit misheard spoils it.
_BIRTH = re.compile(r"(?!62)[0-9]{6}(?:19|20)[0-9]{2}[0-9]*")
_OLD_ID = re.compile(r"[1-6][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
_TOLL_FREE = re.compile(r"[48]00[0-9]{7}")
_CHECK_X = re.compile(r"[\s,，.、\-]?(?:[Xx×]|艾克斯|爱克斯|叉)")
_HOTLINE = re.compile(r"9[56][0-9]{3}|123[0-9]{2}|10[01][0-9]{2,3}")
_LETTERS_BEFORE = re.compile(r"[A-Za-z]{1,12}[\s\-]?$|(?:(?<![A-Za-z])[A-Z][\s\-]?){1,4}$")
_LETTERS_AFTER = re.compile(r"[A-Za-z0-9]+")

_SAID_ID = re.compile("身份|证件")
_SAID_CARD = re.compile("卡")
_SAID_MOBILE = re.compile("手机")
_SAID_PHONE = re.compile("电话|座机|固话|热线|传真|打")
_SAID_PASSPORT = re.compile("护照|通行证")
_SAID_POLICY = re.compile("保单|投保|保险单")


def _fixed_phone(digits: str) -> bool:
    if not re.fullmatch(r"0[1-9][0-9]{8,10}", digits):
        return False
    import phonenumbers  # noqa: PLC0415  # its tables load only when an area code was heard

    return phonenumbers.is_valid_number(phonenumbers.parse(digits, "CN"))


def _is_id(digits: str, *, said: bool) -> bool:
    count = len(digits)
    if count == 18 and ric.is_valid(digits):
        return True
    # Recognition drops and doubles digits: a partly misheard identity number is still one.
    return (said and 13 <= count <= 20) or (17 <= count <= 19 and bool(_BIRTH.fullmatch(digits)))


@cache
def _known(digits: str) -> PiiKind | None:
    """The kind that the digits alone prove."""
    if _MOBILE.fullmatch(digits):
        return PiiKind.MOBILE
    if _is_id(digits, said=False):
        return PiiKind.ID_CARD
    if 16 <= len(digits) <= 19 and (luhn.is_valid(digits) or digits.startswith("62")):
        return PiiKind.BANK_CARD
    return PiiKind.PHONE if _TOLL_FREE.fullmatch(digits) or _fixed_phone(digits) else None


def _kind(digits: str, before: str) -> PiiKind:
    known = _known(digits)
    if known in {PiiKind.MOBILE, PiiKind.PHONE}:
        return known
    if _is_id(digits, said=bool(_SAID_ID.search(before))) or _OLD_ID.fullmatch(digits):
        return PiiKind.ID_CARD
    if known:
        return known
    if 13 <= len(digits) <= 20 and _SAID_CARD.search(before):
        return PiiKind.BANK_CARD
    if 10 <= len(digits) <= 12 and _SAID_MOBILE.search(before):
        return PiiKind.MOBILE
    return PiiKind.PHONE if len(digits) <= 12 and _SAID_PHONE.search(before) else PiiKind.NUMBER


def _turns(view: View, run: Run) -> list[Run]:
    """The parts of a run that stand in one utterance each."""
    parts: list[Run] = []
    for group in groups(view, run):
        if parts and TURN not in view.text[parts[-1].end : group.start]:
            parts[-1] = Run(parts[-1].start, group.end, parts[-1].digits + group.digits)
        else:
            parts.append(group)
    return parts


def _one_number(view: View, parts: list[Run]) -> bool:
    """Whether the parts that two speakers said in turn are one number, not two prices."""
    if any(_known(part.digits) or len(part.digits) < 3 for part in parts):
        return False
    digits = "".join(part.digits for part in parts)
    spoken = any(not view.folded[part.start : part.end].isascii() for part in parts)
    zeros = any(group.digits.startswith("0") for part in parts for group in groups(view, part))
    long = any(len(part.digits) >= _SHORTEST for part in parts)
    return bool(re.fullmatch(r"1[3-9][0-9]{8,10}", digits)) or len(digits) >= 12 or spoken or zeros or long


def _complete_apart(view: View, run: Run) -> Iterator[Run]:
    """The run cut where one of its groups is a whole number by itself: 12800，13900002718."""
    pending: Run | None = None
    for group in groups(view, run):
        if _known(group.digits):
            if pending:
                yield pending
            yield group
            pending = None
        else:
            pending = Run(pending.start, group.end, pending.digits + group.digits) if pending else group
    if pending:
        yield pending


def _numbers(view: View) -> Iterator[Run]:
    for found in find_runs(without_dates(view)):
        if len(found.digits) < _SHORTEST_SPOKEN:
            continue
        apart = list(_complete_apart(view, found))
        for run in apart if len(apart) > 1 else [found]:
            parts = _turns(view, run)
            if len(parts) == 1 or _one_number(view, parts):
                yield run
            else:
                yield from parts


def _is_personal(view: View, run: Run) -> bool:
    if _MOBILE.fullmatch(run.digits) and len(groups(view, run)) == 1:
        return True
    count = len(run.digits)
    if count < _SHORTEST:
        said = view.folded[run.start : run.end]
        spoken = not any(char.isascii() for char in said) and TURN not in said
        if not (spoken and count >= _SHORTEST_SPOKEN) or _HOTLINE.fullmatch(run.digits):
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
    for run in _numbers(view):
        if not _is_personal(view, run):
            continue
        start, end = _with_letters(view, run)
        before = view.folded[max(0, start - _CONTEXT_CHARS) : start]
        kind = _kind(run.digits, before)
        lettered = view.folded[start : run.start].strip(" -")
        if kind is PiiKind.NUMBER and lettered:
            kind = _lettered_kind(lettered, run.digits, before)
        parts = _turns(view, run)
        starts = [start, *(part.start for part in parts[1:])]
        ends = [*(part.end for part in parts[:-1]), end]
        for left, right in zip(starts, ends, strict=True):
            yield PiiSpan(left, right, kind)


def _lettered_kind(letters: str, digits: str, before: str) -> PiiKind:
    if _SAID_PASSPORT.search(before) or (letters.upper() in {"E", "G"} and len(digits) == 8):
        return PiiKind.PASSPORT
    return PiiKind.POLICY_NO if _SAID_POLICY.search(before) else PiiKind.NUMBER
