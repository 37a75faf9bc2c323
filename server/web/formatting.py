"""Numbers, times and shares as people read them."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

MINUS: Final = "−"


def signed(value: float, *, digits: int = 1) -> str:
    """Write +1.2, −0.4 or 0.0."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("-")
    return f"+{text}" if value > 0 else text.replace("-", MINUS)


def percent(share: float) -> str:
    """Write 12.3% of a share 0…1; what is there never reads 0.0%."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share * 100:.1f}%"


def clock(position_ms: int) -> str:
    """Write a position in a conversation as m:ss, from one hour on h:mm:ss."""
    seconds = position_ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def moment(at: datetime, *, zone: ZoneInfo) -> str:
    """Write a moment to the minute, in a time zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def start_of_day(now: datetime, *, zone: ZoneInfo) -> datetime:
    """Return when the day of `now` began in a time zone."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
