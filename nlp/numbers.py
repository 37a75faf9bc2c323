"""Spoken Chinese numbers as digits."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from nlp.aligned import Aligned

if TYPE_CHECKING:
    from cn2an import Cn2An

DIGITS: Final = dict(zip("零〇一二两三四五六七八九幺", "0012234567891", strict=True))
"""Characters that name one digit."""

_DIGIT = "零〇一二两三四五六七八九幺"
_SCALE = "十百千万亿"
_LONGEST = 40
"""Characters; 9,999,999,999,999,999 takes 31."""

# Numerals in these are words, not numbers.
_IDIOMS = (
    "三心二意|一心一意|三三两两|七七八八|一五一十|三番五次|三番两次|五花八门|乱七八糟|七上八下|四面八方|十万火急|万无一失|"
    "百分百|三百六十行|一千零一夜|十全十美|九牛一毛|五湖四海|四通八达|三天两头|三年五载|一年半载|十有八九|八九不离十|"
    "不三不四|丢三落四|颠三倒四|说三道四|推三阻四|接二连三|独一无二|二话不说|一清二楚|一干二净|一来二去|三言两语|一一"
)
_NUMBER = re.compile(
    rf"(?P<idiom>{_IDIOMS})"
    rf"|(?<![0-9.{_DIGIT}{_SCALE}])百分之(?P<percent>[{_DIGIT}十百]++(?:点[{_DIGIT}]++)?)(?![0-9.{_SCALE}])"
    # 三点五 and 三点五万 are decimals, 三点五十 and 三点五分 are times of day.
    rf"|(?<![0-9.{_DIGIT}{_SCALE}])(?P<whole>[{_DIGIT}{_SCALE}]++)点(?P<part>[{_DIGIT}]++)(?P<scale>[万亿]?)(?![0-9.{_SCALE}分点刻])"
    rf"|(?<![0-9.{_DIGIT}{_SCALE}])(?P<plain>[{_DIGIT}{_SCALE}]++)(?![0-9.])"
)

# One numeral is a number before these only (三天, 八折); 一天, 一块, 一点 mean "a day, together, a little".
_UNITS_OF_ONE = "块元天年月号折倍点"
_UNITS_OF_TEN = "个块元天年月日号点秒人次倍岁张件台条多小"


@cache
def _reader() -> "Cn2An":
    import cn2an  # only texts with numbers pay for its tables

    return cn2an.Cn2An()


def _value(numeral: str) -> str | None:
    """The decimal digits of a numeral with 十百千万亿, or None where it is not one (三四十, 千万)."""
    if numeral[0] in "百千万亿" or len(numeral) > _LONGEST or "幺" in numeral:
        return None
    try:
        return str(_reader().cn2an(numeral, "normal"))
    except (ValueError, KeyError):  # cn2an 0.5 raises KeyError for 十二亿三
        return None


def _whole(numeral: str) -> str | None:
    if any(char in _SCALE for char in numeral):
        return _value(numeral)
    return "".join(DIGITS[char] for char in numeral)


def _plain(numeral: str, before: str, after: str) -> str | None:
    if numeral == "十":
        minutes = after.startswith("分") and (before.endswith("点") or after.startswith("分钟"))
        return "10" if minutes or (after[:1] and after[0] in _UNITS_OF_TEN and before[-1:] != "几") else None
    if any(char in _SCALE for char in numeral):
        return None if before[-1:] in {"几", "数", "好"} or after[:1] == "几" else _value(numeral)
    if len(numeral) >= 3 and "两" not in numeral:
        return "".join(DIGITS[char] for char in numeral)
    if len(numeral) == 2 and after[:1] == "折":
        return "".join(DIGITS[char] for char in numeral)
    if len(numeral) == 1 and numeral not in "一幺零〇" and after[:1] and after[0] in _UNITS_OF_ONE:
        return DIGITS[numeral]
    return None


def _digits(match: re.Match[str]) -> str:
    said = match[0]
    if match["idiom"]:
        return said
    if match["percent"]:
        whole, _, part = match["percent"].partition("点")
        value = _whole(whole)
        return said if value is None else value + _fraction(part) + "%"
    if match["whole"]:
        value = _whole(match["whole"])
        return said if value is None else value + _fraction(match["part"]) + match["scale"]
    before = match.string[max(0, match.start() - 1) : match.start()]
    return _plain(match["plain"], before, match.string[match.end() : match.end() + 2]) or said


def _fraction(part: str) -> str:
    return "." + "".join(DIGITS[char] for char in part) if part else ""


def with_digits(aligned: Aligned) -> Aligned:
    """The text with spoken numbers as digits: 一百二十三 -> 123, 幺三八 -> 138, 百分之三点五 -> 3.5%.

    Numerals that are parts of words (一下, 万一, 十分, 三心二意) or vague (三四十, 几百) stay as they are.
    """
    return aligned.substitute(_NUMBER, _digits)
