"""Who looks at a page: a signed cookie, a token in every form, and the way to the sign-in page.

The cookie says who signed in and until when; it is signed, not encrypted, and holds no secret but the form token.
The account is looked up on every request, so one that is removed is out at once.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from fastapi import Request
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from models.errors import RejectedError
from models.noun import Moment, Name, Noun
from server.access.repository import find_account
from server.store.database import Database

SIGN_IN_PATH: Final = "/sign-in"
SESSION_COOKIE: Final = "voicetrail_session"
SESSION_LASTS: Final = timedelta(hours=12)
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
MAX_FORM_BYTES: Final = 64 * 1024
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInRequiredError(RejectedError):
    """The page is for people who are signed in."""

    code = "sign_in_required"

    def __init__(self, next_path: str) -> None:
        super().__init__("The page is for people who are signed in.", advice="Sign in.")
        self.next_path = next_path


class CsrfError(RejectedError):
    """A form came without the token of the session that it was made for."""

    code = "csrf_refused"


class FormTooLargeError(RejectedError):
    """A form is larger than any of ours, or does not say how large it is."""

    code = "form_too_large"


@dataclass(frozen=True, kw_only=True)
class SessionUser:
    """A person who is signed in."""

    tenant: str
    login: str
    role: str


class Session(Noun):
    """What the cookie carries; without a login it only proves that a form came from our own page."""

    csrf: str
    expires_at: Moment
    tenant: Name | None = None
    login: Name | None = None
    by_link: bool = False
    """Signed in by a one-time link, which may set a password without knowing the old one."""


def new_session(
    now: datetime, *, tenant: str | None = None, login: str | None = None, by_link: bool = False
) -> Session:
    """Begin a session with a form token of its own."""
    return Session(
        csrf=secrets.token_urlsafe(24), expires_at=now + SESSION_LASTS, tenant=tenant, login=login, by_link=by_link
    )


class SessionCookies:
    """Writes sessions into signed cookies and reads them back."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="voicetrail.session.1")

    def read(self, request: Request, *, now: datetime) -> Session | None:
        """Return the session of a request; None when there is none, it is over, or its signature is not ours."""
        cookie = request.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        try:
            session = Session.model_validate_json(self._signer.loads(cookie))
        except (BadSignature, ValidationError):
            return None
        return session if session.expires_at > now else None

    def write(self, response: Response, session: Session, *, request: Request) -> None:
        """Set the cookie: out of reach of scripts, not sent from other sites, over TLS only where there is TLS."""
        response.set_cookie(
            SESSION_COOKIE,
            str(self._signer.dumps(session.model_dump_json())),
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )

    def clear(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")


def cookies_of(request: Request) -> SessionCookies:
    """Return the application's cookies, made with its secret at the first request that needs them."""
    state = request.app.state
    if not hasattr(state, "session_cookies"):
        state.session_cookies = SessionCookies(state.settings.session_secret())
    cookies: SessionCookies = state.session_cookies
    return cookies


def local_path(text: str | None) -> str:
    """Return the path if it leads to a page of ours, else the overview: a sign-in must not send people elsewhere."""
    # Browsers read a backslash as a slash and drop tabs and line ends, so //host can hide in either.
    if text is None or not text.startswith("/") or text.startswith("//") or not text.isprintable() or "\\" in text:
        return "/"
    return text


def _asked_for(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return local_path(f"{quote(request.url.path)}{query}") if request.method in SAFE_METHODS else "/"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A session together with the person whose account it names."""

    session: Session
    user: SessionUser


async def require_sign_in(request: Request) -> Visitor:
    """Return who is signed in.

    Raises:
        SignInRequiredError: nobody is, or the account is no longer there.
    """
    session = cookies_of(request).read(request, now=datetime.now(UTC))
    if session is None or session.tenant is None or session.login is None:
        raise SignInRequiredError(_asked_for(request))
    tenant, login = session.tenant, session.login
    database: Database = request.app.state.db
    account = await database.read(lambda conn: find_account(conn, tenant_name=tenant, login=login))
    if account is None:
        raise SignInRequiredError(_asked_for(request))
    return Visitor(session=session, user=SessionUser(tenant=tenant, login=login, role=account.role))


async def require_csrf_token(request: Request) -> None:
    """Let an unsafe request through only with the form token of its own session, from the form or from htmx.

    Raises:
        CsrfError: the token is missing or another session's.
        FormTooLargeError: the form is larger than MAX_FORM_BYTES.
    """
    if request.method in SAFE_METHODS:
        return
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise FormTooLargeError(f"A form may have {MAX_FORM_BYTES} bytes.")
    session = cookies_of(request).read(request, now=datetime.now(UTC))
    token = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    if session is None or token is None or isinstance(token, UploadFile):
        raise CsrfError("The form came without its token.", advice="Reload the page and send it again.")
    if not secrets.compare_digest(token.encode(), session.csrf.encode()):
        raise CsrfError("The form's token is not the session's.", advice="Reload the page and send it again.")
