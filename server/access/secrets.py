"""Random secrets that are handed out once and kept as hashes only."""

import secrets
from hashlib import sha256
from typing import Final

KEY_PREFIX: Final = "vt_"
"""Makes a leaked key recognisable to secret scanners."""

# Crockford's base32: no I, L, O, U, which people misread when they type a code.
_READABLE: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_api_key() -> str:
    """Make an API key: 32 random bytes."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_link_token() -> str:
    """Make the token of a one-time link: 32 random bytes."""
    return secrets.token_urlsafe(32)


def new_enrolment_code() -> str:
    """Make a code that a person can type: 75 random bits, such as 7K2QM-0XWVT-9ACDE."""
    groups = ("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(3))
    return "-".join(groups)


def digest(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256.

    A secret of 75 bits or more needs no slow hash: it cannot be guessed from it.
    """
    # A lone surrogate cannot be in a secret that we gave; escaped, it just matches nothing.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
