"""A bound on the size of every request's body, whatever route it is for."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.wire import MAX_BATCH_BYTES
from server.problems import Problem

MAX_BODY_BYTES: Final = MAX_BATCH_BYTES
"""The largest body that any route takes is a batch that is not compressed."""


class BodyLimit:
    """ASGI middleware that stops reading a body that is too large, with a Problem where it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what it receives is counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        left = MAX_BODY_BYTES

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _too_large()
            return message

        await self._app(scope, counted, send)


def _too_large() -> Problem:
    detail = f"The body has more than {MAX_BODY_BYTES} bytes."
    return Problem(413, "body_too_large", "The request is too large", detail, "Send less at a time.")
