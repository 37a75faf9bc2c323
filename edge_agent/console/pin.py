"""The PIN of the console: its hash, and the key that signs sessions, in one private file."""

import hashlib
import hmac
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from edge_agent.private_files import make_private_folder, write_once, write_whole
from models.errors import VoicetrailError
from models.noun import Noun

FILE_NAME: Final = "console-pin.json"
MIN_DIGITS: Final = 6
MAX_DIGITS: Final = 12
# 16 MB and some 50 ms a try: the whole range of six digits takes half a day, once the file itself is stolen.
_COST, _BLOCK, _LANES = 2**14, 8, 1


class PinError(VoicetrailError):
    """A PIN cannot be used, or the file that holds its hash cannot be read."""

    code = "bad_pin"


class PinRecord(Noun):
    """What the file holds; each new PIN comes with a new key, so that all sessions end with the old one."""

    salt: str
    digest: str
    session_key: str


def record_of(pin: str) -> PinRecord:
    """Hash a PIN with scrypt (RFC 7914) and a new salt.

    Raises:
        PinError: it is not 6 to 12 digits, or the first that anybody would try.
    """
    if not (pin.isascii() and pin.isdigit() and MIN_DIGITS <= len(pin) <= MAX_DIGITS):
        raise PinError(f"a PIN has {MIN_DIGITS} to {MAX_DIGITS} digits", advice="Choose digits only.")
    if len({(int(b) - int(a)) % 10 for a, b in pairwise(pin)} - {0, 1, 9}) == 0:
        raise PinError("this PIN is the first that anybody would try", advice="Mix the digits.")
    salt = secrets.token_bytes(16)
    return PinRecord(salt=salt.hex(), digest=_digest(pin, salt).hex(), session_key=secrets.token_urlsafe(32))


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode("utf-8", "replace"), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32)


class PinFile:
    """The private file in the device's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def set(self, pin: str) -> None:
        """Set a PIN; everybody has to sign in again.

        Raises:
            PinError: the PIN cannot be used.
            OutboxError: `data_folder`, the folder does not take the file.
        """
        record = record_of(pin)
        make_private_folder(self._path.parent)
        write_whole(self._path, record.model_dump_json().encode())

    def make(self) -> str | None:
        """Make a random PIN where there is none yet and return it, to be shown once; None where there is one.

        Raises:
            OutboxError: `data_folder`, the folder does not take the file.
        """
        if self._path.exists():
            return None
        while True:
            pin = f"{secrets.randbelow(10**MIN_DIGITS):0{MIN_DIGITS}}"
            try:
                record = record_of(pin)
            except PinError:
                continue  # one that is too easy to guess
            make_private_folder(self._path.parent)
            return pin if write_once(self._path, record.model_dump_json().encode()) else None

    def record(self) -> PinRecord:
        """Read the file, anew each time: a new PIN counts at once.

        Raises:
            PinError: `pin_missing` or `pin_unreadable`.
        """
        try:
            return PinRecord.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            raise PinError(
                "no PIN is set", code="pin_missing", advice="Run: voicetrail-edge console-pin --data FOLDER"
            ) from None
        except (OSError, ValidationError) as error:
            raise PinError(
                f"{self._path.name} cannot be read",
                code="pin_unreadable",
                advice="Set a PIN anew: voicetrail-edge console-pin --data FOLDER",
            ) from error

    def fits(self, pin: str) -> bool:
        """Say whether this is the PIN; takes some 50 ms and 16 MB.

        Raises:
            PinError: as `record`.
        """
        record = self.record()
        return hmac.compare_digest(_digest(pin, bytes.fromhex(record.salt)), bytes.fromhex(record.digest))
