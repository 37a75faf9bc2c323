"""One recording command from its start to its settled outbox: recording and delivery side by side."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.captions import Captions
from edge_agent.clock import read_clock
from edge_agent.delivery import Delivered, Delivery
from edge_agent.device import Device, recording_alone
from edge_agent.messages import Messages
from edge_agent.outbox import Outbox
from edge_agent.outbox_rows import Backlog
from edge_agent.recorder import Recorder
from edge_agent.settings import EdgeSettings
from edge_agent.summary import Account
from models.errors import VoicetrailError
from models.wire import Record
from nlp.redaction import redact_turns

if TYPE_CHECKING:
    from edge_agent.hearing import Hearing

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
                captions.note("interrupted_closed", count=closed)
            delivery.start()
            try:
                yield Session(
                    outbox=outbox,
                    recorder=recorder,
                    delivery=delivery,
                    captions=captions,
                    hearing=lambda: _load_hearing(device.settings, messages=messages),
                )
            finally:
                delivery.stop()
            purge(outbox, settings=device.settings)
        finally:
            outbox.close()


def purge(outbox: Outbox, *, settings: EdgeSettings) -> None:
    """Delete what was delivered longer ago than the retention time.

    Raises:
        OutboxError: the file cannot be written.
    """
    outbox.purge(now_ms=read_clock().wall_ms, retention_ms=int(settings.retention_h * _HOUR_MS))


def _load_hearing(settings: EdgeSettings, *, messages: Messages) -> "Hearing":
    # faster-whisper takes over a second to load, and is not wanted at all where no customer consented.
    from edge_agent.hearing import Hearing  # noqa: PLC0415
    from edge_agent.recogniser_loading import load_recogniser  # noqa: PLC0415

    return Hearing(load_recogniser(settings, messages=messages))
