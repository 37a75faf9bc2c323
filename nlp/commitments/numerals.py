"""Small numbers as people say them."""

from functools import cache
from typing import Final

_ONE: Final = "[一二三四五六七八九]"
NUMERAL: Final = f"(?:[0-9]{{1,3}}|{_ONE}?十{_ONE}?|廿{_ONE}?|[零一二两三四五六七八九])"
"""A pattern for what `value_of` reads: below a hundred, or in digits below a thousand."""

MONTH: Final = "(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
"""1 to 12."""
HOUR: Final = "(?:2[0-4]|1[0-9]|0?[0-9]|二十[一二三四]?|十[一二三四五六七八九]?|[零一二两三四五六七八九])"
"""0 to 24."""


@cache
def value_of(numeral: str) -> int:
    """The value of what NUMERAL matches: 十二, 两, 廿八, 15."""
    import cn2an  # only texts with numbers pay for its tables

    return int(cn2an.cn2an(numeral.replace("两", "二").replace("廿", "二十"), "smart"))
