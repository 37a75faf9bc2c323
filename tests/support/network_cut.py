"""A network between device and server that can be cut: a relay of TCP connections."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

_CHUNK_BYTES = 65_536
_CONNECTS_WITHIN_S = 5.0


@dataclass
class Network:
    """Carries bytes both ways while it is whole; cut, it drops what is open and takes nothing new."""

    server_port: int
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    whole: threading.Event = field(default_factory=threading.Event)
    cuts: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where the device finds the server."""
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection, also in the middle of an answer."""
        self.cuts += 1
        self.whole.clear()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Carry again."""
        self.whole.set()

    def serve(self) -> None:
        """Take connections until the listening socket is closed."""
        while True:
            try:
                device, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(device,), daemon=True).start()

    def _carry(self, device: socket.socket) -> None:
        with closing(device):
            if not self.whole.is_set():
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port), timeout=_CONNECTS_WITHIN_S)
            except OSError:
                return
            server.settimeout(None)
            with closing(server):
                self._open |= {device, server}
                back = threading.Thread(target=_pump, args=(server, device), daemon=True)
                back.start()
                _pump(device, server)
                back.join()
                self._open -= {device, server}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def network(server_port: int) -> Iterator[Network]:
    """Run a network that is whole."""
    made = Network(server_port)
    made.mend()
    thread = threading.Thread(target=made.serve, name="network", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.cut()
        made.listening.shutdown(socket.SHUT_RDWR)
        made.listening.close()
        thread.join()
