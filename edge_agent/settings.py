"""What can be set on a device: VOICETRAIL_EDGE_* in the environment, secrets also from files."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge_agent.weights import default_cache_dir
from models.errors import VoicetrailError
from models.wire import MAX_BATCH_BYTES, MAX_BATCH_RECORDS


class SettingsError(VoicetrailError):
    """A setting cannot be used."""

    code = "bad_setting"


class EdgeSettings(BaseSettings):
    """Settings of `voicetrail-edge`, built once and handed down."""

    model_config = SettingsConfigDict(env_prefix="VOICETRAIL_EDGE_", frozen=True, extra="ignore", env_ignore_empty=True)

    data: Path = Path(".voicetrail/device")
    """The device's own folder: keys, identity and outbox."""
    data_key: SecretStr | None = None
    """AES-256 key of the outbox, 32 bytes in base64; by default a file made in the data folder."""
    model: str = "base"
    """Whisper weights: `base` comes with the program; otherwise a name, folder or hub id."""
    cache_dir: Path = Field(default_factory=default_cache_dir)
    """Where assembled weights are kept."""
    terms: Path | None = None
    """The site's own words: a UTF-8 file with a term on each line, after a tab its weight, # before a comment."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What recognition runs on; auto takes a graphics card where CTranslate2 finds one."""
    cpu_threads: int = Field(default=1, ge=1, le=256)
    """Threads for recognition."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    lang: Literal["", "en", "zh"] = ""
    """Language of messages, zh or en; by default that of the environment (LANG)."""

    batch_records: int = Field(default=20, ge=1, le=MAX_BATCH_RECORDS)
    batch_bytes: int = Field(default=1024 * 1024, ge=1024, le=MAX_BATCH_BYTES)
    """Largest batch before compression."""
    request_timeout_s: float = Field(default=30.0, gt=0, le=600)
    wait_s: float = Field(default=120.0, ge=0)
    """How long a command waits for the outbox to settle after its last recording."""
    retry_first_s: float = Field(default=0.5, gt=0)
    retry_longest_s: float = Field(default=60.0, gt=0)
    withdrawals_every_s: float = Field(default=30.0, gt=0, le=60)
    """How often the running console asks the server which customers withdrew there."""
    max_attempts: int = Field(default=20, ge=1)
    """Times a record that the server rejects "for now" is offered before it is a dead letter."""

    retention_h: float = Field(default=24.0, ge=0)
    """How long acknowledged records stay, sealed, so that they can be sent again."""
    dead_retention_h: float = Field(default=90 * 24.0, ge=0)
    """How long dead letters and unreadable records stay, so that somebody can look at them."""
    outbox_max_mb: int = Field(default=1024, ge=1)
    """Largest outbox; beyond it nothing more is recorded."""
    reserve_kb: int = Field(default=4096, ge=0)
    """Disk space held back, so that a full disk never prevents deleting what was acknowledged."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment and the secret files (VOICETRAIL_EDGE_SECRETS_DIR, else /run/secrets).

        Raises:
            SettingsError: a value is of the wrong type or out of its range.
        """
        secrets_dir = Path(os.environ.get("VOICETRAIL_EDGE_SECRETS_DIR") or "/run/secrets")
        try:
            return cls(_secrets_dir=secrets_dir if secrets_dir.is_dir() else None)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            name = "_".join(("VOICETRAIL_EDGE", *(str(part).upper() for part in first["loc"])))
            raise SettingsError(f"{name}: {first['msg']}", advice="Correct or unset that variable.") from error
