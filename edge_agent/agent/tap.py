"""The sound of one stretch of time, as a source of its own."""

import threading
from collections.abc import Iterator
from typing import Final

import numpy as np

from edge_agent.agent.held import CATCH_UP_MS, LAID_EARLY_MS, Held
from edge_agent.agent.pieces import moved, within
from hardware.audio import AudioFrame, AudioGap, GapReason, Samples
from hardware.intake import LIVE_BUFFER_MS, Intake
from models.errors import AbandonedError

_PATIENCE_MS: Final = 2_000
"""Sound reaches us late, by a frame and what devices and links hold back; later than this it does not come."""
_QUIET_S: Final = 0.5
"""After so long without sound who takes it may look about."""
_LOST_FOR_MS: Final = 1_000
"""A shorter loss leaves the link standing, and the microphone keeps nothing."""


class Tap:
    """Takes from a microphone what falls into its time, from its start at 0 to its end, in bounded memory.

    Frames and gaps tile that time exactly: what the microphone never gave is a gap with reason device_lost, what a
    slow recogniser left no room for one with reason overload. A loss of the link, and what follows it, can be held back
    for a while, so that what the microphone kept takes its place before anybody is told that it is lost.
    """

    def __init__(
        self, *, name: str, from_ms: int, capacity_ms: int = LIVE_BUFFER_MS, is_filled_later: bool = False
    ) -> None:
        """Begin.

        Args:
            name: of the microphone.
            from_ms: by the monotonic clock; sound from before is not taken.
            capacity_ms: sound that may wait.
            is_filled_later: hold a loss of the link back until `let_go`.
        """
        self._name = name
        self._from_ms = from_ms
        self._is_filled_later = is_filled_later
        self._held: Held | None = None
        self._lost_from_ms: int | None = None
        self._written_ms = 0
        held_ms = CATCH_UP_MS if is_filled_later else 0
        self._intake: Intake | None = Intake(capacity_ms=capacity_ms + held_ms)
        self._start_ms: int | None = None
        self._at_ms = 0
        self._end_ms: int | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The microphone's name."""
        return self._name

    @property
    def waiting_ms(self) -> int:
        """Sound that waits to be heard."""
        with self._lock:
            return 0 if self._intake is None else self._intake.held_ms

    @property
    def is_holding(self) -> bool:
        """A loss is held back, to be filled."""
        with self._lock:
            return self._held is not None

    @property
    def is_full(self) -> bool:
        """It takes nothing more."""
        with self._lock:
            return self._intake is None or self._is_full()

    def offer(self, item: AudioFrame | AudioGap, *, zero_ms: int) -> bool:
        """Take what falls into the time; return whether more may come.

        Args:
            item: in the microphone's time.
            zero_ms: when that time began, by the monotonic clock.
        """
        with self._lock:
            if self._intake is None:
                return False
            if self._start_ms is None:
                self._start_ms = self._from_ms - zero_ms
            piece = within(item, from_ms=self._start_ms + self._at_ms, until_ms=self._until_ms())
            if piece is not None:
                self._put(moved(piece, by_ms=-self._start_ms))
            if self._held is not None:
                now_ms = item.end_ms - self._start_ms
                if isinstance(item, AudioFrame):
                    self._held.link_is_back(now_ms=now_ms)
                if self._held.has_waited_enough(now_ms=now_ms):
                    self._let_go()
            return not self._ended_if_full()

    def end(self, at_ms: int) -> int:
        """Take nothing from after this moment; what is still on its way is waited for until `settle`.

        Args:
            at_ms: by the monotonic clock.

        Returns:
            When it really ends: a little later if sound was passed on already that counts as later, since when the
            microphone's time began is known to a frame or so only.
        """
        with self._lock:
            self._end_ms = max(0, at_ms - self._from_ms, self._at_ms)
            if self._intake is not None:
                self._ended_if_full()
            return self._from_ms + self._end_ms

    def settle(self, *, now_ms: int) -> None:
        """Wait no longer if the end is long past: what has not come until now, by the monotonic clock, is lost."""
        with self._lock:
            if self._end_ms is None or now_ms < self._from_ms + self._end_ms + _PATIENCE_MS:
                return
            self._lose_until(self._end_ms)
            self._ended_if_full()

    def fill(self, samples: Samples, *, stamped_ms: int) -> int | None:
        """Put what the microphone kept into a loss that is held back.

        Args:
            samples: of the stretch.
            stamped_ms: when it began by the microphone's stamp, by the monotonic clock.

        Returns:
            The end of what was taken, milliseconds since the start; None when it is of another time.
        """
        with self._lock:
            if self._held is None or self._intake is None:
                return None
            at_ms = stamped_ms - self._from_ms
            if self._end_ms is not None and at_ms > self._end_ms:
                # Stretches come the oldest first; whoever is heard next must not wait for this one.
                self._let_go()
                self._ended_if_full()
                return None
            until_ms = None if self._end_ms is None else self._end_ms - LAID_EARLY_MS
            laid = self._held.lay(samples, stamped_ms=at_ms, until_ms=until_ms)
            if laid is None:
                return None
            for item in laid.items:
                self._intake.offer(item)
            return laid.end_ms

    def let_go(self) -> None:
        """Hold nothing back any longer: what was not filled is lost."""
        with self._lock:
            self._let_go()
            self._ended_if_full()

    def written(self, until_ms: int) -> None:
        """Know that all of it up to here is safe in the outbox, milliseconds since the start."""
        with self._lock:
            self._written_ms = until_ms

    def is_done_with(self, until_ms: int) -> bool:
        """Say whether what came before is safe in the outbox, or was thrown away."""
        with self._lock:
            return self._intake is None or self._written_ms >= until_ms

    def abandon(self) -> None:
        """Throw away what waits, and take nothing more."""
        with self._lock:
            intake, self._intake, self._held = self._intake, None, None
        if intake is not None:
            intake.end()

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give what was taken, from 0 on; an empty frame now and then while nothing comes, so that whoever takes them
        can do something else.

        Raises:
            AbandonedError: it is wanted no more.
        """
        given_ms = 0
        while True:
            intake = self._intake
            try:
                item = None if intake is None else intake.take(timeout_s=_QUIET_S)
            except TimeoutError:
                item = AudioFrame(start_ms=given_ms, samples=np.zeros(0, dtype=np.float32))
            if self._intake is None:
                raise AbandonedError("the sound was thrown away")
            if item is None:
                return
            given_ms = item.end_ms
            yield item

    def close(self) -> None:
        """Keep on taking: whoever hears a part of a conversation has not ended it."""

    def _until_ms(self) -> int | None:
        if self._end_ms is None or self._start_ms is None:
            return None
        return self._start_ms + self._end_ms

    def _put(self, piece: AudioFrame | AudioGap) -> None:
        self._lose_until(piece.start_ms)
        self._pass_on(piece)

    def _lose_until(self, time_ms: int) -> None:
        if time_ms > self._at_ms:
            self._pass_on(AudioGap(start_ms=self._at_ms, end_ms=time_ms, reason=GapReason.DEVICE_LOST))

    def _pass_on(self, piece: AudioFrame | AudioGap) -> None:
        self._at_ms = piece.end_ms
        if self._held is not None:
            self._held.add(piece)
        elif self._intake is not None:
            held_from_ms = self._held_from_ms(piece)
            told = within(piece, from_ms=piece.start_ms, until_ms=held_from_ms)
            if told is not None:
                self._intake.offer(told)
            if held_from_ms is not None and (held := within(piece, from_ms=held_from_ms, until_ms=None)) is not None:
                self._held = Held(start_ms=held_from_ms)
                self._held.add(held)

    def _held_from_ms(self, piece: AudioFrame | AudioGap) -> int | None:
        """Return from when on a loss is held back: its first second is told, so that what was said before is read."""
        if not self._is_filled_later or not isinstance(piece, AudioGap) or piece.reason != GapReason.LINK_LOST:
            self._lost_from_ms = None
            return None
        self._lost_from_ms = piece.start_ms if self._lost_from_ms is None else self._lost_from_ms
        return self._lost_from_ms + _LOST_FOR_MS

    def _let_go(self) -> None:
        held, self._held = self._held, None
        # A loss that goes on is another one: its first second is told before it is held back.
        self._lost_from_ms = None
        if held is not None and self._intake is not None:
            for item in held.let_go():
                self._intake.offer(item)

    def _is_full(self) -> bool:
        return self._end_ms is not None and self._at_ms >= self._end_ms and self._held is None

    def _ended_if_full(self) -> bool:
        if self._is_full() and self._intake is not None:
            self._intake.end()
        return self._is_full()
