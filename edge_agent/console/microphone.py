"""The WebSocket at which network microphones are heard: `/microphone`."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from edge_agent.console.microphone_tokens import MicrophoneTokens
from hardware.network_door import Door
from hardware.network_frames import SpeakerError, hello_of, signal_of
from hardware.network_microphone import Speaker
from models.errors import VoicetrailError

_log = structlog.get_logger()

HELLO_WITHIN_S: Final = 5.0
CLOSE_CODES: Final = {
    "bad_hello": 4400,
    "bad_frame": 4400,
    "bad_message": 4400,
    "wrong_token": 4401,
    "no_hello": 4408,
    "speaker_busy": 4409,
    "speaker_replaced": 4410,
    "no_shift": 4503,
}
"""What a speaker is told when it is sent away (4000–4999 are ours, RFC 6455, 7.4.2); the reason is the code's name."""
# Whatever else fails is this device's own fault (RFC 6455, 7.4.1).
_INTERNAL: Final = 1011


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and where to."""

    door: Door
    tokens: MicrophoneTokens

    def admit(self, hello_text: str, *, encrypted: bool) -> Speaker:
        """Let a speaker in by its hello.

        Raises:
            SpeakerError: bad_hello, wrong_token, speaker_busy, no_shift.
            MicrophoneTokenError: the tokens cannot be read.
        """
        hello = hello_of(hello_text)
        owner = self.tokens.owner(hello.token)
        if owner is None:
            raise SpeakerError("the token is not, or no longer, valid", code="wrong_token")
        return self.door.enter(hello, who=owner, encrypted=encrypted)


async def listen(socket: WebSocket) -> None:
    """Hear one speaker until it goes or is sent away."""
    entrance: Entrance = socket.app.state.microphone
    await socket.accept()
    speaker: Speaker | None = None
    reason = "disconnected"
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            hello = await _message(socket)
        if not isinstance(hello, str):
            raise SpeakerError("the first message is a text, the hello", code="bad_hello")
        speaker = entrance.admit(hello, encrypted=_is_private(socket))
        await socket.send_json({"type": "ready"})
        while True:
            message = await _message(socket)
            if isinstance(message, bytes):
                speaker.take(message)
            else:
                speaker.say(signal_of(message))
    except WebSocketDisconnect:
        pass  # it went by itself: `reason` says so already
    except TimeoutError:
        reason = "no_hello"
        await _send_away(socket, reason)
    except VoicetrailError as error:
        reason = error.code
        _log.info("speaker_sent_away", code=error.code, why=error.message)
        await _send_away(socket, reason)
    finally:
        if speaker is not None:
            speaker.leave(reason=reason)


def _is_private(socket: WebSocket) -> bool:
    """Say whether nobody can listen in on the way: TLS, or no way at all."""
    address = socket.client.host if socket.client else ""
    return socket.url.scheme == "wss" or address in ("127.0.0.1", "::1")


async def _message(socket: WebSocket) -> str | bytes:
    """Return the next message.

    Raises:
        WebSocketDisconnect: the speaker went.
    """
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1005))
    text: str | None = event.get("text")
    data: bytes = event.get("bytes") or b""
    return data if text is None else text


async def _send_away(socket: WebSocket, reason: str) -> None:
    # It may have gone while the close was on its way.
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code=CLOSE_CODES.get(reason, _INTERNAL), reason=reason)


routes = [WebSocketRoute("/microphone", listen)]
