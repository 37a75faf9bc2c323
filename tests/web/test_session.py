"""Claims about sessions, their cookies and where a sign-in leads."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from server.web.session import SESSION_COOKIE, SESSION_LASTS, SessionCookies, local_path, new_session

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
COOKIES = SessionCookies("a secret that only the server knows")


def request(*, cookie: str = "", scheme: str = "http") -> Request:
    """Make a request that carries a cookie."""
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope | {"scheme": scheme, "server": ("127.0.0.1", 80)})


def written(cookies: SessionCookies = COOKIES, *, scheme: str = "http") -> str:
    """Return the Set-Cookie header of a signed-in session."""
    response = Response()
    session = new_session(NOW, tenant="bank", login="li")
    cookies.write(response, session, request=request(scheme=scheme))
    return response.headers["set-cookie"]


def test_a_session_comes_back_as_it_was_written() -> None:
    """The cookie says who signed in."""
    session = COOKIES.read(request(cookie=written().split(";")[0]), now=NOW)
    assert session is not None
    assert (session.tenant, session.login, session.by_link) == ("bank", "li", False)


def test_a_session_ends_after_twelve_hours() -> None:
    """It holds to the last second and not one longer."""
    cookie = written().split(";")[0]
    assert SESSION_LASTS.total_seconds() == 12 * 3600
    assert COOKIES.read(request(cookie=cookie), now=NOW + SESSION_LASTS - timedelta(seconds=1)) is not None
    assert COOKIES.read(request(cookie=cookie), now=NOW + SESSION_LASTS) is None


def test_a_changed_cookie_is_nobodys() -> None:
    """Each character of the cookie counts."""
    name, _, value = written().split(";")[0].partition("=")
    for place in range(0, len(value), 7):
        other = "A" if value[place] != "A" else "B"
        forged = f"{name}={value[:place]}{other}{value[place + 1 :]}"
        assert COOKIES.read(request(cookie=forged), now=NOW) is None


def test_another_secrets_cookie_is_nobodys() -> None:
    """A cookie signed elsewhere is not believed."""
    foreign = written(SessionCookies("another secret")).split(";")[0]
    assert COOKIES.read(request(cookie=foreign), now=NOW) is None


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters=";\x00\r\n"), max_size=60))
def test_any_cookie_is_read(value: str) -> None:
    """Nothing that a client may send breaks a page or signs anybody in."""
    assert COOKIES.read(request(cookie=f"{SESSION_COOKIE}={value}"), now=NOW) is None


def test_cookie_flags() -> None:
    """Scripts cannot read it, other sites cannot send it, and over TLS it stays there."""
    plain, secure = written(), written(scheme="https")
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Secure" not in plain
    assert "Secure" in secure


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "evil",
        "",
        "javascript:alert(1)",
        None,
    ],
)
def test_a_sign_in_leads_nowhere_else(elsewhere: str | None) -> None:
    """Only a path of ours is followed after a sign-in."""
    assert local_path(elsewhere) == "/"


@pytest.mark.parametrize("path", ["/", "/customers/C-1?x=1", "/journeys/bank_branch#a", "/客户"])
def test_a_sign_in_leads_back(path: str) -> None:
    """A path of ours is kept."""
    assert local_path(path) == path
