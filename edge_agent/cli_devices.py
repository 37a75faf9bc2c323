"""The command that lists microphones: `devices`."""

import json
import threading
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.messages import Messages
from hardware.audio import AudioFrame
from hardware.microphones import MicrophoneInfo, list_microphones, open_microphone
from models.errors import AudioError

_QUIETEST_DBFS = -120.0
"""Shown for zeros; 16-bit samples reach down to -96."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a microphone was."""

    dbfs: float | None
    """Root mean square, dB below full scale; None where nothing was heard."""
    trouble: str = ""
    """Code of what kept it from being heard."""


def devices(
    *,
    levels: Annotated[bool, typer.Option(help="Listen to each for a moment and say how loud it is.")] = True,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=60, help="How long to listen to each.")] = 1.0,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """List the microphones that are there, each with its address for `run --device` and its level now.

    Nothing of what is heard for the level is kept.

    Example:

      voicetrail-edge devices

      voicetrail-edge devices --no-levels --json
    """
    messages = options.invocation(None, lang).messages
    captions = Captions(messages, quiet=as_json)
    found = list_microphones(on_error=captions.failed)
    measured = [(one, level_of(one.address, seconds=seconds) if levels else None) for one in found]
    if as_json:
        typer.echo(json.dumps({"microphones": [_as_object(one, level) for one, level in measured]}, ensure_ascii=False))
    elif not found:
        captions.note("no_microphones")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for one, level in measured:
            console.print(_as_lines(one, level, messages))
    raise typer.Exit(0 if found else options.EXIT_FAILED)


def level_of(address: str, *, seconds: float) -> Level:
    """Listen to a microphone for so long and forget what was heard.

    It gives up ten times later where nothing comes, as from a wearable that is out of reach.
    """
    squares, samples = 0.0, 0
    try:
        source = open_microphone(address)
        patience = threading.Timer(10 * seconds + 10, source.close)
        patience.start()
        try:
            with closing(source):
                for item in source.frames():
                    if isinstance(item, AudioFrame):
                        squares += float(np.square(item.samples, dtype=np.float64).sum())
                        samples += len(item.samples)
                    if item.end_ms >= seconds * 1000:
                        break
        finally:
            patience.cancel()
    except AudioError as error:
        return Level(None, error.code)
    if not samples:
        return Level(None, "nothing_heard")
    return Level(round(max(_QUIETEST_DBFS, 10 * float(np.log10(squares / samples + 1e-12))), 1))


def _as_object(found: MicrophoneInfo, level: Level | None) -> dict[str, object]:
    measured = {} if level is None else {"level_dbfs": level.dbfs, "trouble": level.trouble}
    return asdict(found) | measured


def _as_lines(found: MicrophoneInfo, level: Level | None, messages: Messages) -> Text:
    """Return the address on a line of its own, whole and for copying, and below it what is known."""
    known = [found.name or messages("device_default"), found.kind]
    if found.channels:
        known.append(messages("device_channels", count=found.channels))
    if level is not None:
        known.append(level.trouble if level.dbfs is None else f"{level.dbfs:.0f} dBFS")
    return Text.assemble((found.address, "bold"), "\n    ", " · ".join([*known, *_notes(found, messages)]))


def _notes(found: MicrophoneInfo, messages: Messages) -> list[str]:
    notes = []
    if found.battery_percent is not None:
        notes.append(messages("device_battery", percent=found.battery_percent))
    if not found.encrypted:
        notes.append(messages("device_unencrypted"))
    if not found.geometry_confirmed:
        notes.append(messages("device_unconfirmed"))
    return notes
