"""Who looks at a page: a signed cookie, and a token that every request that changes something must carry."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from edge_agent.console.pin import PinFile
from models.noun import Moment, Noun

SESSION_COOKIE: Final = "voicetrail_console"
SESSION_LASTS: Final = timedelta(hours=12)
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
MAX_FORM_BYTES: Final = 16 * 1024


class Session(Noun):
    """What the cookie carries; before the sign-in it only proves that a form came from our own page."""

    csrf: str
    expires_at: Moment
    signed_in: bool = False


def new_session(now: datetime, *, signed_in: bool = False) -> Session:
    """Begin a session with a form token of its own."""
    return Session(csrf=secrets.token_urlsafe(24), expires_at=now + SESSION_LASTS, signed_in=signed_in)


class Sessions:
    """Writes sessions into signed cookies and reads them back; a new PIN ends them all."""

    def __init__(self, pin: PinFile) -> None:
        self._pin = pin

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._pin.record().session_key, salt="voicetrail.console.1")

    def read(self, request: Request, *, now: datetime) -> Session | None:
        """Return the session of a request; None when there is none, it is over, or its signature is not ours.

        Raises:
            PinError: no PIN is set.
        """
        try:
            session = Session.model_validate_json(self._signer().loads(request.cookies.get(SESSION_COOKIE, "")))
        except (BadSignature, ValidationError):
            return None
        return session if session.expires_at > now else None

    def write(self, response: Response, session: Session, *, request: Request) -> None:
        """Set the cookie: out of reach of scripts, never sent from other sites, over TLS only where there is TLS.

        Raises:
            PinError: no PIN is set.
        """
        response.set_cookie(
            SESSION_COOKIE,
            str(self._signer().dumps(session.model_dump_json())),
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def clear(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")


def carries_length(request: Request) -> bool:
    """Say whether a request says how large it is, and is no larger than any form of ours."""
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= MAX_FORM_BYTES


async def carries_token(request: Request, session: Session) -> bool:
    """Say whether a request carries its session's token, in a header or in its form."""
    token = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    return isinstance(token, str) and secrets.compare_digest(token.encode(), session.csrf.encode())
