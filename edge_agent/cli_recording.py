"""The commands that hear: `replay` for files, `run` for a microphone."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.cli_options import Invocation
from edge_agent.device import Device
from edge_agent.live import listen
from edge_agent.replay import Replay, Replaying
from edge_agent.session import Session, Settled, recording_session
from edge_agent.summary import Account, summary
from hardware.media_file import Pace
from hardware.microphones import open_microphone
from hardware.supervised import Supervised


def replay(
    *,
    files: Annotated[list[Path], typer.Argument(help="Audio or video files; each is one conversation.")],
    staff: options.Staff,
    site: options.Site,
    consent: options.ConsentOption,
    data: options.Data = None,
    customer: options.Customer = None,
    channel: options.Channel = "counter",
    pace: Annotated[Pace, typer.Option(help="real: as it was spoken; fast: as fast as this machine can.")] = Pace.FAST,
    started_at: Annotated[
        str | None, typer.Option("--started-at", help="When it really began (ISO 8601). Default: so that it ends now.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Record anew what was recorded before.")] = False,
    wait_s: options.WaitS = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Play recordings through the device's real path: recognised here, sent as text only.

    Text appears as it is recognised; the command ends when the server has everything. Interrupted, it goes on where it
    stopped when the same command is given again; a recording that was complete is not recorded twice.

    Example:

      voicetrail-edge replay talk.opus --customer C-1001 --staff S-07 --site bank-01 --consent granted

      voicetrail-edge replay refused.m4a --staff S-07 --site bank-01 --consent declined --json
    """
    given = options.invocation(data, lang)
    encounter = options.encounter(customer=customer, staff=staff, site=site, channel=channel, consent=consent)
    how = Replaying(pace=pace, again=again, started_at=options.moment("--started-at", started_at))
    captions = Captions(given.messages, quiet=as_json)
    signal.signal(signal.SIGTERM, _as_interrupt)

    def record(session: Session, _device: Device, account: Account) -> None:
        replaying = Replay(session.outbox, recorder=session.recorder, hearing=session.hearing, captions=captions)
        for file in files:
            replaying.file(file, encounter, how=how, account=account)

    raise typer.Exit(_recorded(given, captions, record, wait_s=wait_s, as_json=as_json))


def run(
    *,
    staff: options.Staff,
    site: options.Site,
    consent: options.ConsentOption,
    data: options.Data = None,
    customer: options.Customer = None,
    channel: options.Channel = "counter",
    device: Annotated[
        str,
        typer.Option("--device", help="Microphone, as `voicetrail-edge devices` lists it; a part of a name will do."),
    ] = "default",
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop by itself after so long.")] = None,
    wait_s: options.WaitS = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Listen to a microphone: one conversation, until Ctrl-C or SIGTERM ends it.

    Unplugged, it is waited for; the time without it is recorded as lost.

    Example:

      voicetrail-edge run --customer C-1001 --staff S-07 --site bank-01 --consent granted

      voicetrail-edge run --device USB --staff S-07 --site bank-01 --consent granted --seconds 600
    """
    given = options.invocation(data, lang)
    encounter = options.encounter(customer=customer, staff=staff, site=site, channel=channel, consent=consent)
    captions = Captions(given.messages, quiet=as_json)

    def record(session: Session, edge: Device, account: Account) -> None:
        microphone = Supervised(lambda: open_microphone(device), on_signal=captions.signal, must_open=True)
        listen(session, microphone, encounter, open_outbox=edge.open_outbox, seconds=seconds, account=account)

    raise typer.Exit(_recorded(given, captions, record, wait_s=wait_s, as_json=as_json))


def _recorded(
    given: Invocation,
    captions: Captions,
    record: Callable[[Session, Device, Account], None],
    *,
    wait_s: float | None,
    as_json: bool,
) -> int:
    device = Device.load(given.folder, settings=given.settings)
    budget_s = given.settings.wait_s if wait_s is None else wait_s
    try:
        with recording_session(device, captions=captions, messages=given.messages) as session:
            settled = session.settle(lambda account: record(session, device, account), wait_s=budget_s)
    except KeyboardInterrupt:
        captions.note("broken_off")
        return options.EXIT_INTERRUPTED
    return _report(settled, given, captions, as_json=as_json)


def _report(settled: Settled, given: Invocation, captions: Captions, *, as_json: bool) -> int:
    figures = summary(settled.account, tally=settled.delivered.tally, backlog=settled.backlog)
    if as_json:
        typer.echo(json.dumps(figures))
    if settled.account.recorded:
        captions.done("done", **figures)
    backlog = settled.backlog
    if backlog.dead or backlog.unreadable:
        captions.note("dead_letters", count=backlog.dead + backlog.unreadable, folder=given.folder)
    if settled.failure is not None:
        captions.failed(settled.failure)
    if backlog.pending:
        if settled.delivered.error is not None:
            captions.failed(settled.delivered.error)
        captions.note("not_settled", count=backlog.pending, folder=given.folder)
    return _exit_status(settled)


def _exit_status(settled: Settled) -> int:
    if settled.failure is not None:
        return options.EXIT_FAILED
    if settled.account.failed:
        # A microphone may come back; a file that is no recording stays none.
        permanent = any(failed.error.permanent for failed in settled.account.failed)
        return options.EXIT_BAD_INPUT if permanent else options.EXIT_FAILED
    if settled.backlog.pending:
        error = settled.delivered.error
        return options.EXIT_FAILED if error is not None and error.permanent else options.EXIT_NOT_SETTLED
    return 0


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
