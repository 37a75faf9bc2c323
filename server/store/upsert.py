"""INSERT … ON CONFLICT for both databases, and the bulk insert that keeps what devices send once.

`insert_new` sends all rows of a table in few statements of fixed text. On SQLite one statement is one call that lets
other threads run; `executemany` gives the interpreter lock away once a row and, beside a busy event loop, waits to
get it back each time (65 k rows/s against 200 in benchmarks/ingest.py's machine when another thread computes).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Value = str | int | float | None
"""What a row holds, in the form both databases take: a UUID as its hex, a moment as milliseconds, JSON as text."""
Row = tuple[Value, ...]

# Rows of one statement: few sizes, so that every statement stays prepared. 100 rows of 20 columns are 2,000
# parameters, far below the 32,766 of either database.
_SIZES: Final = (100, 20, 5, 1)


def insert(conn: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return the INSERT of the connection's dialect, which knows ON CONFLICT."""
    return insert_for(conn.dialect.name, table)


def insert_for(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the INSERT of a dialect, for statements that are built once and kept."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_new(conn: Connection, table: Table, rows: Sequence[Row]) -> set[str]:
    """Insert rows whose key is new and leave the others as they are.

    Args:
        conn: where.
        table: begins with the columns tenant and record_id.
        rows: values in the order of the table's columns.

    Returns:
        The record ids, as hex, that were inserted.
    """
    insert_part = _insert_on_postgres if conn.dialect.name == "postgresql" else _insert_on_sqlite
    inserted: set[str] = set()
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            inserted.update(insert_part(conn, table, rows[start : start + size]))
            start += size
    return inserted


def _insert_on_sqlite(conn: Connection, table: Table, rows: Sequence[Row]) -> Iterable[str]:
    result = conn.exec_driver_sql(_insert_text(table, len(rows), "sqlite"), tuple(chain.from_iterable(rows)))
    if result.rowcount == len(rows):
        # Nearly always. Reading the ids back with RETURNING took as long again as half the insert.
        return (str(row[1]) for row in rows)
    # A new row gets the highest rowid, and nobody else writes within this transaction.
    newest = f"SELECT record_id FROM {table.name} ORDER BY rowid DESC LIMIT ?"  # noqa: S608 - our own name
    return [str(value) for (value,) in conn.exec_driver_sql(newest, (result.rowcount,))]


def _insert_on_postgres(conn: Connection, table: Table, rows: Sequence[Row]) -> Iterable[str]:
    text = f"{_insert_text(table, len(rows), 'postgresql')} RETURNING record_id"
    return [as_hex(value) for (value,) in conn.exec_driver_sql(text, tuple(chain.from_iterable(rows)))]


def as_hex(value: str | UUID) -> str:
    """Return a UUID as it came from the driver, text on SQLite, in the form of `Value`."""
    return value if isinstance(value, str) else value.hex


@lru_cache(maxsize=64)
def _insert_text(table: Table, size: int, dialect: str) -> str:
    width = len(table.columns)
    names = ", ".join(column.name for column in table.columns)
    marks = [f"${number + 1}" if dialect == "postgresql" else "?" for number in range(size * width)]
    values = ", ".join(f"({', '.join(marks[row * width : (row + 1) * width])})" for row in range(size))
    # Only names from our own metadata and placeholders stand in the text.
    return f"INSERT INTO {table.name} ({names}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - see above
