"""The device's list of customers: fetched from the server, sealed on disk, searched in memory without a network."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from heapq import nsmallest
from pathlib import Path
from threading import RLock
from typing import Final

from pydantic import ValidationError

from edge_agent.agent.port import CustomerView
from edge_agent.customer_store import CustomerStore, Entry
from edge_agent.identity import DeviceKey, Identity
from edge_agent.outbox_database import DATABASE_FILE as OUTBOX_FILE
from edge_agent.sealing import load_sealer
from edge_agent.server_link import ServerLink
from edge_agent.settings import EdgeSettings
from edge_agent.signed_request import SignedRequests
from models.errors import UploadError
from models.wire import CustomerDelta, ListedCustomer

PAGE: Final = 1000
"""Customers asked for at once."""
CHUNK: Final = 500
"""Customers sealed together, about 50 KB: what is written anew when one of them changes."""
TAIL_DIGITS: Final = 4


class CustomerList:
    """Customers that a device can search; any thread may use it."""

    def __init__(self, folder: Path, *, settings: EdgeSettings, identity: Identity, key: DeviceKey) -> None:
        """Read the list that lies in the device's data folder.

        Raises:
            OutboxError: the file cannot be read, or the data key is missing.
        """
        sealer = load_sealer(folder, given=settings.data_key, may_make=not (folder / OUTBOX_FILE).exists())
        owner = f"{identity.server} {identity.tenant} {identity.device_id}"
        self._store = CustomerStore(folder, sealer=sealer, owner=owner)
        self._identity, self._key = identity, key
        self._lock = RLock()
        self._syncing = RLock()
        self._chunks: defaultdict[int, dict[str, Entry]] = defaultdict(dict)
        self._home: dict[str, int] = {}
        self._by_tail: defaultdict[str, set[str]] = defaultdict(set)
        self._folded: dict[str, str] = {}
        stored = self._store.load()
        self._after = stored.after
        for number, entries in stored.chunks.items():
            for entry in entries:
                self._put(entry, number)

    def __len__(self) -> int:
        with self._lock:
            return len(self._home)

    def sync(self, link: ServerLink) -> int:
        """Fetch what changed since the last time and return how many customers that were.

        What came before a failure is kept, and the next call goes on from there.

        Raises:
            UploadError: the server does not answer, or refuses.
            OutboxError: the list cannot be written.
        """
        requests = SignedRequests(link, identity=self._identity, key=self._key)
        changed = 0
        with self._syncing:
            while True:
                body = requests.get(f"/v1/device/customers?after={self._after}&limit={PAGE}")
                delta = _delta(body)
                self._apply(delta)
                changed += len(delta.customers)
                if not delta.has_more:
                    return changed

    def search(self, text: str, *, limit: int = 20) -> tuple[CustomerView, ...]:
        """Find customers by a part of their name, id or card number, or by the end of their phone number.

        Exact ids and card numbers come first, then phone numbers, then names that begin with the text.
        """
        wanted = _fold(text)
        if not wanted:
            return ()
        tail = wanted[-TAIL_DIGITS:] if wanted.isdigit() and len(wanted) >= TAIL_DIGITS else None
        with self._lock:
            found = {ref for ref, folded in self._folded.items() if wanted in folded}
            if tail is not None:
                found |= self._by_tail[tail]
            ranked = [(_rank(entry, wanted), entry.name, entry.ref) for entry in map(self._entry, found)]
            return tuple(_view(self._entry(ref)) for _, _, ref in nsmallest(limit, ranked))

    def named(self, ref: str) -> CustomerView:
        """Return a customer by id; one that is not on the list has no name."""
        with self._lock:
            return _view(self._entry(ref)) if ref in self._home else CustomerView(ref=ref)

    def _entry(self, ref: str) -> Entry:
        return self._chunks[self._home[ref]][ref]

    def _apply(self, delta: CustomerDelta) -> None:
        """Take a page in, first on the disk and then in memory."""
        with self._lock:
            whole = self._after == 0
            placed = self._places(delta.customers)
            dirty = {number: dict(self._chunks[number]) for _, number in placed}
            for one, number in placed:
                if one.deleted:
                    dirty[number].pop(one.ref, None)
                else:
                    dirty[number][one.ref] = Entry(one.ref, one.name, one.phone_tail, one.codes)
            changed = {number: tuple(entries.values()) for number, entries in dirty.items()}
            self._store.save(after=delta.next, chunks=changed, whole=whole)
            self._after = delta.next
            for one, number in placed:
                self._remove(one.ref)
                if not one.deleted:
                    self._put(Entry(one.ref, one.name, one.phone_tail, one.codes), number)

    def _places(self, customers: Iterable[ListedCustomer]) -> list[tuple[ListedCustomer, int]]:
        """Return each customer with its chunk: the one it is in, else the first of the last ones with room."""
        last = max(self._chunks, default=0)
        room = CHUNK - len(self._chunks[last])
        placed = []
        for one in customers:
            home = self._home.get(one.ref)
            if home is None and not one.deleted:
                if room <= 0:
                    last, room = last + 1, CHUNK
                home, room = last, room - 1
            if home is not None:
                placed.append((one, home))
        return placed

    def _put(self, entry: Entry, number: int) -> None:
        self._chunks[number][entry.ref] = entry
        self._home[entry.ref] = number
        self._folded[entry.ref] = "\n".join(map(_fold, (entry.name, entry.ref, *entry.codes)))
        self._by_tail[entry.phone_tail].add(entry.ref)

    def _remove(self, ref: str) -> None:
        number = self._home.pop(ref, None)
        if number is None:
            return
        entry = self._chunks[number].pop(ref)
        del self._folded[ref]
        self._by_tail[entry.phone_tail].discard(ref)


def _delta(body: bytes) -> CustomerDelta:
    try:
        return CustomerDelta.model_validate_json(body)
    except ValidationError as error:
        raise UploadError(
            f"the server's answer is no list of customers ({len(body)} bytes)",
            code="bad_customer_list",
            advice="Check that the address is a Voicetrail server's and that no proxy answers in its place.",
        ) from error


def _rank(entry: Entry, wanted: str) -> int:
    """Return how well an entry fits that was found, 0 the best."""
    if wanted in map(_fold, (entry.ref, *entry.codes)):
        return 0
    if entry.phone_tail and wanted.endswith(entry.phone_tail):
        return 1
    return 2 if _fold(entry.name).startswith(wanted) else 3


def _view(entry: Entry) -> CustomerView:
    return CustomerView(ref=entry.ref, name=entry.name, phone_tail=entry.phone_tail)


def _fold(text: str) -> str:
    """Return text as it is compared: full-width forms as half-width, no case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
