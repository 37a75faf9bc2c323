"""Who this device is: an Ed25519 key that is made here and stays here, and the identity that the server gave for it."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from edge_agent.private_files import write_once, write_whole
from models.errors import EnrolmentError
from models.noun import Name, Noun
from models.wire import Enrolment

PRIVATE_KEY_FILE: Final = "device.key"
IDENTITY_FILE: Final = "identity.json"


class DeviceKey:
    """The device's private key; it signs and never leaves."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def load_or_make(cls, folder: Path) -> Self:
        """Read the folder's key, or make one that is on the disk before this returns.

        Raises:
            EnrolmentError: `device_key_invalid`.
            OutboxError: `data_folder`, it cannot be written.
        """
        path = folder / PRIVATE_KEY_FILE
        if not path.exists():
            made = Ed25519PrivateKey.generate()
            write_once(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the folder's key.

        Raises:
            EnrolmentError: `not_enrolled` without a key, `device_key_invalid` with a damaged one.
        """
        path = folder / PRIVATE_KEY_FILE
        try:
            private = load_pem_private_key(path.read_bytes(), password=None)
        except FileNotFoundError:
            raise not_enrolled(folder) from None
        except ValueError as error:
            raise _key_invalid(path) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise _key_invalid(path)
        return cls(private)

    @property
    def public_base64(self) -> str:
        """The public key, 32 raw bytes in base64, as an EnrolmentRequest carries it."""
        return base64.b64encode(self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def sign_base64(self, payload: bytes) -> str:
        """Return the Ed25519 signature (RFC 8032), 64 raw bytes in base64."""
        return base64.b64encode(self._private.sign(payload)).decode()


class Identity(Noun):
    """What the device remembers of its enrolment."""

    server: str
    """Address of the server, without a slash at its end."""
    tenant: Name
    device_id: UUID
    enrolled_at: datetime
    """By the server's clock."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the folder's identity.

        Raises:
            EnrolmentError: `not_enrolled` or `identity_invalid`.
        """
        path = folder / IDENTITY_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise not_enrolled(folder) from None
        except ValidationError as error:
            raise EnrolmentError(
                f"{path} cannot be read as an identity",
                code="identity_invalid",
                advice=f"Remove {IDENTITY_FILE} and enrol again with a new code; the outbox is kept.",
            ) from error

    @classmethod
    def given(cls, enrolment: Enrolment, *, server: str) -> Self:
        """Make the identity from the server's answer."""
        return cls(
            server=server, tenant=enrolment.tenant, device_id=enrolment.device_id, enrolled_at=enrolment.server_time
        )

    def save(self, folder: Path) -> None:
        """Write it durably.

        Raises:
            OutboxError: `data_folder`, it cannot be written.
        """
        write_whole(folder / IDENTITY_FILE, self.model_dump_json(indent=2).encode() + b"\n")


def not_enrolled(folder: Path) -> EnrolmentError:
    """Return the error for a device without an identity."""
    return EnrolmentError(
        f"the device in {folder} is not enrolled",
        code="not_enrolled",
        advice="Get a code from the server's administrator, then run: voicetrail-edge enrol --server URL --code CODE",
    )


def _key_invalid(path: Path) -> EnrolmentError:
    return EnrolmentError(
        f"{path} is not an Ed25519 private key",
        code="device_key_invalid",
        advice=f"Put {PRIVATE_KEY_FILE} back from a copy, or remove it with {IDENTITY_FILE} and enrol again.",
    )
