"""The command that shows and empties the outbox."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from edge_agent import cli_options as options
from edge_agent.captions import Captions
from edge_agent.cli_options import Invocation
from edge_agent.delivery import Delivered
from edge_agent.device import Device
from edge_agent.key_rotation import rotate_key as change_key
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import Backlog
from edge_agent.session import purge


def outbox(
    *,
    data: options.Data = None,
    send: Annotated[bool, typer.Option("--send", help="Deliver what is pending, and wait for it.")] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Offer delivered and dead records again; the server keeps each once.")
    ] = False,
    record: Annotated[UUID | None, typer.Option("--record", help="With --resend: only this record.")] = None,
    show: Annotated[
        UUID | None, typer.Option("--show", help="Print one record as JSON, masked as it leaves the device.")
    ] = None,
    rotate_key: Annotated[
        bool, typer.Option("--rotate-key", help="Make a new data key and seal everything anew under it.")
    ] = False,
    wait_s: options.WaitS = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Show what is still on this device: the backlog, its age, and dead letters with their reason.

    Example:

      voicetrail-edge outbox --data /var/lib/voicetrail

      voicetrail-edge outbox --send

      voicetrail-edge outbox --resend --record 0199c1d2-7a3e-7c41-9d8f-5b6a7c8d9e0f
    """
    if record is not None and not resend:
        raise options.InputError("--record goes with --resend", advice="To look at one record: --show ID")
    given = options.invocation(data, lang)
    device = Device.load(given.folder, settings=given.settings)
    captions = Captions(given.messages, quiet=as_json)
    if rotate_key:
        captions.done("key_rotated", count=change_key(given.folder, settings=given.settings))
    box = device.open_outbox()
    try:
        purge(box, settings=given.settings)
        if show is not None:
            typer.echo(json.dumps(_letter(box, show), ensure_ascii=False))
            return
        if resend:
            captions.note("offered_again", count=box.offer_again(record=record))
        delivered = _send(device, captions, given, wait_s=wait_s) if send or resend else None
        backlog = box.backlog()
    finally:
        box.close()
    _show(backlog, delivered, given=given, captions=captions, as_json=as_json)
    raise typer.Exit(_exit_status(backlog, delivered))


def _letter(box: Outbox, record: UUID) -> dict[str, object]:
    """Open one record.

    Raises:
        InputError: the outbox holds none of this id.
    """
    letter = box.letter(record)
    if letter is None:
        raise options.InputError(
            f"the outbox holds no record {record}", advice="Take an id from: voicetrail-edge outbox"
        )
    about = {**asdict(letter.about), "record_id": str(record)}
    return {**about, "record": letter.record.model_dump(mode="json") if letter.record is not None else None}


def _send(device: Device, captions: Captions, given: Invocation, *, wait_s: float | None) -> Delivered:
    delivery = device.delivery(on_trouble=captions.trouble)
    delivery.start()
    return delivery.finish(wait_s=given.settings.wait_s if wait_s is None else wait_s)


def _show(
    backlog: Backlog, delivered: Delivered | None, *, given: Invocation, captions: Captions, as_json: bool
) -> None:
    if as_json:
        figures = asdict(backlog)
        figures["dead_letters"] = [
            {**letter, "record_id": str(letter["record_id"])} for letter in figures["dead_letters"]
        ]
        if delivered is not None:
            tally = delivered.tally
            figures |= {"uploaded": tally.accepted, "duplicates": tally.duplicates}
            figures |= {"rejected": tally.rejected, "erased": tally.erased}
        typer.echo(json.dumps(figures))
    captions.done("outbox", **asdict(backlog))
    if backlog.oldest_pending_ms is not None:
        captions.done("oldest", moment=_local(backlog.oldest_pending_ms), attempts=backlog.most_attempts)
    if backlog.why:
        captions.done("why", code=backlog.why)
    if backlog.dead_letters and not as_json:
        _show_letters(backlog, captions)
    if delivered is not None and backlog.pending:
        if delivered.error is not None:
            captions.failed(delivered.error)
        captions.note("not_settled", count=backlog.pending, folder=given.folder)


def _show_letters(backlog: Backlog, captions: Captions) -> None:
    for letter in backlog.dead_letters:
        captions.done("dead_letter", **asdict(letter), made=_local(letter.made_ms))
    captions.note("dead_letter_how")


def _local(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, tz=UTC).astimezone().isoformat(timespec="seconds")


def _exit_status(backlog: Backlog, delivered: Delivered | None) -> int:
    if delivered is None or not backlog.pending:
        return 0
    permanent = delivered.error is not None and delivered.error.permanent
    return options.EXIT_FAILED if permanent else options.EXIT_NOT_SETTLED
