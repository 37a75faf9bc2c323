"""All SQL of access: tenants, API keys, accounts and sign-in links."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from server.store.tables.access import account, api_key, sign_in_link, tenant
from server.store.upsert import insert


@dataclass(frozen=True)
class StoredKey:
    """An API key as it is stored."""

    id: UUID
    tenant: str
    name: str
    key_hash: str
    role: str
    revoked_at: datetime | None


@dataclass(frozen=True)
class StoredAccount:
    """An account as it is stored."""

    tenant: str
    login: str
    role: str
    password_hash: str | None


def add_tenant(conn: Connection, name: str, *, now: datetime) -> bool:
    """Add a tenant; return False when there is one of that name."""
    statement = insert(conn, tenant).values(name=name, created_at=now).on_conflict_do_nothing()
    return conn.execute(statement.returning(tenant.c.name)).first() is not None


def first_tenant(conn: Connection) -> str | None:
    """Return the oldest tenant's name."""
    return conn.execute(select(tenant.c.name).order_by(tenant.c.created_at, tenant.c.name).limit(1)).scalar()


def add_key(
    conn: Connection, *, tenant_name: str, key_id: UUID, name: str, key_hash: str, role: str, now: datetime
) -> None:
    """Store the hash of an API key."""
    values = {"tenant": tenant_name, "id": key_id, "name": name, "key_hash": key_hash, "role": role, "created_at": now}
    conn.execute(api_key.insert().values(values))


def key_by_hash(conn: Connection, key_hash: str) -> StoredKey | None:
    """Return the API key of a hash."""
    row = conn.execute(select(api_key).where(api_key.c.key_hash == key_hash)).one_or_none()
    if row is None:
        return None
    return StoredKey(row.id, row.tenant, row.name, row.key_hash, row.role, row.revoked_at)


def revoke_key(conn: Connection, key_hash: str, *, now: datetime) -> bool:
    """Refuse an API key from now on; return False when there is none of that hash."""
    return conn.execute(update(api_key).where(api_key.c.key_hash == key_hash).values(revoked_at=now)).rowcount == 1


def add_account(conn: Connection, *, tenant_name: str, login: str, role: str, now: datetime) -> bool:
    """Add an account without a password; return False when there is one of that login."""
    statement = (
        insert(conn, account)
        .values(tenant=tenant_name, login=login, role=role, created_at=now, password_hash=None)
        .on_conflict_do_nothing()
    )
    return conn.execute(statement.returning(account.c.login)).first() is not None


def first_account(conn: Connection, tenant_name: str) -> str | None:
    """Return the login of a tenant's oldest account."""
    mine = select(account.c.login).where(account.c.tenant == tenant_name)
    return conn.execute(mine.order_by(account.c.created_at, account.c.login).limit(1)).scalar()


def find_account(conn: Connection, *, tenant_name: str, login: str) -> StoredAccount | None:
    """Return an account."""
    mine = (account.c.tenant == tenant_name) & (account.c.login == login)
    row = conn.execute(select(account).where(mine)).one_or_none()
    return None if row is None else StoredAccount(row.tenant, row.login, row.role, row.password_hash)


def accounts_of_login(conn: Connection, login: str) -> list[StoredAccount]:
    """Return the accounts that a login has, one a tenant."""
    rows = conn.execute(select(account).where(account.c.login == login).order_by(account.c.tenant))
    return [StoredAccount(row.tenant, row.login, row.role, row.password_hash) for row in rows]


def set_password_hash(conn: Connection, *, tenant_name: str, login: str, password_hash: str) -> bool:
    """Store the hash of a password; return False when there is no such account."""
    mine = (account.c.tenant == tenant_name) & (account.c.login == login)
    return conn.execute(update(account).where(mine).values(password_hash=password_hash)).rowcount == 1


def add_link(conn: Connection, *, tenant_name: str, login: str, token_hash: str, expires_at: datetime) -> None:
    """Store the hash of a sign-in link's token."""
    values = {"tenant": tenant_name, "login": login, "token_hash": token_hash, "expires_at": expires_at}
    conn.execute(sign_in_link.insert().values(values))


def use_link(conn: Connection, token_hash: str, *, now: datetime) -> tuple[str, str] | None:
    """Use a link up; return its tenant and login, or None when it is unknown, used or expired.

    One UPDATE decides, so that of two requests at the same moment one gets it.
    """
    usable = (
        (sign_in_link.c.token_hash == token_hash) & sign_in_link.c.used_at.is_(None) & (sign_in_link.c.expires_at > now)
    )
    statement = update(sign_in_link).where(usable).values(used_at=now)
    row = conn.execute(statement.returning(sign_in_link.c.tenant, sign_in_link.c.login)).one_or_none()
    return None if row is None else (row.tenant, row.login)
