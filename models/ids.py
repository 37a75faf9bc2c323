"""Identifiers: UUIDv7 (RFC 9562), made where the thing is made, sortable by creation time."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

# Fixed namespace of derived ids; changing it would give every stored event a second identity.
_NAMESPACE = UUID("6f1c1b3e-6f0e-5d1a-9a55-0d6f3e7c2b10")


def new_id() -> UUID:
    """Make a UUIDv7."""
    return uuid7()


def derived_id(*parts: object) -> UUID:
    """Make the same UUIDv5 for the same parts, so that work done twice has one identity."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
