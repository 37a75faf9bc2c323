"""`voicetrail-edge`: enrol a device, let it hear, and see what became of it."""

import json
import socket
import sys
from dataclasses import asdict
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.cli_console import console, console_pin
from edge_agent.cli_devices import devices
from edge_agent.cli_evaluation import evaluation
from edge_agent.cli_microphone import microphone_token
from edge_agent.cli_outbox import outbox
from edge_agent.cli_recording import replay, run
from edge_agent.cli_voice import voice
from edge_agent.doctor import examine
from edge_agent.doctor_check import Check
from edge_agent.enrolment import enrol as enrol_device
from edge_agent.messages import Messages, language_of
from edge_agent.server_link import ServerLink, checked_address, is_loopback
from models.errors import VoicetrailError

_BAD_INPUT = frozenset({"bad_input", "bad_setting", "bad_server_address", "evaluation_input"})

app = typer.Typer(
    name="voicetrail-edge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""The device beside the people: it hears, writes down on the spot, and sends only text.

    First: voicetrail-edge enrol --server URL --code CODE

    Then: voicetrail-edge console …, at the counter; voicetrail-edge run …, or voicetrail-edge replay FILE …

    When in doubt: voicetrail-edge doctor
    """,
)
app.add_typer(evaluation, name="eval")


@app.command()
def enrol(
    *,
    server: Annotated[str, typer.Option("--server", help="Address of the server, such as https://voice.example.com.")],
    code: Annotated[str, typer.Option("--code", help="One-time code from the server's administrator.")],
    data: options.Data = None,
    name: Annotated[str | None, typer.Option("--name", help="What people call this device.")] = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Make this a device of a server: a key is made here, and only its public half leaves.

    Safe to repeat after a crash: the same code gives the same device again.

    Example:

      voicetrail-edge enrol --server https://voice.example.com --code K7QF-2M9D --data /var/lib/voicetrail
    """
    given = options.invocation(data, lang)
    captions = Captions(given.messages, quiet=as_json)
    with ServerLink(checked_address(server), timeout_s=given.settings.request_timeout_s) as link:
        identity = enrol_device(given.folder, link=link, code=code, name=name or socket.gethostname() or "device")
    if identity.server.startswith("http://") and not is_loopback(identity.server):
        captions.note("plain_http", server=identity.server)
    if as_json:
        typer.echo(identity.model_dump_json())
    captions.done(
        "enrolled", device=identity.device_id, tenant=identity.tenant, server=identity.server, folder=given.folder
    )


app.add_typer(voice, name="voice")
app.command()(replay)
app.command()(run)
app.command()(devices)
app.command()(outbox)
app.command()(console)
app.command(name="console-pin")(console_pin)
app.command(name="microphone-token")(microphone_token)


@app.command()
def doctor(*, data: options.Data = None, as_json: options.AsJson = False, lang: options.Lang = None) -> None:
    """Look at everything that a recording needs, and list every file of this device: there is no audio among them.

    Example:

      voicetrail-edge doctor --data /var/lib/voicetrail
    """
    given = options.invocation(data, lang)
    checks = examine(given.folder, settings=given.settings)
    well = all(check.status != "failed" for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": well, "checks": [asdict(check) for check in checks]}))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for check in checks:
            console.print(_as_lines(check))
    raise typer.Exit(0 if well else options.EXIT_FAILED)


def _as_lines(check: Check) -> Text:
    style = {"ok": "green", "warning": "yellow", "failed": "red"}[check.status]
    line = Text.assemble(
        (f"{check.status:8}", style), (f"{check.name}: ", "bold"), check.detail.replace("\n", "\n        ")
    )
    if check.advice:
        line.append(f"\n        → {check.advice}", style="yellow")
    return line


def main() -> NoReturn:
    """Run the program; foreseeable errors end it with a message, advice and a status, never a traceback."""
    try:
        app()
    except VoicetrailError as error:
        # The one place where errors of ours end: they become words and an exit status.
        _say(error)
        sys.exit(options.EXIT_BAD_INPUT if error.code in _BAD_INPUT else options.EXIT_FAILED)
    except OSError as error:
        # A file or pipe that the system refuses, wherever it happens; the system's own words say which.
        _say(VoicetrailError(str(error), code="system", advice="Check the rights on the data folder and the disk."))
        sys.exit(options.EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(options.EXIT_INTERRUPTED)
    sys.exit(0)


def _say(error: VoicetrailError) -> None:
    messages = Messages(_language_asked_for(sys.argv) or language_of())
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(messages.error(error), style="red"))


def _language_asked_for(arguments: list[str]) -> str | None:
    if "--lang" in arguments[:-1]:
        return arguments[arguments.index("--lang") + 1]
    return next((word.removeprefix("--lang=") for word in arguments if word.startswith("--lang=")), None)


if __name__ == "__main__":
    main()
