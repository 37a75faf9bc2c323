"""Claims about which language a page speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language import LANGUAGE_COOKIE, LANGUAGE_PARAMETER, Language, asked_for, preferred


def asked(*, parameter: str = "", cookie: str = "", accept: str = "") -> Language:
    """Return the language of a request that says so."""
    return asked_for(
        parameters={LANGUAGE_PARAMETER: parameter} if parameter else {},
        cookies={LANGUAGE_COOKIE: cookie} if cookie else {},
        accept_language=accept,
    )


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("en-US,en;q=0.9,zh;q=0.1", Language.EN),
        ("fr-FR,fr;q=0.9,en;q=0.4,zh;q=0.7", Language.ZH),
        ("zh;q=0,en;q=0.1", Language.EN),
        ("en-GB,zh;q=0.9", Language.EN),
        ("fr, zh-TW;q=0.5, en;q=0.4", Language.ZH),
        ("en;q=², zh;q=0.1", Language.ZH),
        ("de", None),
        ("*", None),
        ("", None),
        ("en;q=broken,zh;q=0.1", Language.ZH),
    ],
)
def test_the_browsers_order_counts(accept: str, expected: Language | None) -> None:
    """The language of ours with the highest weight wins, a weight of 0 excludes it."""
    assert preferred(accept) is expected


def test_choice_beats_memory_beats_browser() -> None:
    """The parameter comes first, then the cookie, then the browser, then Chinese."""
    assert asked(parameter="en", cookie="zh", accept="zh") is Language.EN
    assert asked(cookie="en", accept="zh") is Language.EN
    assert asked(accept="en") is Language.EN
    assert asked() is Language.ZH


def test_unknown_choices_are_passed_over() -> None:
    """A language that we do not have leaves the browser's."""
    assert asked(parameter="fr", cookie="x", accept="en") is Language.EN


@given(st.text(max_size=80))
def test_any_header_is_read(accept: str) -> None:
    """No header that a client may send breaks the page."""
    assert preferred(accept) in {None, *Language}
