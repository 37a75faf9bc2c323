"""A speaker at the WebSocket of a console."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.sync.client import ClientConnection, connect

READY = {"type": "ready"}


def hello(token: str, **changes: object) -> str:
    """Return a hello with a token."""
    return json.dumps({"type": "hello", "version": 1, "token": token, "encoding": "pcm_s16le"} | changes)


@contextmanager
def speaking(url: str, token: str, **changes: object) -> Iterator[ClientConnection]:
    """Connect a speaker and wait until it is let in."""
    with connect(url, proxy=None) as socket:
        socket.send(hello(token, **changes))
        assert json.loads(socket.recv(timeout=30)) == READY
        yield socket
