"""A microphone through the real path, one conversation, until it is told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final
from uuid import UUID

import structlog

from edge_agent.captions import Captions
from edge_agent.clock import read_clock
from edge_agent.outbox import Outbox
from edge_agent.recorder import Recorded
from edge_agent.recording import Encounter
from edge_agent.replay import lasted_ms
from edge_agent.session import Session
from edge_agent.summary import Account, Failed
from hardware.audio import AudioFrame, AudioGap, AudioSource
from models.errors import AudioError, OutboxError
from models.ids import new_id
from models.labels import ConsentState

_log = structlog.get_logger()

ALIVE_EVERY_S: Final = 2.0
"""How often a running recording notes that it still runs; a kill loses sight of no more than this."""


class UntilLost:
    """A source that ends where its device is lost, so that what came before is heard to its end."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._items: Iterator[AudioFrame | AudioGap] = iter(())
        self._first: AudioFrame | AudioGap | None = None
        self.error: AudioError | None = None
        """Why it ended, if the device was lost."""

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def open(self) -> None:
        """Wait for its first audio.

        Raises:
            AudioError: it cannot be opened.
        """
        self._items = self._source.frames()
        self._first = next(self._items, None)

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give the audio of the opened source."""
        if self._first is None:
            return
        yield self._first
        try:
            yield from self._items
        except AudioError as error:
            self.error = error

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def listen(
    session: Session,
    source: AudioSource,
    encounter: Encounter,
    *,
    open_outbox: Callable[[], Outbox],
    seconds: float | None,
    account: Account,
) -> None:
    """Record one conversation until a signal, the given seconds, or the loss of the device.

    Args:
        session: of this command.
        source: the microphone.
        encounter: who meets where.
        open_outbox: for the thread that notes that the recording still runs.
        seconds: at most so long; None for no limit.
        account: what it came to is added here; a lost or missing device counts as failed.

    Raises:
        OutboxError: the outbox cannot take more.
        RecognitionError: the recogniser cannot be loaded.
    """
    microphone = UntilLost(source)
    try:
        if encounter.consent is ConsentState.GRANTED:
            recorded = _hear(session, microphone, encounter, open_outbox=open_outbox, seconds=seconds)
        else:
            recorded = _count(session, microphone, encounter, seconds=seconds)
        account.add(recorded)
    except AudioError as error:
        microphone.error = error
    if microphone.error is not None:
        session.captions.failed(microphone.error)
        account.failed.append(Failed(file=microphone.name, error=microphone.error))


def _hear(
    session: Session,
    microphone: UntilLost,
    encounter: Encounter,
    *,
    open_outbox: Callable[[], Outbox],
    seconds: float | None,
) -> Recorded:
    hearing = session.hearing()
    microphone.open()
    fingerprint = session.outbox.fingerprint("live", str(new_id()))
    recording = session.recorder.begin(encounter, fingerprint=fingerprint, live=True)
    alive = _alive(recording.id, open_outbox)
    with _until_stopped(microphone, session.captions, seconds=seconds, meanwhile=alive):
        return session.recorder.record(hearing.hear(microphone, staff=encounter.staff), recording)


def _count(session: Session, microphone: UntilLost, encounter: Encounter, *, seconds: float | None) -> Recorded:
    microphone.open()
    started_at = read_clock().moment
    with _until_stopped(microphone, session.captions, seconds=seconds, meanwhile=lambda elapsed_ms: None):
        duration_ms = lasted_ms(microphone)
    recording = session.recorder.withhold(
        encounter,
        fingerprint=session.outbox.fingerprint("live", str(new_id())),
        live=True,
        started_at=started_at,
        duration_ms=duration_ms,
    )
    session.captions.note("declined", name=microphone.name, seconds=duration_ms / 1000)
    return Recorded(recording=recording, recognition_cpu_s=0.0)


def _alive(recording: UUID, open_outbox: Callable[[], Outbox]) -> Callable[[int], None]:
    def note(elapsed_ms: int) -> None:
        try:
            outbox = open_outbox()
            try:
                outbox.keep_alive(recording, alive_ms=elapsed_ms)
            finally:
                outbox.close()
        except OutboxError as error:
            # Recording goes on; it meets the same trouble at its next block and says so there.
            _log.warning("alive_not_noted", code=error.code)

    return note


@contextmanager
def _until_stopped(
    source: AudioSource, captions: Captions, *, seconds: float | None, meanwhile: Callable[[int], None]
) -> Iterator[None]:
    """Close the source on SIGINT, SIGTERM or after the given seconds; a second signal interrupts."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    started_ms = read_clock().monotonic_ms

    def watch() -> None:
        # Closing takes locks, which a signal handler must not; so a thread does it.
        while not stop.is_set():
            elapsed_ms = read_clock().monotonic_ms - started_ms
            left_s = ALIVE_EVERY_S if seconds is None else seconds - elapsed_ms / 1000
            if left_s <= 0:
                break
            stop.wait(min(left_s, ALIVE_EVERY_S))
            meanwhile(read_clock().monotonic_ms - started_ms)
        source.close()

    former = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    watcher.start()
    captions.note("listening", name=source.name)
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        for number, handler in former.items():
            signal.signal(number, handler)
