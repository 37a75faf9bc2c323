"""Disk space held back for the moment when the disk is full.

Deleting needs space too: SQLite first writes to its log. A store on a full disk could then never delete what was
delivered (open-telemetry collector #7198). So a file of zeros is held, and given up when settling finds no space.
"""

import errno
import os
from pathlib import Path
from typing import Final

from models.errors import OutboxError

RESERVE_FILE: Final = "reserve"
_CHUNK = bytes(64 * 1024)


class Reserve:
    """The held-back file of one data folder."""

    def __init__(self, folder: Path, *, size_kb: int) -> None:
        self._path = folder / RESERVE_FILE
        self._size_bytes = size_kb * 1024

    def hold(self) -> None:
        """Make sure that the space is held.

        Raises:
            OutboxError: `outbox_full`, the disk has not even this much left.
        """
        try:
            if self._size_bytes == 0 or self._path.stat().st_size == self._size_bytes:
                return
        except FileNotFoundError:
            pass  # it was released, or was never held
        try:
            self._fill()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise OutboxError(
                    f"{self._path} cannot be written: {error.strerror}",
                    code="outbox_io",
                    advice="Check the disk and the rights on the data folder.",
                ) from error
            self.release()
            raise OutboxError(
                "the disk is full: nothing more can be recorded",
                code="outbox_full",
                advice="Free disk space, or let the device reach its server so that records are delivered and deleted.",
            ) from error

    def _fill(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            left = self._size_bytes
            while left > 0:
                left -= file.write(_CHUNK[:left])
            file.flush()
            os.fsync(file.fileno())

    def release(self) -> bool:
        """Give the space up; return whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
