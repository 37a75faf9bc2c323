"""What `voicetrail-server setup` makes: database, first tenant, first account, and the secrets to begin with."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection

from server.access import accounts, keys, repository
from server.access.accounts import Role
from server.devices import enrolment
from server.settings import ServerSettings
from server.store.database import Database
from server.store.migrate import upgrade

SIGN_IN_PATH = "/sign-in?token="


@dataclass(frozen=True)
class Wanted:
    """What to make; the secrets of a new installation are always made."""

    tenant: str
    login: str
    new_key: bool = False
    new_code: bool = False
    new_link: bool = False


@dataclass(frozen=True)
class Installed:
    """What there is now. Each secret is shown this once; None when none was made."""

    existed: bool
    tenant: str
    login: str
    api_key: str | None = None
    enrolment_code: str | None = None
    sign_in_path: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the fields for `--json`."""
        return asdict(self)


async def set_up(settings: ServerSettings, wanted: Wanted, *, now: datetime) -> Installed:
    """Create or upgrade the database and install what is missing.

    Raises:
        StoreError: the database is away, or newer than this version.
    """
    settings.make_session_secret()
    await upgrade(settings.url)
    db = Database.open(settings.url)
    try:
        return await db.write(lambda conn: install(conn, wanted, now=now))
    finally:
        await db.close()


def install(conn: Connection, wanted: Wanted, *, now: datetime) -> Installed:
    """Make the first tenant and account unless there are some, and the secrets that are wanted."""
    tenant = repository.first_tenant(conn)
    existed = tenant is not None
    if tenant is None:
        tenant = wanted.tenant
        repository.add_tenant(conn, tenant, now=now)
    login = repository.first_account(conn, tenant)
    if login is None:
        login = wanted.login
        accounts.create_account(conn, tenant=tenant, login=login, role=Role.ADMINISTRATOR, now=now)
    key = code = path = None
    if wanted.new_key or not existed:
        key = keys.create_key(conn, tenant=tenant, name="administrator", role=Role.ADMINISTRATOR, now=now)
    if wanted.new_code or not existed:
        code, _ = enrolment.create_code(conn, tenant=tenant, now=now)
    if wanted.new_link or not existed:
        path = SIGN_IN_PATH + accounts.issue_sign_in_link(conn, tenant=tenant, login=login, now=now)
    return Installed(existed, tenant, login, key, code, path)
