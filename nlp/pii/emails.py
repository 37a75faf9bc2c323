"""E-mail addresses, written and spelt out."""

import re
from collections.abc import Iterator

from models.labels import PiiKind
from nlp.pii.span import PiiSpan
from nlp.pii.view import View

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._%+\-]|[ ,，](?=[A-Za-z0-9](?![A-Za-z]))|下划线|杠|点){0,63}"
_AT = r"\s*(?:@|艾特|爱特|圈[aA]|小老鼠|(?<![A-Za-z])[aA][tT](?![A-Za-z]))\s*"
_DOT = r"\s*(?:\.|点|[dD][oO][tT]|。)\s*"
_DOMAIN = rf"[A-Za-z0-9\-]{{1,40}}(?:{_DOT}[A-Za-z0-9\-]{{1,40}}){{0,3}}"
_TOP = r"(?:[A-Za-z]{2,12}|扣母|扣姆|康姆|靠姆|抗姆|看姆|com|中国)"
_EMAIL = re.compile(rf"{_NAME}{_AT}{_DOMAIN}?{_DOT}{_TOP}")
_MOST_CHARS = 254
"""RFC 5321, 4.5.3.1.3."""
_AT_SIGN = re.compile(_AT)


def find_emails(view: View) -> Iterator[PiiSpan]:
    """Addresses such as a.b@c.cn, 一三八艾特幺六三点com."""
    for sign in _AT_SIGN.finditer(view.digits):
        for match in _EMAIL.finditer(view.digits, max(0, sign.start() - 80), min(len(view.digits), sign.end() + 120)):
            if match.end() - match.start() <= _MOST_CHARS:
                yield PiiSpan(match.start(), match.end(), PiiKind.EMAIL)
