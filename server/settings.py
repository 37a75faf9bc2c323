"""The server's settings: from arguments first, then VOICETRAIL_SERVER_* in the environment, then the defaults."""

import secrets
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import StoreError

WorkerMode = Literal["inline", "off"]


class ServerSettings(BaseSettings):
    """Everything that can be set; built once and handed down."""

    model_config = SettingsConfigDict(env_prefix="VOICETRAIL_SERVER_", frozen=True, extra="ignore")

    data: Path = Path("voicetrail-data")
    """Folder of the database and the session secret."""
    database_url: str | None = None
    """postgresql://… or sqlite:///…; absent, SQLite in the data folder."""
    database_url_file: Path | None = None
    """File that holds database_url, for a URL with a password."""
    session_secret_file: Path | None = None
    """File that holds the key of signed session cookies; absent, the one that setup made in the data folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 lets the system pick one."""
    worker: WorkerMode = "inline"
    """inline analyses in this process; off leaves it to `voicetrail-server worker`."""
    quiet_after_s: int = Field(default=60, ge=0)
    """A conversation not yet closed is analysed this long after its last record."""
    default_journey_map: str = "retail_store"
    """Map of sites that no map's pattern fits."""
    time_zone: ZoneInfo = ZoneInfo("Asia/Shanghai")
    """IANA name of the time zone in which pages show times and begin their days."""

    @property
    def url(self) -> str:
        """The database's URL."""
        if self.database_url_file is not None:
            return self.database_url_file.read_text(encoding="utf-8").strip()
        return self.database_url or f"sqlite:///{self.data.resolve() / 'voicetrail.db'}"

    @property
    def session_secret_path(self) -> Path:
        """Where the key of the session cookies is kept."""
        return self.session_secret_file or self.data / "session.secret"

    def session_secret(self) -> str:
        """Read the key of the session cookies.

        Raises:
            StoreError: setup has not made one.
        """
        path = self.session_secret_path
        if not path.is_file():
            raise StoreError(
                f"There is no session secret at {path}.",
                code="not_set_up",
                permanent=True,
                advice="Run `voicetrail-server setup` first.",
            )
        return path.read_text(encoding="ascii").strip()

    def make_session_secret(self) -> None:
        """Make the key of the session cookies, readable by this user only, unless there is one."""
        # The folder too is for this user only: what customers said stands in the database.
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.session_secret_path
        if path.exists() and path.stat().st_size:
            return
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
