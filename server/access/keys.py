"""API keys: `Authorization: Bearer vt_…`, stored as hashes."""

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection

from models.ids import new_id
from server.access import repository
from server.access.accounts import Role
from server.access.secrets import digest, new_api_key
from server.problems import Problem
from server.store.database import Database

_bearer = HTTPBearer(auto_error=False, description="API key, as printed by `voicetrail-server setup`")


@dataclass(frozen=True)
class Principal:
    """The program that asks: whose data it may see, and what it may do with it."""

    tenant: str
    name: str
    role: Role


def create_key(conn: Connection, *, tenant: str, name: str, role: Role, now: datetime) -> str:
    """Make an API key and store its hash; the key itself is returned once and never again."""
    key = new_api_key()
    repository.add_key(conn, tenant_name=tenant, key_id=new_id(), name=name, key_hash=digest(key), role=role, now=now)
    return key


async def require_key(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """Return who asks.

    Raises:
        Problem: 401, the key is missing, unknown or revoked.
    """
    if credentials is None:
        raise _unauthorised("api_key_missing", "The request has no API key.")
    hashed = digest(credentials.credentials)
    db: Database = request.app.state.db
    stored = await db.read(lambda conn: repository.key_by_hash(conn, hashed))
    if stored is None or not compare_digest(stored.key_hash, hashed):
        raise _unauthorised("api_key_unknown", "The API key is not known.")
    if stored.revoked_at is not None:
        raise _unauthorised("api_key_revoked", "The API key was revoked.")
    return Principal(stored.tenant, stored.name, Role(stored.role))


async def require_administrator(principal: Annotated[Principal, Depends(require_key)]) -> Principal:
    """Return who asks, when it may change things.

    Raises:
        Problem: 401 without a valid key, 403 with a reader's.
    """
    if principal.role is not Role.ADMINISTRATOR:
        raise Problem(
            403, "role_insufficient", "Not allowed", "The API key may not do this.", "Use an administrator's key."
        )
    return principal


async def require_contributor(principal: Annotated[Principal, Depends(require_key)]) -> Principal:
    """Return who asks, when it may say what it knows of customers and conversations.

    Raises:
        Problem: 401 without a valid key, 403 with a reader's.
    """
    if principal.role is Role.READER:
        raise Problem(403, "role_insufficient", "Not allowed", "The API key may only read.", "Use a contributor's key.")
    return principal


def _unauthorised(code: str, detail: str) -> Problem:
    return Problem(
        401,
        code,
        "Not authorised",
        detail,
        "Send `Authorization: Bearer <API key>`; `voicetrail-server setup --new-key` makes one.",
        headers={"WWW-Authenticate": 'Bearer realm="voicetrail"'},
    )
