"""One recording command from its start to its settled outbox: recording and delivery side by side."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge_agent.captions import Captions
from edge_agent.clock import read_clock
from edge_agent.delivery import Delivered, Delivery
from edge_agent.device import Device, recording_alone
from edge_agent.messages import Messages
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import Backlog
from edge_agent.recorder import Recorder
from edge_agent.server_link import ServerLink
from edge_agent.settings import EdgeSettings
from edge_agent.signed_request import SignedRequests
from edge_agent.summary import Account
from edge_agent.withdrawals import Withdrawals
from models.errors import UploadError, VoicetrailError
from models.wire import Record
from nlp.redaction import redact_turns

if TYPE_CHECKING:
    from edge_agent.hearing import Hearing
    from edge_agent.recognition import Recogniser
    from edge_agent.sides import Sides

_log = structlog.get_logger()

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a session ended."""

    account: Account
    delivered: Delivered
    backlog: Backlog
    failure: VoicetrailError | None
    """What broke the recording off; what was sealed before was delivered all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The parts of one recording command."""

    outbox: Outbox
    recorder: Recorder
    delivery: Delivery
    captions: Captions
    hearing: "Callable[[], Hearing]"
    """Loads the recogniser; not to be called before a customer consented."""

    def settle(self, record: Callable[[Account], None], *, wait_s: float) -> Settled:
        """Record, then wait until everything is delivered, at most so long."""
        account = Account()
        failure: VoicetrailError | None = None
        try:
            record(account)
        except VoicetrailError as error:
            failure = error
        waiting = self.outbox.backlog(letters=0).pending
        if waiting:
            self.captions.note("settling", count=waiting)
        delivered = self.delivery.finish(wait_s=wait_s)
        return Settled(account=account, delivered=delivered, backlog=self.outbox.backlog(), failure=failure)


@contextmanager
def recording_session(device: Device, *, captions: Captions, messages: Messages) -> Iterator[Session]:
    """Open what a recording command needs; purge before and after; close what a killed one left open.

    Raises:
        OutboxError: the outbox cannot be used, or another program records.
    """
    with recording_alone(device.folder):
        outbox = device.open_outbox()
        delivery = device.delivery(on_trouble=captions.trouble)

        def on_sealed(records: Sequence[Record]) -> None:
            captions.sealed(records)
            delivery.ring()

        recorder = Recorder(outbox, identity=device.identity, redact=redact_turns, on_sealed=on_sealed)
        try:
            purge(outbox, settings=device.settings)
            if closed := recorder.close_interrupted():
                captions.note("interrupted_closed", count=len(closed))
            delivery.start()
            try:
                yield Session(
                    outbox=outbox,
                    recorder=recorder,
                    delivery=delivery,
                    captions=captions,
                    hearing=lambda: load_hearing(device.folder, settings=device.settings, messages=messages),
                )
            finally:
                delivered = delivery.stop()
            if delivered.error is None:
                erase_withdrawn(device, outbox)
            purge(outbox, settings=device.settings)
        finally:
            outbox.close()


def erase_withdrawn(device: Device, outbox: Outbox) -> None:
    """Erase what customers took back on the server; where that cannot be learnt now, it is at the next time.

    Raises:
        OutboxError: the file cannot be written.
    """
    with ServerLink(device.identity.server, timeout_s=device.settings.request_timeout_s) as link:
        requests = SignedRequests(link, identity=device.identity, key=device.key)
        try:
            for conversations in Withdrawals(device).pages(requests):
                for conversation in conversations:
                    outbox.erase_texts(conversation)
        except UploadError as error:
            _log.info("withdrawals_not_learnt", code=error.code)


def purge(outbox: Outbox, *, settings: EdgeSettings) -> None:
    """Delete what was delivered or given up longer ago than its retention time.

    Raises:
        OutboxError: the file cannot be written.
    """
    outbox.purge(
        now_ms=read_clock().wall_ms,
        retention_ms=int(settings.retention_h * _HOUR_MS),
        dead_retention_ms=int(settings.dead_retention_h * _HOUR_MS),
    )


def load_hearing(
    folder: Path,
    *,
    settings: EdgeSettings,
    messages: Messages,
    sides: "Sides | None" = None,
    recogniser: "Recogniser | None" = None,
) -> "Hearing":
    """Load the recogniser, and what hears and tells speakers apart with it.

    Args:
        folder: the device's.
        settings: its settings.
        messages: shows progress.
        sides: where people are about its array; None without one.
        recogniser: one that is loaded already.

    Raises:
        RecognitionError: weights are missing, altered or do not load.
        UnderstandingError: those that read words are.
    """
    # faster-whisper takes over a second to load, and is not wanted at all where no customer consented.
    from edge_agent.hearing import Hearing
    from edge_agent.recogniser_loading import load_recogniser
    from edge_agent.speakers_loading import load_speakers
    from edge_agent.terms_loading import load_terms

    return Hearing(
        recogniser or load_recogniser(settings, messages=messages),
        terms=load_terms(settings),
        speakers=load_speakers(folder, settings=settings, sides=sides),
    )
