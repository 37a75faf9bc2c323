"""What can be set for `voicetrail-nlp`: VOICETRAIL_NLP_* in the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class NlpSettings(BaseSettings):
    """Settings of `voicetrail-nlp`, built once and handed down."""

    model_config = SettingsConfigDict(env_prefix="VOICETRAIL_NLP_", frozen=True, extra="ignore", env_ignore_empty=True)

    weights: Path | None = None
    """Folder of trained weights; by default those that come with the package."""
