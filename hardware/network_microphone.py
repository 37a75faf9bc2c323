"""A microphone that comes over the network: speakers knock at a door, one at a time is heard."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples
from hardware.ble_decoding import UndecodableError
from hardware.framing import FrameCutter
from hardware.intake import Intake
from hardware.network_decoding import decoder_for
from hardware.network_door import Door
from hardware.network_frames import FrameOrder, Hello, SpeakerError, frame_of, no_shift
from hardware.sample_clock import TOLERATED_S, SampleClock
from hardware.signals import Link, OnSignal, Signal

_TICK_S: Final = 0.25
# Audio that was delayed by the network for less than this is taken as it comes.
_STALLED_MS: Final = 2000
_GAP_STEP_MS: Final = 500
# A first frame that was delayed makes our clock lag by as much.
_TOLERATED_MS: Final = round(TOLERATED_S * 1000)
# A speaker that gave nothing for so long makes room for another one.
_GONE_AFTER_NS: Final = 5_000_000_000
# What was held back comes at once when it comes; what is late for longer than this comes by a slower way, as it will
# from now on.
_LATE_FOR_NS: Final = 1_000_000_000
_US_PER_MS: Final = 1000


@dataclass(slots=True)
class Counts:
    """What became of the frames of a source."""

    taken: int = 0
    late: int = 0
    """Frames that came twice or after their time; they were dropped."""
    damaged: int = 0
    """Frames that were no audio; their time is a gap."""


class Speaker:
    """One connection of a speaker to a source that is open."""

    def __init__(self, source: "NetworkMicrophone", hello: Hello, *, who: str) -> None:
        self._source = source
        self.who = who
        self.name = hello.name
        self.decoder = decoder_for(hello)
        self.order = FrameOrder()
        self.heard_at_ns = 0
        self.late_since_ns: int | None = None

    def take(self, message: bytes) -> None:
        """Take a binary message; never waits.

        Raises:
            SpeakerError: bad_frame; speaker_replaced when its next connection is here already; no_shift when the
                source was closed.
        """
        self._source.take(self, message)

    def say(self, signal: Signal) -> None:
        """Pass on what it says besides audio."""
        self._source.on_signal(signal)

    def leave(self, *, reason: str) -> None:
        """End the connection; what comes before the next one is a gap."""
        self._source.leave(self, reason=reason)


class NetworkMicrophone:
    """An AudioSource that a speaker feeds over the network; it outlives the speaker's connections.

    Time runs by this device's clock from `frames` on. Time without a speaker, frames that are missing and stalls of
    2 s are gaps with reason link_lost; frames that come when their time has been given up are dropped and counted.
    The speaker's clock may drift: see SampleClock.
    """

    def __init__(self, *, door: Door, on_signal: OnSignal, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Make a source.

        Args:
            door: where speakers find it while it is open.
            on_signal: is told of links, battery and button.
            now_ns: monotonic time, nanoseconds.
        """
        self.on_signal = on_signal
        self.counts = Counts()
        self._door = door
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._intake = Intake()
        self._cutter = FrameCutter()
        self._clock = SampleClock(SAMPLE_RATE_HZ)
        self._started_ns = now_ns()
        self._speaker: Speaker | None = None
        self._heard_any = False
        self._losing = True
        # Less than a millisecond, so that a gap can begin at a whole one.
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self._closed = False

    @property
    def name(self) -> str:
        """The speaker's name; `network` while there is none."""
        return self._speaker.name if self._speaker else "network"

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Open the door and give audio and gaps from now until `close`.

        Raises:
            AudioError: `microphone_in_use`, another source has the door.
        """
        self._door.open(self)
        with self._lock:
            if not self._heard_any:
                self._started_ns = self._now_ns()
        while True:
            try:
                item = self._intake.take(timeout_s=_TICK_S)
            except TimeoutError:
                self._notice_silence()
                continue
            if item is None:
                return
            yield item

    def close(self) -> None:
        """End `frames` after what came so far."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._flush()
            self._intake.end()
        self._door.shut(self)

    def enter(self, hello: Hello, *, who: str, encrypted: bool) -> Speaker:
        """Let a speaker in.

        Args:
            hello: how it introduced itself.
            who: whose token it has; the same one takes its own former connection over.
            encrypted: whether nobody on the way can listen in.

        Raises:
            SpeakerError: speaker_busy while another one is heard, no_shift when the source is closed.
        """
        with self._lock:
            if self._closed:
                raise no_shift()
            former = self._speaker
            if former is not None and former.who != who and self._now_ns() - former.heard_at_ns < _GONE_AFTER_NS:
                raise SpeakerError(f"{former.name} is heard already", code="speaker_busy", permanent=False)
            speaker = Speaker(self, hello, who=who)
            speaker.heard_at_ns = self._now_ns()
            self._speaker = speaker
        self.on_signal(Link(connected=True, reason="", encrypted=encrypted))
        return speaker

    def leave(self, speaker: Speaker, *, reason: str) -> None:
        """Let a speaker go; nothing happens when another connection has taken its place."""
        with self._lock:
            if self._speaker is not speaker:
                return
            self._speaker = None
            self._losing = True
            if not self._closed:
                self._flush()
        self.on_signal(Link(connected=False, reason=reason))

    def take(self, speaker: Speaker, message: bytes) -> None:
        """Take a speaker's binary message; see `Speaker.take`."""
        frame = frame_of(message)
        duration_us = speaker.decoder.duration_us(frame.payload)
        with self._lock:
            if self._closed:
                raise no_shift()
            if self._speaker is not speaker:
                raise SpeakerError("a later connection of this speaker is heard", code="speaker_replaced")
            now_ns = self._now_ns()
            speaker.heard_at_ns = now_ns
            missing_us = speaker.order.missing_us(frame, duration_us=duration_us)
            if missing_us is None:
                self._drop_late(speaker, now_ns)
                return
            speaker.late_since_ns = None
            try:
                samples = speaker.decoder.decode(frame.payload)
            except UndecodableError:
                self._lose_damaged(duration_us)
                return
            self.counts.taken += 1
            missing_ms = min(round(missing_us / _US_PER_MS), self._at_most_missing_ms(now_ns))
            if not self._heard_any:
                # The clock begins where the source began, not where the first speaker came.
                self._start_clock(now_ns - duration_us * 1000)
            self._give(samples, missing_ms=missing_ms, now_ns=now_ns)

    def _drop_late(self, speaker: Speaker, now_ns: int) -> None:
        self.counts.late += 1
        if speaker.late_since_ns is None:
            speaker.late_since_ns = now_ns
        elif now_ns - speaker.late_since_ns > _LATE_FOR_NS:
            speaker.order.take_what_comes()

    def _at_most_missing_ms(self, now_ns: int) -> int:
        """A speaker whose clock was set cannot have lost more than our own clock has seen pass."""
        if not self._heard_any:
            return 0
        return self._clock.lag(now_ns) // SAMPLES_PER_MS + _TOLERATED_MS

    def _lose_damaged(self, duration_us: int) -> None:
        self.counts.damaged += 1
        lost_ms = round(duration_us / _US_PER_MS)
        if self._heard_any:
            self._clock.miss(lost_ms * SAMPLES_PER_MS)
            self._skip(lost_ms, reason=GapReason.DECODE_ERROR)

    def _give(self, samples: Samples, *, missing_ms: int, now_ns: int) -> None:
        if len(samples) == 0:
            return
        if self._losing:
            # Our own clock tells how long nothing came; what the speaker says of it is counted already.
            self._lose_until(now_ns, less=len(samples))
            missing_ms = 0
        accounted = self._clock.push(len(samples), at_ns=now_ns, dropped=missing_ms * SAMPLES_PER_MS)
        self._losing = False
        self._skip(accounted.lost // SAMPLES_PER_MS, reason=GapReason.LINK_LOST)
        if accounted.surplus:
            self.counts.late += 1
        self._push(samples[accounted.surplus :])

    def _start_clock(self, first_sample_ns: int) -> None:
        before_ms = (first_sample_ns - self._started_ns) // 1_000_000 - self._cutter.position_ms
        self._skip(before_ms, reason=GapReason.LINK_LOST)
        self._clock.push(max(self._cutter.position_ms * SAMPLES_PER_MS, 1), at_ns=first_sample_ns)
        self._heard_any = True
        self._losing = False

    def _lose_until(self, now_ns: int, *, less: int) -> None:
        """Let the gap end where the first audio after it begins."""
        lost_ms = (self._clock.lag(now_ns) - less) // SAMPLES_PER_MS
        if lost_ms > 0:
            self._clock.miss(lost_ms * SAMPLES_PER_MS)
            self._skip(lost_ms, reason=GapReason.LINK_LOST)

    def _notice_silence(self) -> None:
        """Let a gap grow while nothing comes."""
        with self._lock:
            if self._closed:
                return
            now_ns = self._now_ns()
            behind_ms = self._behind_ms(now_ns)
            if behind_ms < (_GAP_STEP_MS if self._losing else _STALLED_MS):
                return
            self._losing = True
            if self._speaker is not None:
                self._speaker.order.give_up(behind_ms * _US_PER_MS)
            if self._heard_any:
                self._clock.miss(behind_ms * SAMPLES_PER_MS)
            self._skip(behind_ms, reason=GapReason.LINK_LOST)

    def _behind_ms(self, now_ns: int) -> int:
        if self._heard_any:
            return self._clock.lag(now_ns) // SAMPLES_PER_MS
        return (now_ns - self._started_ns) // 1_000_000 - self._cutter.position_ms

    def _push(self, samples: Samples) -> None:
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) - len(joined) % SAMPLES_PER_MS
        self._rest = joined[whole:]
        for frame in self._cutter.push(joined[:whole]):
            self._intake.offer(frame)

    def _skip(self, gap_ms: int, *, reason: GapReason) -> None:
        if gap_ms > 0:
            self._flush()
            self._intake.offer(self._cutter.skip(gap_ms, reason=reason))

    def _flush(self) -> None:
        for frame in self._cutter.flush():
            self._intake.offer(frame)
