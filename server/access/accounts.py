"""Accounts of people: passwords, and one-time links that sign in without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from sqlalchemy import Connection

from models.errors import RejectedError
from server.access import repository
from server.access.repository import StoredAccount
from server.access.secrets import digest, new_link_token

LINK_LIFE: Final = timedelta(minutes=15)
MIN_PASSWORD_CHARS: Final = 12
"""OWASP ASVS 5.0, 6.2.1 asks for 8; staff accounts see what customers said."""
MAX_PASSWORD_CHARS: Final = 200
"""Bounds the work of hashing."""


class Role(StrEnum):
    """What an account or an API key may do."""

    ADMINISTRATOR = "administrator"
    """Everything of its tenant."""
    CONTRIBUTOR = "contributor"
    """Read, and say what it knows of customers and conversations: for tills and CRM systems."""
    READER = "reader"
    """Read, change nothing."""


@dataclass(frozen=True)
class SignedIn:
    """Who signed in."""

    tenant: str
    login: str
    role: Role


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash("no account has this password")


def create_account(conn: Connection, *, tenant: str, login: str, role: Role, now: datetime) -> None:
    """Create an account that has no password yet: its owner comes in by a sign-in link.

    Raises:
        RejectedError: `login_taken`, the tenant has such an account.
    """
    if not repository.add_account(conn, tenant_name=tenant, login=login, role=role, now=now):
        raise RejectedError(f"There is an account {login} already.", code="login_taken", advice="Take another login.")


def issue_sign_in_link(conn: Connection, *, tenant: str, login: str, now: datetime) -> str:
    """Make a link's token that signs an account in once within 15 minutes.

    Raises:
        RejectedError: `account_unknown`.
    """
    if repository.find_account(conn, tenant_name=tenant, login=login) is None:
        raise RejectedError(f"There is no account {login}.", code="account_unknown")
    token = new_link_token()
    repository.add_link(conn, tenant_name=tenant, login=login, token_hash=digest(token), expires_at=now + LINK_LIFE)
    return token


def use_sign_in_link(conn: Connection, token: str, *, now: datetime) -> SignedIn:
    """Sign in by a link's token and use it up.

    Raises:
        RejectedError: `link_invalid`, the link is unknown, used or expired; which of them is not told.
    """
    used = repository.use_link(conn, digest(token), now=now)
    found = None if used is None else repository.find_account(conn, tenant_name=used[0], login=used[1])
    if found is None:
        raise RejectedError(
            "The sign-in link is not valid any more.",
            code="link_invalid",
            advice="Get a new one with `voicetrail-server sign-in-link`.",
        )
    return SignedIn(found.tenant, found.login, Role(found.role))


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a new password; takes some 50 ms, so call it outside a transaction.

    Raises:
        RejectedError: `password_too_short` or `password_too_long`.
    """
    if len(password) < MIN_PASSWORD_CHARS:
        advice = f"Take at least {MIN_PASSWORD_CHARS} characters."
        raise RejectedError("The password is too short.", code="password_too_short", advice=advice)
    if len(password) > MAX_PASSWORD_CHARS:
        advice = f"Take at most {MAX_PASSWORD_CHARS} characters."
        raise RejectedError("The password is too long.", code="password_too_long", advice=advice)
    return _hasher().hash(password)


def set_password(conn: Connection, *, tenant: str, login: str, password_hash: str) -> None:
    """Give an account the password that was hashed.

    Raises:
        RejectedError: `account_unknown`.
    """
    if not repository.set_password_hash(conn, tenant_name=tenant, login=login, password_hash=password_hash):
        raise RejectedError(f"There is no account {login}.", code="account_unknown")


def check_password(candidates: Sequence[StoredAccount], password: str) -> SignedIn:
    """Sign in by a password; takes some 50 ms, so call it outside a transaction.

    Args:
        candidates: `repository.accounts_of_login()`; a login that several tenants have signs in to the one whose
            password it is.
        password: as it was typed.

    Raises:
        RejectedError: `sign_in_refused`; whether the login exists is not told, not even by the time it takes.
    """
    given = password[: MAX_PASSWORD_CHARS + 1]
    with_password = [candidate for candidate in candidates if candidate.password_hash is not None]
    for candidate in with_password:
        if candidate.password_hash is not None and _hasher().verify(given, candidate.password_hash):
            return SignedIn(candidate.tenant, candidate.login, Role(candidate.role))
    if not with_password:
        _hasher().verify(given, _hash_of_nobody())
    raise RejectedError("Login or password is wrong.", code="sign_in_refused")
