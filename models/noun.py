"""What every noun is: frozen, and tolerant of fields it does not know yet."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Noun(BaseModel):
    """A value that does not change after it is made; unknown fields are ignored on read."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=False)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # Year 1 or 9999 beside an offset: no year that UTC has.
        raise ValueError("a moment must lie between the years 1 and 9999 in UTC") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A point in time, kept in UTC."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short name given by people or other systems: tenant, site, staff, customer, channel."""
