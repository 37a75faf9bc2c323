"""The list of customers over HTTP: kept by programs, read by devices that sign what they ask for."""

import threading
from uuid import UUID

import httpx2
import pytest

from models.ids import new_id
from support.device_client import HTTP, Device, Json, signed
from support.running_server import RunningServer


class Shop:
    """A tenant of its own, with a device."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.key = server.add_tenant(f"shop-{new_id()}")
        self.tenant = str(server.post("/v1/devices/enrolment-codes", self.key).json()["tenant"])
        self.device = server.device(self.tenant)

    def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Send a request with the tenant's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return HTTP.request(method, self.server.url + path, headers=headers, json=body)

    def batch(self, *customers: Json) -> httpx2.Response:
        """Send customers."""
        return self.ask("POST", "/v1/customers:batch", {"customers": customers})

    def delta(self, after: int = 0, limit: int = 1000) -> Json:
        """Return a page as the device reads it."""
        answer = signed(self.device, f"/v1/device/customers?after={after}&limit={limit}")
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        return page

    def everything(self, *, limit: int = 1000) -> dict[str, Json]:
        """Follow the list from its beginning to its end."""
        seen: dict[str, Json] = {}
        page: Json = {"next": 0, "has_more": True}
        while page["has_more"]:
            page = self.delta(page["next"], limit)
            seen |= {one["ref"]: one for one in page["customers"]}
        return seen


@pytest.fixture
def shop(server: RunningServer) -> Shop:
    """A tenant without customers."""
    return Shop(server)


def test_a_device_hears_of_every_change(shop: Shop) -> None:
    """Added, changed and deleted customers come in the order of their changes, each once."""
    given = {"name": "王小明", "phone_tail": "0042", "codes": ["6900001"]}
    assert shop.ask("PUT", "/v1/customers/C-1", given).status_code == 204
    assert shop.batch({"ref": "C-2", "name": "李四"}, {"ref": "C/3"}).json() == {"changed": 2}
    first = shop.delta()
    assert [one["ref"] for one in first["customers"]] == ["C-1", "C-2", "C/3"]
    assert first["customers"][0] == {"ref": "C-1", "deleted": False, **given}
    assert shop.ask("DELETE", "/v1/customers/C-1").status_code == 204
    assert shop.batch({"ref": "C-2", "name": "李四光"}).status_code == 200
    later = shop.delta(first["next"])
    gone, renamed = later["customers"]
    assert gone == {"ref": "C-1", "name": "", "phone_tail": "", "codes": [], "deleted": True}
    assert renamed["name"] == "李四光"
    assert shop.delta(later["next"]) == {"customers": [], "next": later["next"], "has_more": False}
    assert [row for row in shop.server.rows("SELECT tenant, name FROM customer") if "王小明" in row] == []


def test_what_is_as_it_was_costs_devices_nothing(shop: Shop) -> None:
    """The whole list sent again every night gives no device anything to fetch."""
    night = [{"ref": f"C-{number}", "name": f"客户{number}", "codes": [str(number)]} for number in range(1000)]
    assert shop.batch(*night).json() == {"changed": 1000}
    place = shop.delta()["next"]
    assert shop.batch(*night).json() == {"changed": 0}
    assert shop.delta(place)["customers"] == []
    assert set(shop.everything(limit=300)) == {one["ref"] for one in night}


def test_writers_side_by_side_hide_nothing_from_a_reader(shop: Shop) -> None:
    """A device that follows the list while four programs write to it ends with what stands."""
    total, each = 4, 12
    stop = threading.Event()
    seen: dict[str, str] = {}

    def write(writer: int) -> None:
        for turn in range(each):
            shared = {"ref": f"shared-{turn}", "name": f"{writer}"}
            assert shop.batch({"ref": f"w{writer}-{turn}", "name": "x"}, shared).status_code == 200

    def follow() -> None:
        after = 0
        while True:
            last = stop.is_set()
            page = shop.delta(after, limit=7)
            seen.update({one["ref"]: one["name"] for one in page["customers"]})
            after = page["next"]
            if last and not page["has_more"]:
                return

    writers = [threading.Thread(target=write, args=(number,)) for number in range(total)]
    reader = threading.Thread(target=follow)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen == {ref: one["name"] for ref, one in shop.everything().items()}
    assert len(seen) == total * each + each


def test_the_list_is_its_own_tenants(shop: Shop, server: RunningServer) -> None:
    """Another tenant's device reads none of it, and its key deletes none of it."""
    shop.batch({"ref": "C-1", "name": "王小明"})
    other = Shop(server)
    assert other.everything() == {}
    assert other.ask("DELETE", "/v1/customers/C-1").json()["code"] == "customer_unknown"
    other.batch({"ref": "C-1", "deleted": True})
    assert shop.everything()["C-1"]["name"] == "王小明"


def test_a_device_must_sign_what_it_asks_for(shop: Shop) -> None:
    """Another path, another query, another method, an old signature, a batch's or none: refused."""
    target = "/v1/device/customers?after=0&limit=1000"
    device = shop.device
    assert signed(device, target).status_code == 200
    refused = [
        signed(device, target, signs="/v1/device/customers?after=0&limit=1"),
        signed(device, target, signs="/v1/device/customers"),
        signed(device, target, method="POST"),
        HTTP.get(device.url + target, headers=device.sign(b"")),
    ]
    assert [answer.json()["code"] for answer in refused] == ["signature_invalid"] * 4
    assert signed(device, target, late_s=3600).json()["code"] == "signature_expired"
    assert HTTP.get(device.url + target).json()["code"] == "signature_missing"
    assert shop.ask("GET", target).json()["code"] == "signature_missing"


def test_a_revoked_device_reads_nothing(shop: Shop) -> None:
    """From the moment at which it was revoked."""
    path = f"/v1/devices/{shop.device.id}/revoke"
    assert shop.ask("POST", path).status_code == 204
    answer = signed(shop.device, "/v1/device/customers")
    assert (answer.status_code, answer.json()["code"]) == (401, "device_revoked")
    stranger = Device(shop.device.url, shop.device.key, UUID(int=7), shop.tenant)
    assert signed(stranger, "/v1/device/customers").json()["code"] == "device_unknown"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ref": "C-1", "phone_tail": "13800138000"},
        {"ref": "C-1", "phone_tail": "12a4"},
        {"ref": "C-1", "name": "x" * 201},
        {"ref": "C-1", "name": "a\x00b"},
        {"ref": "C-1", "name": 7},
        {"ref": ""},
        {"ref": "x" * 201},
        {"ref": "a\x00b"},
        {"name": "王小明"},
        {"ref": "C-1", "codes": ["x"] * 21},
        {"ref": "C-1", "codes": [""]},
        {"ref": "C-1", "codes": ["a\x00"]},
        {"ref": "C-1", "codes": "690"},
    ],
    ids=lambda wrong: repr(wrong)[:40],
)
def test_one_wrong_customer_refuses_its_batch(shop: Shop, wrong: Json) -> None:
    """A whole telephone number, what is too long, NUL, wrong types: nothing of the batch is stored."""
    assert shop.batch({"ref": "C-0", "name": "王小明"}, wrong).status_code == 422
    assert shop.everything() == {}


def test_batches_are_bounded(shop: Shop) -> None:
    """Ten thousand customers are ten batches, an empty batch changes nothing."""
    assert shop.batch(*({"ref": f"C-{number}"} for number in range(10_000))).status_code == 422
    assert shop.batch().json() == {"changed": 0}
    assert shop.batch({"ref": "C-1", "name": "a"}, {"ref": "C-1", "name": "b"}).json() == {"changed": 1}
    assert shop.everything()["C-1"]["name"] == "b"


def test_half_a_surrogate_is_no_name(shop: Shop) -> None:
    """It cannot be stored, so it is refused."""
    headers = {"Content-Type": "application/json"}
    body = b'{"customers": [{"ref": "C-1", "name": "\\ud800"}]}'
    assert shop.server.post("/v1/customers:batch", shop.key, headers=headers, content=body).status_code in (400, 422)
