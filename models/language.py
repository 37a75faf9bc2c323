"""Which language a page speaks: the person's choice, else the browser's, else Chinese.

Here because both applications have pages, and neither may import the other.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

LANGUAGE_COOKIE: Final = "voicetrail_language"
LANGUAGE_COOKIE_S: Final = 365 * 24 * 3600
"""How long a choice is remembered."""
LANGUAGE_PARAMETER: Final = "lang"


class Language(StrEnum):
    """The languages of the pages."""

    ZH = "zh"
    EN = "en"

    @property
    def tag(self) -> str:
        """The BCP 47 tag for the lang attribute."""
        return {"zh": "zh-CN", "en": "en"}[self.value]

    @property
    def own_name(self) -> str:
        """What its readers call it, short."""
        return {"zh": "中文", "en": "EN"}[self.value]


def chosen(text: str | None) -> Language | None:
    """Return the language that a parameter or cookie names, None when it names none of ours."""
    return Language(text) if text in set(Language) else None


def preferred(accept_language: str) -> Language | None:
    """Return our language that the browser likes best (RFC 9110, 12.5.4), None when it likes none of them."""
    ranked: list[tuple[float, int, Language]] = []
    for place, item in enumerate(accept_language.split(",")):
        tag, _, weight = item.strip().partition(";")
        language = chosen(tag.strip().lower().split("-")[0])
        quality = _quality(weight)
        if language is not None and quality > 0:
            ranked.append((-quality, place, language))
    return min(ranked)[2] if ranked else None


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    whole, _, part = value.strip().partition(".")
    return float(f"{whole}.{part or 0}") if (whole + part).isascii() and (whole + part).isdigit() and whole else 0.0


def asked_for(*, parameters: Mapping[str, str], cookies: Mapping[str, str], accept_language: str) -> Language:
    """Return the language of a request: `?lang=`, then the cookie, then Accept-Language, then Chinese."""
    return (
        chosen(parameters.get(LANGUAGE_PARAMETER))
        or chosen(cookies.get(LANGUAGE_COOKIE))
        or preferred(accept_language)
        or Language.ZH
    )
