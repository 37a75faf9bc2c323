"""Brings what a microphone kept while its link was lost to the conversations that still wait for it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from edge_agent.agent.tap import Tap
from edge_agent.clock import Reading
from hardware.audio import AudioSource
from hardware.kept_sound import KeptStretch, store_of
from models.errors import AudioError

_log = structlog.get_logger()

_LOOK_S: Final = 0.5
_AGAIN_S: Final = 10.0
"""How often the store is asked while somebody waits: a reading can fail, a device can fall silent on a good link."""
_WAITING_MS: Final = 20_000
"""So much sound may wait to be recognised when the next stretch, some 10 s, is fetched."""
_CLOCK_SET_MS: Final = 1_000
"""A wall clock that moved by more was set."""


class LateSound:
    """Reads a device's store, in a thread of its own, when sound comes again, and while somebody waits for it.

    Invariants:
    - A stretch is heard by a tap that holds back the loss in which it was recorded, and by nobody else.
    - It is acknowledged when what was taken of it is safe in the outbox or was thrown away; at once if nobody took it.
    - A program that was killed before that gets it again; then the loss is told already, and nobody takes it.
    """

    def __init__(self, source: AudioSource, *, taps: Callable[[], Sequence[Tap]], clock: Callable[[], Reading]) -> None:
        """Prepare.

        Args:
            source: whose device keeps sound.
            taps: those of the source that still take sound.
            clock: of the device at the counter, which sets that of the microphone whenever it connects.
        """
        self._source = source
        self._taps = taps
        self._clock = clock
        self._zero_ms = _zero_ms(clock())
        self._owed: list[tuple[KeptStretch, list[tuple[Tap, int]]]] = []
        self._due = threading.Event()
        self._asked_s = time.monotonic()
        self._closed = threading.Event()
        self._keeps_sound = True
        self._thread = threading.Thread(target=self._run, name="late-sound", daemon=True)

    @property
    def may_come(self) -> bool:
        """As far as is known, the device keeps sound."""
        return self._keeps_sound

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def link_is_back(self) -> None:
        """Read what was kept; from any thread."""
        self._due.set()

    def close(self, *, wait_s: float) -> None:
        """Fetch nothing more; what was not acknowledged comes again."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=wait_s)

    def _run(self) -> None:
        while not self._closed.wait(_LOOK_S):
            try:
                self._acknowledge()
                if self._due.is_set() or self._should_ask():
                    self._due.clear()
                    self._asked_s = time.monotonic()
                    self._read()
            except AudioError as error:
                if error.permanent:
                    _log.info("nothing_is_kept", code=error.code)
                    self._keeps_sound = False
                    self._let_go()
                    return
                _log.info("kept_sound_waits", code=error.code)

    def _should_ask(self) -> bool:
        waited_s = time.monotonic() - self._asked_s
        return waited_s > _AGAIN_S and any(tap.is_holding for tap in self._taps())

    def _read(self) -> None:
        """Hand on all that there is, and let those go who waited for it.

        Raises:
            AudioError: it ended early.
        """
        store = store_of(self._source)
        if store is None:
            self._keeps_sound = False
        else:
            now = self._clock()
            was_set = abs(_zero_ms(now) - self._zero_ms) > _CLOCK_SET_MS
            for stretch in store.read():
                # By a clock that was set meanwhile nobody can say in whose time it was.
                self._owed.append((stretch, [] if was_set else self._hand_on(stretch)))
                self._acknowledge()
                while self._is_behind() and not self._closed.wait(_LOOK_S):
                    self._acknowledge()
                if self._closed.is_set():
                    return
            self._zero_ms = _zero_ms(now)
        self._let_go()

    def _hand_on(self, stretch: KeptStretch) -> list[tuple[Tap, int]]:
        """Offer a stretch; return who took of it, and up to where."""
        if stretch.recorded_at is None:
            return []
        stamped_ms = round(stretch.recorded_at.timestamp() * 1000) - self._zero_ms
        offered = [(tap, tap.fill(stretch.samples, stamped_ms=stamped_ms)) for tap in self._taps()]
        return [(tap, end_ms) for tap, end_ms in offered if end_ms is not None]

    def _is_behind(self) -> bool:
        return any(tap.waiting_ms > _WAITING_MS for _, taken in self._owed for tap, _ in taken)

    def _acknowledge(self) -> None:
        """Acknowledge what is done with; it is said once, and counts also when the device is away.

        Raises:
            AudioError: the device does not know it yet.
        """
        done = [one for one in self._owed if all(tap.is_done_with(end_ms) for tap, end_ms in one[1])]
        for one in done:
            self._owed.remove(one)
            one[0].acknowledge()

    def _let_go(self) -> None:
        for tap in self._taps():
            tap.let_go()


def _zero_ms(reading: Reading) -> int:
    """Return when the monotonic clock was at 0, by the wall clock."""
    return reading.wall_ms - reading.monotonic_ms
