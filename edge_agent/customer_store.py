"""Where the list of customers lies on the device: chunks of some hundred customers, each sealed."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from edge_agent.sealing import Sealer, UnreadableError
from models.errors import OutboxError

DATABASE_FILE: Final = "customers.db"
_KIND: Final = "customers"
_BUSY_S: Final = 15.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL, after INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
"""


class Entry(NamedTuple):
    """A customer in memory (a tuple: 50,000 of them, with what finds them, take 45 MB)."""

    ref: str
    name: str
    phone_tail: str
    codes: tuple[str, ...]


class StoredList(NamedTuple):
    """What lies on the disk."""

    after: int
    """Place in the server's list up to which it is known."""
    chunks: Mapping[int, Sequence[Entry]]


_NOTHING: Final = StoredList(0, {})
_CHUNK: Final = TypeAdapter(tuple[Entry, ...])


class CustomerStore:
    """The file of the list. It is a copy of what the server has: what does not open is thrown away and fetched anew."""

    def __init__(self, folder: Path, *, sealer: Sealer, owner: str) -> None:
        """Name the file; nothing is opened yet.

        Args:
            folder: the device's data folder.
            sealer: under the device's data key.
            owner: whose list it is: server, tenant and device. Another owner's is never read.
        """
        self._path = folder / DATABASE_FILE
        self._sealer = sealer
        self._owner = sealer.fingerprint(_KIND, owner)

    def load(self) -> StoredList:
        """Read and open the whole list; empty when there is none that is ours and whole.

        Raises:
            OutboxError: `customer_list_io`, the file cannot be read.
        """
        try:
            with self._opened() as db:
                place = db.execute("SELECT owner, after FROM place").fetchone()
                if place is None or place[0] != self._owner:
                    return _NOTHING
                chunks = {number: self._open(number, sealed) for number, sealed in db.execute("SELECT * FROM chunk")}
                return StoredList(place[1], chunks)
        except UnreadableError:
            return _NOTHING

    def save(self, *, after: int, chunks: Mapping[int, Sequence[Entry]], whole: bool) -> None:
        """Write chunks and place in one transaction; an empty chunk is deleted.

        Args:
            after: the new place.
            chunks: those that changed.
            whole: forget every other chunk, as the list begins anew.

        Raises:
            OutboxError: `customer_list_io`, nothing was written.
        """
        with self._opened() as db:
            if whole:
                db.execute("DELETE FROM chunk")
            for number, entries in chunks.items():
                if entries:
                    db.execute("REPLACE INTO chunk VALUES (?, ?)", (number, self._sealed(number, entries)))
                else:
                    db.execute("DELETE FROM chunk WHERE id = ?", (number,))
            db.execute("REPLACE INTO place VALUES (1, ?, ?)", (self._owner, after))

    def _sealed(self, number: int, entries: Sequence[Entry]) -> bytes:
        return self._sealer.seal(_CHUNK.dump_json(tuple(entries)), identity=f"{self._owner} {number}", kind=_KIND)

    def _open(self, number: int, sealed: bytes) -> tuple[Entry, ...]:
        return _CHUNK.validate_json(self._sealer.open(sealed, identity=f"{self._owner} {number}", kind=_KIND))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a connection of its own: any thread may ask."""
        try:
            try:
                db = self._connect()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorname", "") not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                    raise
                self._path.unlink()
                db = self._connect()
            with closing(db), db:
                yield db
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(
                f"{self._path} cannot be used: {error}",
                code="customer_list_io",
                advice="Check the disk and the rights on the data folder.",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_BUSY_S)
        try:
            self._path.chmod(0o600)
            # Not WAL: a list that changes some times a day leaves no log behind with what was deleted.
            db.execute("PRAGMA journal_mode = TRUNCATE")
            db.execute("PRAGMA secure_delete = ON")
            db.executescript(_SCHEMA)
        except BaseException:  # whatever it is, Ctrl-C too: nobody else has the connection to close it
            db.close()
            raise
        return db
