"""An enrolled device: its folder opened, and the parts that work on it put together."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from edge_agent.backoff import Backoff
from edge_agent.delivery import Delivery
from edge_agent.identity import DeviceKey, Identity
from edge_agent.outbox import Outbox
from edge_agent.private_files import make_private_folder
from edge_agent.server_link import ServerLink
from edge_agent.settings import EdgeSettings
from edge_agent.upload import Uploader
from models.errors import OutboxError, UploadError

LOCK_FILE: Final = "recorder.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What every command of an enrolled device needs."""

    folder: Path
    settings: EdgeSettings
    identity: Identity
    key: DeviceKey

    @classmethod
    def load(cls, folder: Path, *, settings: EdgeSettings) -> Self:
        """Read who this device is.

        Raises:
            EnrolmentError: it is not enrolled, or its files are damaged.
        """
        return cls(folder=folder, settings=settings, identity=Identity.load(folder), key=DeviceKey.load(folder))

    def open_outbox(self) -> Outbox:
        """Open the outbox for one thread.

        Raises:
            OutboxError: it cannot be opened.
        """
        return Outbox(self.folder, settings=self.settings)

    @contextmanager
    def uploading(self) -> Iterator[Uploader]:
        """Open what one thread needs to send.

        Raises:
            OutboxError: the outbox cannot be opened.
            RefusedError: the identity holds no address of a server.
        """
        outbox = self.open_outbox()
        try:
            with ServerLink(self.identity.server, timeout_s=self.settings.request_timeout_s) as link:
                yield Uploader(outbox, link=link, identity=self.identity, key=self.key, settings=self.settings)
        finally:
            outbox.close()

    def delivery(self, *, on_trouble: Callable[[UploadError], None]) -> Delivery:
        """Return a delivery of this device's outbox, not yet started."""
        backoff = Backoff(first_s=self.settings.retry_first_s, longest_s=self.settings.retry_longest_s)
        return Delivery(self.uploading, backoff=backoff, on_trouble=on_trouble)


@contextmanager
def recording_alone(folder: Path) -> Iterator[None]:
    """Hold the folder for one recording program; the lock ends with the process, however it ends.

    Raises:
        OutboxError: `recorder_busy`, another one records into this folder.
    """
    make_private_folder(folder)
    with (folder / LOCK_FILE).open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutboxError(
                f"another voicetrail-edge is recording into {folder}",
                code="recorder_busy",
                advice="Wait until it is done or stop it, or use a second enrolled folder with --data.",
            ) from None
        yield
