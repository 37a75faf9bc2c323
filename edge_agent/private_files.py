"""Small files that only their owner may read, written whole or not at all."""

import os
import secrets
from pathlib import Path

from models.errors import OutboxError

_OWNER_ONLY = 0o600


def make_private_folder(folder: Path) -> None:
    """Make the device's data folder, closed to other users.

    Raises:
        OutboxError: `data_folder`, it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutboxError(
            f"the data folder {folder} cannot be made: {error.strerror}",
            code="data_folder",
            permanent=True,
            advice="Name a folder that you may write to with --data.",
        ) from error


def write_once(path: Path, content: bytes) -> bool:
    """Write a private file that must not exist yet, durably; return False when somebody else was first.

    Raises:
        OutboxError: `data_folder`, the folder does not take it.
    """
    return _write(path, content, replace=False)


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace a private file, durably: after a crash it holds the old content or the new.

    Raises:
        OutboxError: `data_folder`, the folder does not take it.
    """
    _write(path, content, replace=True)


def replace_durably(path: Path, place: Path) -> None:
    """Put a file in the place of another; after a crash the place holds the one or the other.

    Raises:
        OutboxError: `data_folder`, the folder does not take it.
    """
    try:
        path.replace(place)
        _sync_folder(place.parent)
    except FileNotFoundError:
        # Another program has done it.
        return
    except OSError as error:
        raise OutboxError(
            f"{place} cannot be written: {error.strerror}",
            code="data_folder",
            advice="Check the rights on the data folder.",
        ) from error


def _write(path: Path, content: bytes, *, replace: bool) -> bool:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                fresh.replace(path)
            else:
                # A link fails where the name exists; a rename would take another process's key away.
                path.hardlink_to(fresh)
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise OutboxError(
            f"{path} cannot be written: {error.strerror}",
            code="data_folder",
            advice="Free some space, or name a folder that you may write to with --data.",
        ) from error
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
