"""Number plates of vehicles."""

import re
from collections.abc import Iterator

from models.labels import PiiKind
from nlp.pii.span import PiiSpan
from nlp.pii.view import View

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
# How recognition writes the province of a plate that was read aloud: 护A, 书E, 月B.
_HEARD = "户护互酥书输经精月越岳哲这折着万完赶进近川穿船金今"
_JOINT = r"[\s\-·•.,，、]{0,2}"
# GA 36-2018: five characters with at most two letters (never I or O), or six for new energy with a letter at one end.
_FIVE = rf"(?:[A-HJ-NP-Z0-9]{_JOINT}){{4}}[A-HJ-NP-Z0-9挂学警港澳]"
_SIX = rf"(?:[A-HJK]{_JOINT}[A-HJ-NP-Z0-9]{_JOINT}(?:[0-9]{_JOINT}){{3}}[0-9]|(?:[0-9]{_JOINT}){{5}}[A-HJK])"
_PLATE = re.compile(
    rf"(?:[{_PROVINCE}]|(?P<heard>[{_HEARD}])|(?<=车牌)|(?<=牌照)|(?<=车牌号)|(?<=车牌是)|(?<=车牌号是))"
    rf"{_JOINT}[A-HJ-NP-Z]{_JOINT}(?:{_SIX}|{_FIVE})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_MOST_LETTERS = 2
"""Letters beside the one of the city."""


def find_plates(view: View) -> Iterator[PiiSpan]:
    """Plates of civilian, new-energy, trailer, training, police and embassy vehicles, written or spelt out."""
    for match in _PLATE.finditer(view.digits):
        rest = match[0]
        letters = sum(char.isascii() and char.isalpha() for char in rest) - 1
        if letters <= _MOST_LETTERS and sum(char.isdigit() for char in rest) >= 3:
            yield PiiSpan(match.start(), match.end(), PiiKind.PLATE)
