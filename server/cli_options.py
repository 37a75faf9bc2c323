"""Options that the commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.settings import ServerSettings

Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the database and the session secret. Default: VOICETRAIL_SERVER_DATA, else voicetrail-data.",
        show_default=False,
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="postgresql://user@host/name instead of SQLite in the data folder.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def settings_of(data: Path | None, database_url: str | None, **given: object) -> ServerSettings:
    """Build the settings; an option that was not given leaves the environment's word."""
    options: dict[str, Any] = {"data": data, "database_url": database_url, **given}
    return ServerSettings(**{name: value for name, value in options.items() if value is not None})
