"""What holds for every answer: which names the console answers to, and headers that keep its pages to themselves.

The policy is the console's own, stricter than the server's: no style and no picture but its own, no object at all.
"""

from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # The token of a consent page stands in its address.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


def answers_to(host: str, names: frozenset[str]) -> bool:
    """Say whether a Host header names this device: an address, localhost, or one of its names.

    A page elsewhere can make its own name point here (DNS rebinding), but it can never make the browser send an
    address in the Host header, nor a name of ours.
    """
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name.lower() in names | {"localhost"}
    return True


class Guard:
    """ASGI middleware: refuses foreign names, and adds the headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp, *, names: frozenset[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and complete the head of its response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not answers_to(Headers(scope=scope).get("host", ""), self._names):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": "host_not_allowed"})
            else:
                refusal = PlainTextResponse("This device does not answer to that name.\n", status_code=421)
                await refusal(scope, receive, send)
            return

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_completed)
