"""The wire to the server: one request, one answer, and what its failures mean."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx2

from edge_agent.backoff import retry_after_s
from edge_agent.clock import offset_ms, read_clock
from models.errors import UploadError

SOFTWARE: Final = f"voicetrail-edge/{version('voicetrail')}"

_BUSY = (408, 425, 429, 500, 502, 503, 504)
_EXCERPT_CHARS = 200


class ServerUnreachableError(UploadError):
    """No answer came from the server."""

    code = "server_unreachable"


class ServerBusyError(UploadError):
    """The server asks to come again later.

    Attributes:
        status: HTTP status code.
        retry_after_s: how long it asked to wait, None when it did not say.
    """

    code = "server_busy"

    def __init__(self, message: str, *, code: str, advice: str, status: int, retry_after_s: float | None) -> None:
        super().__init__(message, code=code, advice=advice)
        self.status = status
        self.retry_after_s = retry_after_s


class RefusedError(UploadError):
    """The server will not take a request as it is.

    Attributes:
        status: HTTP status code.
    """

    code = "refused"
    permanent = True

    def __init__(self, message: str, *, code: str, advice: str, status: int) -> None:
        super().__init__(message, code=code, advice=advice)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    clock_offset_ms: int | None
    """Server's clock minus ours by its Date header; None when it has none."""
    retry_after_s: float | None


class ServerLink:
    """Requests to one server; the transport can be swapped for a wire of another kind."""

    def __init__(self, server: str, *, timeout_s: float, transport: httpx2.BaseTransport | None = None) -> None:
        """Prepare for a server; nothing is sent yet.

        Raises:
            RefusedError: `bad_server_address`, it is no http or https address.
        """
        self.server = checked_address(server)
        self._client = httpx2.Client(
            base_url=self.server,
            timeout=timeout_s,
            transport=transport,
            headers={"User-Agent": SOFTWARE, "Accept": "application/json"},
            # A proxy of the environment cannot reach this machine's own loopback; its authorities hold there too.
            trust_env=not is_loopback(self.server),
            verify=httpx2.create_ssl_context(trust_env=True),
        )

    def request(
        self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; any status is an answer.

        Raises:
            ServerUnreachableError: none came.
        """
        sent = read_clock()
        try:
            response = self._client.request(method, path, content=content, headers=headers)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            if (refused := _certificate_error(error)) is not None:
                raise _untrusted(self.server, refused) from error
            raise ServerUnreachableError(
                f"no answer from {self.server} ({type(error).__name__}: {error})",
                advice="Check the address, the network and whether the server runs; what was recorded is kept.",
            ) from error
        received = read_clock()
        return Answer(
            status=response.status_code,
            body=response.content,
            clock_offset_ms=offset_ms(response.headers.get("Date"), sent_ms=sent.wall_ms, received_ms=received.wall_ms),
            retry_after_s=retry_after_s(response.headers.get("Retry-After"), now=received.moment),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def refusal(answer: Answer) -> UploadError:
    """Return the error that an answer other than success stands for, with the server's own code and words."""
    code, message, advice = _problem(answer)
    if answer.status in _BUSY:
        return ServerBusyError(
            message, code=code, advice=advice, status=answer.status, retry_after_s=answer.retry_after_s
        )
    return RefusedError(message, code=code, advice=advice, status=answer.status)


def _problem(answer: Answer) -> tuple[str, str, str]:
    """Read an RFC 9457 problem; what is none is quoted in part."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        document = {}
    excerpt = answer.body[:_EXCERPT_CHARS].decode("utf-8", errors="replace").strip()
    code = str(document.get("code") or f"http_{answer.status}")
    message = str(document.get("detail") or document.get("title") or f"the server answered {answer.status}: {excerpt}")
    return code, message, str(document.get("advice") or "")


# Numbers of X509_V_ERR_* in OpenSSL's x509_vfy.h.
_EXPIRED: Final = (9, 10)
_OTHER_NAME: Final = (62, 64)


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return what was wrong with the server's certificate, None when something else was."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _untrusted(server: str, refused: ssl.SSLCertVerificationError) -> ServerUnreachableError:
    if refused.verify_code in _EXPIRED:
        code, advice = "certificate_expired", "Set this device's clock; if it is right, renew the server's certificate."
    elif refused.verify_code in _OTHER_NAME:
        code, advice = "certificate_name", "Use the name that the certificate was made for, or get one for this name."
    else:
        code = "certificate_untrusted"
        advice = "Give the server a certificate of a known authority, or name yours in SSL_CERT_FILE."
    return ServerUnreachableError(
        f"the certificate of {server} is not trusted: {refused.verify_message}", code=code, advice=advice
    )


def checked_address(server: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        RefusedError: `bad_server_address`.
    """
    try:
        parts = urlsplit(server.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise RefusedError(
            f"{server!r} is no address of a server",
            code="bad_server_address",
            advice="Give it like https://voice.example.com or http://127.0.0.1:8080.",
            status=0,
        )
    return server.strip().rstrip("/")


def is_loopback(server: str) -> bool:
    """Return whether the address is this machine's own."""
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
