"""A moment as both databases keep it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970, as MomentMs stores them."""
    return (moment - _EPOCH) // _MILLISECOND


class MomentMs(TypeDecorator[datetime]):
    """A moment as whole milliseconds since 1970 in UTC: the same, exact and sortable on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware datetime into milliseconds."""
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Turn milliseconds into an aware datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)
