"""What kind of number digits are, by themselves and by the words before them."""

import re

from stdnum import luhn
from stdnum.cn import ric

from models.labels import PiiKind

_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9][0-9]{9}")
# A region, a year of birth; 62 begins the cards of UnionPay. No month is asked for: one digit misheard spoils it.
_BIRTH = re.compile(r"(?!62)[0-9]{6}(?:19|20)[0-9]{2}[0-9]*")
_OLD_ID = re.compile(r"[1-6][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
_TOLL_FREE = re.compile(r"[48]00[0-9]{7}")

_SAID_ID = re.compile("身份|证件")
_SAID_CARD = re.compile("卡")
_SAID_MOBILE = re.compile("手机")
_SAID_PHONE = re.compile("电话|座机|固话|热线|传真|打")
_SAID_PASSPORT = re.compile("护照|通行证")
_SAID_POLICY = re.compile("保单|投保|保险单")


def _fixed_phone(digits: str) -> bool:
    if not re.fullmatch(r"0[1-9][0-9]{8,10}", digits):
        return False
    import phonenumbers  # its tables load only when an area code was heard

    return phonenumbers.is_valid_number(phonenumbers.parse(digits, "CN"))


def _is_id(digits: str, *, said: bool) -> bool:
    count = len(digits)
    if count == 18 and ric.is_valid(digits):
        return True
    # Recognition drops and doubles digits: a partly misheard identity number is still one.
    return (said and 13 <= count <= 20) or (17 <= count <= 19 and bool(_BIRTH.fullmatch(digits)))


def known_kind(digits: str) -> PiiKind | None:
    """The kind that the digits alone prove."""
    if _MOBILE.fullmatch(digits):
        return PiiKind.MOBILE
    if _is_id(digits, said=False):
        return PiiKind.ID_CARD
    if 16 <= len(digits) <= 19 and (luhn.is_valid(digits) or digits.startswith("62")):
        return PiiKind.BANK_CARD
    return PiiKind.PHONE if _TOLL_FREE.fullmatch(digits) or _fixed_phone(digits) else None


def kind_of(digits: str, before: str) -> PiiKind:
    """The likeliest kind, NUMBER for none; `before` are the words before the digits."""
    known = known_kind(digits)
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


def lettered_kind(letters: str, digits: str, before: str) -> PiiKind:
    """The kind of digits with letters before them: E12345678, P990024700316."""
    if _SAID_PASSPORT.search(before) or (letters.upper() in {"E", "G"} and len(digits) == 8):
        return PiiKind.PASSPORT
    return PiiKind.POLICY_NO if _SAID_POLICY.search(before) else PiiKind.NUMBER
