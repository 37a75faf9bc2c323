"""The device's clocks, read at the edge of the program and handed down as values."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the device's clocks say at one moment."""

    wall_ms: int
    """Unix time in milliseconds; may be wrong until it is set."""
    monotonic_ms: int
    """Milliseconds since the device started; never set, never jumps."""

    @property
    def moment(self) -> datetime:
        """The wall clock as a moment in UTC."""
        return datetime.fromtimestamp(self.wall_ms / 1000, tz=UTC)


def read_clock() -> Reading:
    """Read both clocks."""
    return Reading(wall_ms=time.time_ns() // 1_000_000, monotonic_ms=time.monotonic_ns() // 1_000_000)


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
