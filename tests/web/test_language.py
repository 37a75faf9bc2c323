"""Claims about which language a page speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from server.web.language import Language, language_of, preferred


def request(*, query: str = "", cookie: str = "", accept: str = "") -> Request:
    """Make a request as a browser sends it."""
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accept.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("en-US,en;q=0.9,zh;q=0.1", Language.EN),
        ("fr-FR,fr;q=0.9,en;q=0.4,zh;q=0.7", Language.ZH),
        ("zh;q=0,en;q=0.1", Language.EN),
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
    assert language_of(request(query="lang=en", cookie="voicetrail_language=zh", accept="zh")) is Language.EN
    assert language_of(request(cookie="voicetrail_language=en", accept="zh")) is Language.EN
    assert language_of(request(accept="en")) is Language.EN
    assert language_of(request()) is Language.ZH


def test_unknown_choices_are_passed_over() -> None:
    """A language that we do not have leaves the browser's."""
    assert language_of(request(query="lang=fr", cookie="voicetrail_language=x", accept="en")) is Language.EN


@given(st.text(max_size=80))
def test_any_header_is_read(accept: str) -> None:
    """No header that a client may send breaks the page."""
    assert preferred(accept) in {None, *Language}
