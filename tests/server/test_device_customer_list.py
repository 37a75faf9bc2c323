"""The device's list of customers against the real server: fetched, sealed on disk, searched without a network."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from edge_agent.customer_list import CHUNK, PAGE, CustomerList
from edge_agent.customer_store import DATABASE_FILE
from edge_agent.enrolment import enrol
from edge_agent.identity import DeviceKey, Identity
from edge_agent.sealing import KEY_FILE
from edge_agent.server_link import RefusedError, ServerLink, ServerUnreachableError
from models.ids import new_id
from support.device_client import Json
from support.edge_device import settings
from support.programs import free_port
from support.running_server import RunningServer

FAMILY, GIVEN = "赵钱孙李周吴郑王", "伟芳娜敏静丽强磊军洋"


@dataclass
class Counter:
    """A tenant with one device of the real program, and the tenant's key."""

    server: RunningServer
    folder: Path
    key: str = ""
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.server.add_tenant(f"counter-{new_id()}")
        code = self.server.post("/v1/devices/enrolment-codes", self.key).json()["enrolment_code"]
        with self.link() as link:
            self.identity = enrol(self.folder, link=link, code=code, name="counter")

    def link(self, *, transport: httpx2.BaseTransport | None = None) -> ServerLink:
        """Return a way to the server."""
        return ServerLink(self.server.url, timeout_s=60, transport=transport)

    def opened(self) -> CustomerList:
        """Return the list as a program that starts finds it."""
        key = DeviceKey.load(self.folder)
        return CustomerList(self.folder, settings=settings(), identity=self.identity, key=key)

    def give(self, *customers: Json) -> None:
        """Send customers to the server."""
        for start in range(0, len(customers), 1000):
            batch = {"customers": customers[start : start + 1000]}
            assert self.server.post("/v1/customers:batch", self.key, json=batch).status_code == 200

    def synced(self) -> CustomerList:
        """Return the list after it was fetched."""
        listed = self.opened()
        with self.link() as link:
            listed.sync(link)
        return listed


@pytest.fixture
def counter(server: RunningServer, tmp_path: Path) -> Counter:
    """A device at a counter of its own."""
    return Counter(server, tmp_path)


def _refs(listed: CustomerList, text: str, limit: int = 20) -> list[str]:
    return [one.ref for one in listed.search(text, limit=limit)]


def test_staff_find_a_customer_by_whatever_they_know(counter: Counter) -> None:
    """A part of the name, the id, the card, the end of the telephone number or all of it; the best first."""
    counter.give(
        {"ref": "C-1001", "name": "王小明", "phone_tail": "0042", "codes": ["6900001", "VIP-7"]},
        {"ref": "C-1002", "name": "小明王", "phone_tail": "1001"},
        {"ref": "1001", "name": "李四", "codes": ["0042"]},
        {"ref": "D-9", "name": "Anna Müller", "phone_tail": "8888"},
    )
    listed = counter.synced()
    assert _refs(listed, "小明") == ["C-1002", "C-1001"]
    assert _refs(listed, "王") == ["C-1001", "C-1002"]
    assert _refs(listed, "1001") == ["1001", "C-1002", "C-1001"]
    assert _refs(listed, "13800138888") == ["D-9"]
    assert _refs(listed, "ａｎｎａ ｍü") == ["D-9"]
    assert _refs(listed, "vip-7") == ["C-1001"]
    assert _refs(listed, "0042") == ["1001", "C-1001"]
    assert _refs(listed, "nobody") == _refs(listed, "  ") == []
    assert _refs(listed, "1", limit=1) != []
    assert [_refs(listed, code)[0] for code in ("6900001", "C-1002", " vip-7 ")] == ["C-1001", "C-1002", "C-1001"]
    assert (listed.named("D-9").name, listed.named("D-10").name) == ("Anna Müller", "")


def test_the_list_is_there_without_a_network(counter: Counter) -> None:
    """After a restart it is whole, and what is deleted on the server leaves the device with the next fetch."""
    counter.give({"ref": "C-1", "name": "王小明", "codes": ["690"]}, {"ref": "C-2", "name": "李四"})
    assert len(counter.synced()) == 2
    again = counter.opened()
    assert _refs(again, "王小明") == ["C-1"]
    counter.give({"ref": "C-1", "deleted": True}, {"ref": "C-2", "name": "李四光", "codes": ["690"]})
    with counter.link() as link:
        assert (again.sync(link), again.sync(link)) == (2, 0)
    for listed in (again, counter.opened()):
        assert (_refs(listed, "王"), _refs(listed, "李"), len(listed)) == ([], ["C-2"], 1)
        assert _refs(listed, "690") == ["C-2"]


def test_no_name_lies_on_the_disk_in_clear(counter: Counter) -> None:
    """Neither names nor ids nor cards can be read from any file of the device, nor after they were deleted."""
    given = [{"ref": f"C-secret-{n}", "name": f"王小明{n}", "codes": [f"6900{n}"]} for n in range(50)]
    counter.give(*given)
    listed = counter.synced()
    kept = (counter.folder / DATABASE_FILE).read_bytes()
    assert len(kept) > 1000
    for file in counter.folder.iterdir():
        content = file.read_bytes()
        assert not any(word.encode() in content for word in ("王小明", "C-secret", "69001")), file
    assert ((counter.folder / DATABASE_FILE).stat().st_mode & 0o077) == 0
    sealed = kept[kept.index(b"SQLite") :]
    counter.give(*({"ref": one["ref"], "deleted": True} for one in given))
    with counter.link() as link:
        assert listed.sync(link) == len(given)
    # Zeros stand where the sealed chunk was: old ciphertext goes with what it sealed.
    now = (counter.folder / DATABASE_FILE).read_bytes()
    start = max(range(0, len(sealed) - 64, 64), key=lambda at: len(set(sealed[at : at + 64])))
    assert sealed[start : start + 64] not in now


def test_a_long_list_comes_page_by_page_and_goes_on_where_it_broke_off(counter: Counter) -> None:
    """A network that fails after two pages leaves those; the next fetch brings the rest and nothing twice."""
    names = random.Random(7)
    total = 2 * PAGE + CHUNK + 3
    given = [
        {"ref": f"C-{n}", "name": names.choice(FAMILY) + "".join(names.choices(GIVEN, k=2)), "phone_tail": f"{n:04}"}
        for n in range(total)
    ]
    counter.give(*given)
    listed = counter.opened()
    with counter.link(transport=_Failing(after=2)) as link, pytest.raises(ServerUnreachableError):
        listed.sync(link)
    assert len(listed) == len(counter.opened()) == 2 * PAGE
    with counter.link() as link:
        assert listed.sync(link) == total - 2 * PAGE
    for one in (listed, counter.opened()):
        assert len(one) == total
        for wanted in names.sample(given, 20):
            assert str(wanted["ref"]) in _refs(one, str(wanted["name"]), limit=total)
            assert one.named(str(wanted["ref"])).phone_tail == wanted["phone_tail"]


class _Failing(httpx2.BaseTransport):
    """A wire that breaks after some requests."""

    def __init__(self, *, after: int) -> None:
        self._left = after
        self._wire = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, or break."""
        if self._left == 0:
            raise httpx2.ConnectError("the wire is cut")
        self._left -= 1
        return self._wire.handle_request(request)


def test_any_changes_in_any_portions_give_the_list_as_it_stands(counter: Counter) -> None:
    """Two hundred random changes, fetched now and then by a device that restarts now and then: it is the server's."""
    chance = random.Random(11)
    stands: dict[str, str] = {}
    listed = counter.opened()
    for step in range(25):
        changes = [(f"C-{chance.randrange(30)}", chance.choice(["", "王", "李"])) for _ in range(8)]
        counter.give(*({"ref": ref, "name": name, "deleted": not name} for ref, name in dict(changes).items()))
        stands |= dict(changes)
        if chance.random() < 0.4:
            listed = counter.opened() if chance.random() < 0.5 else listed
            with counter.link() as link:
                listed.sync(link)
            wanted = {ref for ref, name in stands.items() if name == "王"}
            assert set(_refs(listed, "王", limit=100)) == wanted, step
            assert len(listed) == sum(bool(name) for name in stands.values())


def test_a_clock_that_is_wrong_is_corrected_by_the_answer(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose clock was set back a day fetches all the same."""
    counter.give({"ref": "C-1", "name": "王小明"})
    yesterday_ns = time.time_ns() - 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: yesterday_ns)
    listed = counter.opened()
    with counter.link() as link:
        assert listed.sync(link) == 1


def test_what_does_not_open_is_fetched_anew(counter: Counter) -> None:
    """A damaged file, a changed byte or another data key costs a fetch and nothing else."""
    counter.give(*({"ref": f"C-{n}", "name": "王小明"} for n in range(40)))
    counter.synced()
    file = counter.folder / DATABASE_FILE
    altered = bytearray(file.read_bytes())
    altered[-200] ^= 1
    for spoil in (
        lambda: file.write_bytes(altered),
        lambda: file.write_bytes(b"no database at all" * 100),
        (counter.folder / KEY_FILE).unlink,
    ):
        spoil()
        assert len(counter.opened()) == 0
        assert len(counter.synced()) == 40


def test_a_list_of_another_identity_is_never_shown(counter: Counter, server: RunningServer, tmp_path: Path) -> None:
    """A device that was enrolled elsewhere begins with an empty list."""
    counter.give({"ref": "C-1", "name": "王小明"})
    counter.synced()
    other = Counter(server, tmp_path / "other")
    counter.identity = other.identity
    assert len(counter.opened()) == 0


def test_refusals_and_silence_say_what_is_wrong(counter: Counter) -> None:
    """A revoked device is told so, a server that is away is named; the list that was fetched stays."""
    counter.give({"ref": "C-1", "name": "王小明"})
    listed = counter.synced()
    with ServerLink(f"http://127.0.0.1:{free_port()}", timeout_s=5) as nowhere, pytest.raises(ServerUnreachableError):
        listed.sync(nowhere)
    counter.server.post(f"/v1/devices/{counter.identity.device_id}/revoke", counter.key)
    with counter.link() as link, pytest.raises(RefusedError) as caught:
        listed.sync(link)
    assert caught.value.code == "device_revoked"
    assert _refs(listed, "王") == ["C-1"]
