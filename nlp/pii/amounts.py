"""Numbers that are evidently money, dates, times or quantities: managers read them, so they stay."""

import re
from itertools import pairwise

from nlp.pii.kinds import known_kind
from nlp.pii.runs import Run, groups
from nlp.pii.view import View

_YEAR = r"(?:19|20)[0-9]{2}"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_DAY = r"(?:[12][0-9]|3[01]|0?[1-9])"
_CALENDAR = re.compile(
    rf"(?<![0-9]){_YEAR}([-./]){_MONTH}\1{_DAY}(?![0-9])"
    rf"|(?<![0-9]){_YEAR}\s?[-~—至到]\s?{_YEAR}(?![0-9])"
    rf"|(?<![0-9])(?:{_YEAR}|[0-9]{{2}})\s?年(?:\s?{_MONTH}\s?月)?(?:\s?{_DAY}\s?[日号])?"
    rf"|(?<![0-9]){_MONTH}\s?月\s?{_DAY}\s?[日号]?(?![0-9])"
    r"|(?<![0-9])[0-2]?[0-9][:：][0-5][0-9](?:[:：][0-5][0-9])?(?![0-9])"
)
_DATE_OF_8 = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")

_UNIT = re.compile(
    # 千万, 万一, 人家, 名字, 天天, 分机, 个人, 只有 and 位置 begin another word.
    r"\s?[多余几来]?(?:[块元圆亿百角毛%％‰倍折度寸]|万(?!一)|千(?!万)|人(?!家)|名(?!字)|天(?!天)|分(?!机)|个(?!人)|只(?![有能要是])|位(?!置)"
    r"|[次件条张台辆套瓶箱份页层楼年月秒岁期股路线步粒]|平|米|吨|斤|升|克|公[里斤]|毫|像素|美[元金]|港币|人民币|小时|点钟"
    r"|[kKwW][mgGhH]?\b|[GgMmTt][Bb]\b|[Mm][Aa][Hh]|rmb|RMB)"
)
_MONEY = re.compile(r"\s?多?[块元]")
_CURRENCY = re.compile(r"(?:[¥￥$€£]|RMB|rmb)\s?$")
_VALUE = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,2})?")
_PRICE = re.compile(r"[1-9][0-9]{0,4}[0589]")
_GROUPS_OF_RANGE = re.compile(r"\s?[\-~～–—、]\s?")
_ROUND = re.compile(r"[1-9][0-9]{1,3}[05]")
_YEARS = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}")
_NUMBER_WORD = re.compile("电话|手机|号码|卡号|身份|微信|座机|热线|打")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:[,，][0-9]{3})+")
_DECIMAL = re.compile(r"[0-9]{1,4}\.[0-9]+")
_SAME_DIGIT = re.compile(r"([0-9])\1+|23+")
_COUNTING = "12345678910111213141516171819202122232425"
_BARGAINING = re.compile("[块元钱价贵折买卖费]|便宜|优惠")
_BARGAINING_WITHIN = 20
"""Characters before and after a list of prices in which money must be spoken of."""


def without_dates(view: View) -> View:
    """The view with dates and times of day taken out of its digits."""
    return View(view.text, view.folded, _CALENDAR.sub(lambda match: "年" * len(match[0]), view.digits))


def is_amount(view: View, run: Run) -> bool:
    """Whether a run is evidently no identifier: followed by a unit, a price list, a range, a date, laughter (23333)."""
    written = view.digits[run.start : run.end]
    if _SAME_DIGIT.fullmatch(run.digits) or _DATE_OF_8.fullmatch(written) or _is_counting(view, run):
        return True
    values = [written] if _THOUSANDS.fullmatch(written) else re.split(r"[^0-9.]+", written)
    if not all(_VALUE.fullmatch(value.replace(",", "").replace("，", "")) for value in values):
        return bool(_DECIMAL.fullmatch(written))
    if known_kind(run.digits):
        return len(values) > 1 and bool(_MONEY.match(view.folded, run.end)) and _are_prices(view, run)
    if _UNIT.match(view.folded, run.end) or _CURRENCY.search(view.folded, max(0, run.start - 4), run.start):
        return True
    if _NUMBER_WORD.search(view.folded, max(0, run.start - 8), run.start):
        return False
    return _is_range(written) or all("." in value for value in values) or _is_price_list(view, run)


def _is_range(written: str) -> bool:
    """3000-3500, 1815-1897, 2006、2008."""
    low, *rest = _GROUPS_OF_RANGE.split(written)
    if len(rest) != 1 or not low < rest[0] or len(low) > len(rest[0]):
        return False
    return all(_ROUND.fullmatch(value) for value in (low, rest[0])) or all(
        _YEARS.fullmatch(value) for value in (low, rest[0])
    )


def _is_counting(view: View, run: Run) -> bool:
    """一二三四五六七, 1、2、3、4: each number one more than the one before."""
    parts = groups(view, run)
    if len(parts) == 1:
        return not view.folded[run.start].isascii() and run.digits in _COUNTING
    return all(int(right.digits[-4:]) == int(left.digits[-4:]) + 1 for left, right in pairwise(parts))


def _are_prices(view: View, run: Run) -> bool:
    parts = groups(view, run)
    return len(parts) > 1 and all(_PRICE.fullmatch(part.digits) for part in parts)


def _is_price_list(view: View, run: Run) -> bool:
    nearby = view.folded[max(0, run.start - _BARGAINING_WITHIN) : run.end + _BARGAINING_WITHIN]
    return _are_prices(view, run) and bool(_BARGAINING.search(nearby))


def is_price_or_year(view: View, run: Run) -> bool:
    """Whether four to six digits look like a price (2680, 12999) or a year when nothing was said beside them."""
    written = view.folded[run.start : run.end]
    return bool(_YEARS.fullmatch(run.digits) or (written.isascii() and _PRICE.fullmatch(run.digits)))
