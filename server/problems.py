"""What a client is told when something goes wrong: RFC 9457 problem documents with a stable `code`."""

import json
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from models.errors import RejectedError, StoreError, VoicetrailError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""How long a device waits when the database is away or full; its own back-off grows from there."""

_log = structlog.get_logger("server.problems")


class Problem(VoicetrailError):  # noqa: N818 - the RFC's word
    """A request was refused; raised anywhere, answered as problem+json.

    Attributes:
        status: HTTP status code.
        title: the kind of problem, the same words each time.
        headers: sent along, such as Retry-After or WWW-Authenticate.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        advice: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # 5xx and 429 may go well later; the other 4xx will not.
        super().__init__(detail or title, advice=advice, code=code, permanent=status < 500 and status != 429)
        self.status = status
        self.title = title
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the problem as an HTTP response."""
        document = {
            "type": f"urn:voicetrail:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "advice": self.advice,
        }
        # ASCII with escapes: a lone surrogate quoted from a request must not break the answer.
        body = json.dumps(document).encode("ascii")
        return Response(body, status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


def as_problem(error: VoicetrailError) -> Problem:
    """Return the problem that tells a client of an error of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreError) and not error.permanent:
        return Problem(
            503,
            error.code,
            "The server cannot store or read now",
            error.message,
            error.advice or "Send the same again later; nothing of it was stored.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    if isinstance(error, RejectedError):
        return Problem(422, error.code, "The request cannot be taken as it is", error.message, error.advice)
    return _internal(error)


def install(app: FastAPI) -> None:
    """Answer every exception of an application with a problem document."""
    app.add_exception_handler(VoicetrailError, _on_voicetrail_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unknown)


def _internal(error: Exception) -> Problem:
    _log.error("request_failed", error=type(error).__name__)
    return Problem(
        500,
        "internal_error",
        "The server made a mistake",
        "The request could not be completed.",
        "Try again; if it happens again, report it with the time of the request.",
    )


async def _on_voicetrail_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, VoicetrailError):
        raise error
    return as_problem(error).response()


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Places and reasons only: the rejected input may be what a customer said.
    where = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()[:5])
    return Problem(
        422, "request_invalid", "The request does not have the expected form", where, "See the OpenAPI document."
    ).response()


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(error.status_code, code, phrase, str(error.detail), headers=error.headers).response()


async def _on_unknown(_request: Request, error: Exception) -> Response:
    return _internal(error).response()
