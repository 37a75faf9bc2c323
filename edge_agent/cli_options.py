"""What the commands' options have in common: their types, how they are checked, and what an exit status means."""

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import structlog
import typer

from edge_agent.messages import Messages, language_of
from edge_agent.recording import Encounter
from edge_agent.settings import EdgeSettings
from models.errors import VoicetrailError
from models.labels import ConsentState

EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_NOT_SETTLED: Final = 3
EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""

_NAME_CHARS = 200

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The device's folder. Default: VOICETRAIL_EDGE_DATA, else .voicetrail/device."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Lang = Annotated[str | None, typer.Option("--lang", help="Language of messages: zh or en. Default: by LANG.")]
Customer = Annotated[
    str | None, typer.Option("--customer", help="The customer's id in your own systems; leave out if not known yet.")
]
Staff = Annotated[str, typer.Option("--staff", help="Who receives the customer, such as S-07.")]
Site = Annotated[str, typer.Option("--site", help="Where, such as bank-01; it chooses the journey map.")]
Channel = Annotated[str, typer.Option("--channel", help="Kind of contact: counter, showroom, visit, phone, …")]
ConsentOption = Annotated[
    Literal["granted", "declined"],
    typer.Option("--consent", help="The customer's answer. Declined: nothing is recognised, only time is counted."),
]
WaitS = Annotated[
    float | None, typer.Option("--wait-s", min=0, help="How long to wait for delivery at the end, seconds.")
]


class InputError(VoicetrailError):
    """An option's value cannot be used."""

    code = "bad_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What every command starts from."""

    settings: EdgeSettings
    folder: Path
    messages: Messages


def invocation(data: Path | None, lang: str | None) -> Invocation:
    """Read the settings and put the options over them.

    Raises:
        SettingsError: the environment holds a setting that cannot be used.
    """
    settings = EdgeSettings.load()
    _configure_log(settings.log_level)
    language = lang or settings.lang or language_of()
    return Invocation(settings=settings, folder=data or settings.data, messages=Messages(language))


def _configure_log(level: str) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def encounter(*, customer: str | None, staff: str, site: str, channel: str, consent: str) -> Encounter:
    """Check who meets where.

    Raises:
        InputError: a name is empty, too long, or not text.
    """
    for option, value in (("--customer", customer), ("--staff", staff), ("--site", site), ("--channel", channel)):
        if value is not None:
            check_name(option, value)
    state = ConsentState(consent)
    # Who declined is named nowhere, from here on.
    kept = customer if state is ConsentState.GRANTED else None
    return Encounter(site=site, staff=staff, channel=channel, customer=kept, consent=state)


def check_name(option: str, value: str) -> None:
    """Check a short name or id.

    Raises:
        InputError: it is empty, too long, or not text.
    """
    if not value.strip() or len(value) > _NAME_CHARS:
        raise InputError(
            f"{option} has {len(value)} characters; it takes 1 to {_NAME_CHARS}", advice="Give a short name or id."
        )
    if not value.isprintable():
        # Bytes of the command line that are no UTF-8 arrive as lone surrogates (PEP 383), which nothing can store.
        raise InputError(f"{option} holds characters that are no text", advice="Give it in UTF-8.")


def moment(option: str, value: str | None) -> datetime | None:
    """Read an ISO 8601 date and time; without a zone it is this machine's local time.

    Raises:
        InputError: it is none.
    """
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"{option} {value!r} is no date and time", advice="Give it like 2026-11-22T09:30:00+08:00."
        ) from error
