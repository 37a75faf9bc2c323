"""One text seen three ways, character for character."""

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from models.labels import PII_LABELS

TURN: Final = "\ue001"
"""Stands between the utterances of several turns that are looked at together (private use area)."""

_OPAQUE: Final = "\ue000"
"""Stands for each character of a mask, so that nothing is found in it or across it."""

_MASK = re.compile("〔(?:" + "|".join(PII_LABELS.values()) + ")〕")

# What detectors compare with, in traditional characters: text of a user's own model may not be simplified.
_TRADITIONAL = dict(
    zip(
        "號電話單訂銀機碼證護車貳陸參兩帳郵尾滬蘇粵遼魯貴雲陝寧瓊贛冀閩",
        "号电话单订银机码证护车贰陆叁两账邮尾沪苏粤辽鲁贵云陕宁琼赣冀闽",
        strict=True,
    )
)
_SPOKEN = dict(zip("零〇○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺洞拐", "0001234567891234567891" + "07", strict=True))


@cache
def _folding() -> dict[int, str]:
    half_width = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    decimals = {
        code: str(unicodedata.decimal(chr(code))) for code in range(128, sys.maxunicode) if chr(code).isdecimal()
    }
    traditional = {ord(old): new for old, new in _TRADITIONAL.items()}
    return half_width | decimals | traditional | {0x3000: " "}


_TO_DIGITS = {ord(said): digit for said, digit in _SPOKEN.items()}


@dataclass(frozen=True, slots=True)
class View:
    """One text in three spellings of the same length, so that a place in one is the same place in the others."""

    text: str
    """As it is kept."""
    folded: str
    """Half width, simplified where detectors look, masks opaque."""
    digits: str
    """`folded` with digits said one by one written 0-9."""

    @classmethod
    def of(cls, text: str) -> "View":
        """The view of a text that may already hold masks."""
        folded = opaque(text).translate(_folding())
        return cls(text, folded, folded.translate(_TO_DIGITS))


def opaque(text: str) -> str:
    """The text with every character of a mask replaced by one that is part of nothing."""
    return _MASK.sub(lambda match: _OPAQUE * len(match[0]), text) if "〔" in text else text


def masks_in(text: str) -> list[re.Match[str]]:
    """The masks that stand in a text."""
    return list(_MASK.finditer(text))
