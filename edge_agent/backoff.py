"""How long to wait before trying the server again: pure; chance and time are arguments."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Longest wait that a server may ask for; a slip of a day in a header must not silence a device for a day.
_LONGEST_ASKED_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits that double from the first to the longest, each shortened by chance to between half and all of itself."""

    first_s: float
    longest_s: float

    def wait_s(self, failures: int, *, chance: float, asked_s: float | None = None) -> float:
        """Return how long to wait after so many failures in a row.

        Args:
            failures: 1 after the first.
            chance: even in [0, 1); it spreads devices that failed together (full cohorts come back after a power cut).
            asked_s: the server's Retry-After; never less than that is waited.
        """
        # 2³² times the first wait is beyond any longest; the bound keeps the power small.
        grown: float = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 32))
        return max(grown * (0.5 + chance / 2), asked_s or 0.0)


def retry_after_s(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3), seconds or a date; None when absent or neither."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_ASKED_S)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_ASKED_S)
