"""The device's clocks, read at the edge of the program and handed down as values."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the device's clocks say at one moment."""

    wall_ms: int
    """Unix time in milliseconds; may be wrong until it is set."""
    monotonic_ms: int
    """Milliseconds since the device started; never set, never jumps."""
    boot: str = ""
    """Which start of the device that counts from; empty where the system does not say."""

    @property
    def moment(self) -> datetime:
        """The wall clock as a moment in UTC."""
        return datetime.fromtimestamp(self.wall_ms / 1000, tz=UTC)

    def at(self, monotonic_ms: int) -> "Reading":
        """Return what both clocks say at another moment near by."""
        moved_ms = monotonic_ms - self.monotonic_ms
        return replace(self, wall_ms=self.wall_ms + moved_ms, monotonic_ms=monotonic_ms)


# Linux's monotonic clock stands still while the device sleeps; this one counts on (clock_gettime(2)).
_SINCE_START: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def read_clock() -> Reading:
    """Read both clocks."""
    return Reading(
        wall_ms=time.time_ns() // 1_000_000,
        monotonic_ms=time.clock_gettime_ns(_SINCE_START) // 1_000_000,
        boot=_boot(),
    )


@cache
def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.exists() else ""


def offset_ms(date: str | None, *, sent_ms: int, received_ms: int) -> int | None:
    """Return server's clock minus ours, by the Date header (RFC 9110, 6.6.1) of its answer.

    The header counts whole seconds, so the middle of its second is held against the middle of the exchange.
    None when the header is absent or no date.
    """
    if date is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000) + 500 - (sent_ms + received_ms) // 2
