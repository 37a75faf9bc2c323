"""Sealing of what the outbox keeps: AES-256-GCM per record (NIST SP 800-38D) under a key that stays on the device."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from edge_agent.private_files import replace_durably, write_once
from models.errors import OutboxError

KEY_FILE: Final = "data.key"
NEXT_KEY_FILE: Final = "data.key.next"
"""There only while the key is being changed."""
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
"""96 random bits: the length that GCM takes as it is; 2³² records under one key keep a collision below 2⁻³²."""


class UnreadableError(OutboxError):
    """A sealed record does not open: it was altered, damaged, or moved to another identity."""

    code = "record_unreadable"
    permanent = True


class Sealer:
    """Seals and opens byte strings under one data key, each bound to the identity and kind it was sealed for."""

    def __init__(self, key: bytes, *, also: Sequence[bytes] = ()) -> None:
        """Seal under one key.

        Args:
            key: 32 bytes.
            also: keys under which it may have been sealed as well, while the key is being changed.

        Raises:
            OutboxError: `data_key_invalid`.
        """
        if len(key) != KEY_BYTES:
            raise OutboxError(
                f"the data key has {len(key)} bytes instead of {KEY_BYTES}",
                code="data_key_invalid",
                permanent=True,
                advice="Give 32 random bytes in base64, or remove the setting and let the device make its own.",
            )
        self._keys = (key, *also)
        self._ciphers = [AESGCM(one) for one in self._keys]
        # A key of its own for fingerprints: one key, one purpose (NIST SP 800-108).
        self.fingerprint_key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"voicetrail-fingerprint-1").derive(key)
        self.check = self.fingerprint("key-check")
        """Tells this key from others, and says nothing about it."""

    def beside(self, other: "Sealer") -> "Sealer":
        """Return one that also opens what another has sealed."""
        return Sealer(self._keys[0], also=(*self._keys[1:], *other._keys))

    def fingerprint_with(self, key: bytes) -> None:
        """Take fingerprints under a key of another time, so that what was known stays known."""
        self.fingerprint_key = key

    def seal(self, plain: bytes, *, identity: str, kind: str) -> bytes:
        """Return nonce and ciphertext with its tag; `identity` and `kind` are authenticated with it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, _bound_to(identity, kind))

    def open(self, sealed: bytes, *, identity: str, kind: str) -> bytes:
        """Return what was sealed.

        Raises:
            UnreadableError: not one bit may differ, nor the identity or kind.
        """
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, ciphertext, _bound_to(identity, kind))
            except (InvalidTag, ValueError):
                continue  # sealed under another of the keys, or altered
        raise UnreadableError(f"{kind} {identity} does not open under this device's data key")

    def fingerprint(self, *parts: str) -> str:
        """Return HMAC-SHA256 of the parts in hexadecimal: equal for equal parts, and says nothing about them."""
        message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
        return hmac.new(self.fingerprint_key, message, "sha256").hexdigest()


def _bound_to(identity: str, kind: str) -> bytes:
    return f"voicetrail-outbox-1\n{kind}\n{identity}".encode()


def decode_key(text: str) -> bytes:
    """Read a data key from base64.

    Raises:
        OutboxError: `data_key_invalid`.
    """
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OutboxError(
            "the data key is not base64",
            code="data_key_invalid",
            permanent=True,
            advice="Give 32 random bytes in base64, or remove the setting and let the device make its own.",
        ) from error


def load_or_make_key(folder: Path, *, may_make: bool) -> bytes:
    """Read the folder's data key, or make one where none is and that is safe.

    Args:
        folder: the device's data folder.
        may_make: False when sealed rows exist already; a new key could never open them.

    Raises:
        OutboxError: `data_key_missing` or `data_key_invalid`.
    """
    path = folder / KEY_FILE
    if not path.exists():
        if not may_make:
            raise OutboxError(
                f"{path} is missing, and the outbox cannot be opened without it",
                code="data_key_missing",
                permanent=True,
                advice=f"Put {KEY_FILE} back, or move outbox.db aside to start an empty outbox.",
            )
        write_once(path, _made_key())
    return _read_key(path)


def load_sealer(folder: Path, *, given: SecretStr | None, may_make: bool) -> Sealer:
    """Return what seals under the device's data key, and opens under the next one as well while that is taken up.

    Args:
        folder: the device's data folder.
        given: a key from the settings, which stands above the folder's.
        may_make: as for `load_or_make_key`.

    Raises:
        OutboxError: `data_key_missing` or `data_key_invalid`.
    """
    if given is not None:
        return Sealer(decode_key(given.get_secret_value()))
    following = folder / NEXT_KEY_FILE
    also = (_read_key(following),) if following.exists() else ()
    return Sealer(load_or_make_key(folder, may_make=may_make), also=also)


def load_or_make_next_key(folder: Path) -> Sealer:
    """Return what seals under the key that shall follow; it is on the disk before anything is sealed under it.

    Raises:
        OutboxError: `data_folder`, it cannot be written.
    """
    path = folder / NEXT_KEY_FILE
    if not path.exists():
        write_once(path, _made_key())
    return Sealer(_read_key(path))


def take_next_key(folder: Path, *, check: str) -> Sealer | None:
    """Put the next key in the place of the data key, for good; None when there is none with this check.

    Args:
        folder: the device's data folder.
        check: `Sealer.check` of the key under which everything is sealed now.
    """
    path = folder / NEXT_KEY_FILE
    if not path.exists():
        sealer = Sealer(_read_key(folder / KEY_FILE))
    else:
        sealer = Sealer(_read_key(path))
        if sealer.check == check:
            replace_durably(path, folder / KEY_FILE)
    return sealer if sealer.check == check else None


def _made_key() -> bytes:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"


def _read_key(path: Path) -> bytes:
    return decode_key(path.read_text(encoding="ascii", errors="replace"))
