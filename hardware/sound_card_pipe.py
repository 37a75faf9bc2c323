"""The process of one sound card, seen from ours: its messages, and its end, which always comes quickly."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO, Any, Final, cast

from hardware.sound_card_wire import HEAD_BYTES, Head

_GOES_BY_ITSELF_WITHIN_S = 1.5
_LISTS_WITHIN_S = 15.0
# Without the folder where we happen to be on its path.
_COMMAND: Final = [sys.executable, "-P", "-m", "hardware.sound_card_process"]


class CardProcess:
    """A process that captures; `read` by one thread, `end` by any."""

    def __init__(self, request: dict[str, Any]) -> None:
        """Start it with a request of `sound_card_process`."""
        self._process = subprocess.Popen(  # noqa: S603 - our own module in our own Python
            [*_COMMAND, json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for us, not for it; and what it starts can be killed with it.
            process_group=0,
        )
        self._to = cast(IO[bytes], self._process.stdin)
        self._from = cast(IO[bytes], self._process.stdout)
        self._readable = select.poll()
        self._readable.register(self._from, select.POLLIN)
        self._held = bytearray()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def read(self, *, timeout_s: float) -> tuple[Head, bytes] | None:
        """Wait for its next message; None when it has ended.

        Raises:
            TimeoutError: nothing came in time.
        """
        deadline_s = time.monotonic() + timeout_s
        if not self._fill(HEAD_BYTES, deadline_s):
            return None
        head = Head.unpacked(bytes(self._held[:HEAD_BYTES]))
        if not self._fill(HEAD_BYTES + head.body_bytes, deadline_s):
            return None
        body = bytes(self._held[HEAD_BYTES : HEAD_BYTES + head.body_bytes])
        del self._held[: HEAD_BYTES + head.body_bytes]
        return head, body

    def end(self) -> None:
        """Let it hand on what it has and go; kill it and all that it started if it does not."""
        self._to.close()
        with suppress(subprocess.TimeoutExpired):  # it is killed below
            self._process.wait(timeout=_GOES_BY_ITSELF_WITHIN_S)
        with suppress(ProcessLookupError):  # it has gone, with all that it started
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def let_go(self) -> None:
        """End it and close the pipe; only by the thread that reads."""
        self.end()
        self._from.close()

    def _fill(self, wanted: int, deadline_s: float) -> bool:
        """Hold so many bytes; say whether they came before the pipe's end."""
        while len(self._held) < wanted:
            if not self._readable.poll(max(0.0, deadline_s - time.monotonic()) * 1000):
                raise TimeoutError
            data = os.read(self._from.fileno(), 1 << 16)
            if not data:
                return False
            self._held += data
        return True


def listed(request: dict[str, Any]) -> dict[str, Any]:
    """Run a request that prints one JSON object, to its end.

    Raises:
        TimeoutError: it hangs, as PortAudio does where the sound server does.
        OSError: it broke off.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module in our own Python
            [*_COMMAND, json.dumps(request)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LISTS_WITHIN_S,
            process_group=0,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError("PortAudio does not answer") from error
    except subprocess.CalledProcessError as error:
        raise OSError(f"PortAudio broke off with status {error.returncode}") from error
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
