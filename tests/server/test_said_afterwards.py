"""What programs say of a conversation afterwards: its customer, who spoke, that the customer withdrew."""

from uuid import UUID

import httpx2
import pytest

from models.ids import new_id
from server.access.accounts import Role
from server.access.keys import create_key
from support.device_client import Device, Json, consent, record, utterance
from support.received import NOW
from support.running_server import RunningServer

WORDS = "柜台前说的悄悄话"


def _talk(device: Device, **changes: object) -> tuple[UUID, UUID]:
    """Send a conversation of one utterance; return both ids."""
    conversation = new_id()
    said = utterance(conversation, WORDS)
    sent = [device.conversation(conversation, ended=True, **changes), said]
    assert {verdict["verdict"] for verdict in device.verdicts(sent)} == {"accepted"}
    return conversation, UUID(said["body"]["id"])


def _read(server: RunningServer, conversation: UUID, key: str | None = None) -> Json:
    answer = server.get(f"/v1/conversations/{conversation}", key)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def _bind(server: RunningServer, conversation: UUID, customer: object, key: str | None = None) -> httpx2.Response:
    return server.post(f"/v1/conversations/{conversation}/customer", key, json={"customer": customer})


def _correct(server: RunningServer, conversation: UUID, said: UUID, role: object) -> httpx2.Response:
    return server.post(f"/v1/conversations/{conversation}/utterances/{said}/role", json={"role": role})


def test_a_till_binds_the_customer_later(server: RunningServer, device: Device) -> None:
    """A conversation that was bound later names the customer, is kept as a binding and waits to be analysed again."""
    conversation, _ = _talk(device, customer=None)
    assert _read(server, conversation)["customer"] is None
    ((before,),) = server.of(conversation, "analysis_queue", "ring")
    answer = _bind(server, conversation, "会员 7/甲")
    assert answer.json() == {"conversation_id": str(conversation), "customer": "会员 7/甲"}
    assert _read(server, conversation)["customer"] == "会员 7/甲"
    assert server.of(conversation, "customer_binding", "customer, how") == [("会员 7/甲", "api")]
    assert server.of(conversation, "analysis_queue", "ring") == [(before + 1,)]


def test_the_latest_word_on_the_customer_stands(server: RunningServer, device: Device) -> None:
    """A customer may be bound to another one; saying the same again adds nothing."""
    conversation, _ = _talk(device, customer="C-1")
    for customer in ("C-2", "C-2", "C-3"):
        assert _bind(server, conversation, customer).status_code == 200
    assert _read(server, conversation)["customer"] == "C-3"
    assert len(server.of(conversation, "customer_binding", "customer")) == 2


def test_the_list_of_unbound_conversations_is_a_list_of_work(server: RunningServer) -> None:
    """Page by page it has every conversation without a customer once, and loses those that are bound."""
    key = server.add_tenant(f"unbound-{new_id()}")
    device = server.device(_tenant_of(server, key))
    open_ones = [_talk(device, customer=None)[0] for _ in range(5)]
    bound, _ = _talk(device, customer="C-1")

    def listed(unbound: str) -> list[str]:
        seen: list[str] = []
        page: Json = {"next": None, "has_more": True}
        while page["has_more"]:
            after = f"&after={page['next']}" if page["next"] else ""
            page = server.get(f"/v1/conversations?unbound={unbound}&limit=2{after}", key).json()
            seen += [one["id"] for one in page["conversations"]]
        return seen

    assert listed("true") == [str(one) for one in open_ones]
    assert listed("false") == [str(bound)]
    assert _bind(server, open_ones[2], "C-9", key).status_code == 200
    assert listed("true") == [str(one) for one in open_ones if one != open_ones[2]]


def _tenant_of(server: RunningServer, key: str) -> str:
    """Return the tenant of a key, as an enrolment code of it says."""
    return str(server.post("/v1/devices/enrolment-codes", key).json()["tenant"])


def test_staff_say_who_spoke(server: RunningServer, device: Device) -> None:
    """A corrected role stands, says that staff gave it, and waits for its analysis; again, it changes nothing."""
    conversation, said = _talk(device)
    ((before,),) = server.of(conversation, "analysis_queue", "ring")
    for _ in range(2):
        assert _correct(server, conversation, said, "staff").json()["role"] == "staff"
    (shown,) = _read(server, conversation)["utterances"]
    assert (shown["role"], shown["role_confidence"], shown["role_revised"]) == ("staff", 1.0, "staff")
    assert server.of(conversation, "analysis_queue", "ring") == [(before + 1,)]
    assert server.of(conversation, "utterance", "role") == [("customer",)]


def test_a_withdrawal_by_program_erases(server: RunningServer, device: Device) -> None:
    """Words go in the same request; when, is said the same at every time; words that come later are refused."""
    conversation, said = _talk(device)
    path = f"/v1/conversations/{conversation}/withdraw"
    first, second = server.post(path), server.post(path)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    view = _read(server, conversation)
    assert (view["consent"], view["utterances"], view["erased_at"]) == ("withdrawn", [], first.json()["erased_at"])
    assert server.of(conversation, "utterance", "text") == []
    assert [row for row in server.rows("SELECT text FROM utterance") if str(said) in str(row)] == []
    later = [utterance(conversation, WORDS), consent(conversation, at="2026-11-20T04:00:00Z"), utterance(conversation)]
    codes = [verdict.get("code", verdict["verdict"]) for verdict in device.verdicts(later)]
    assert codes == ["consent_not_granted", "accepted", "consent_not_granted"]
    assert _correct(server, conversation, said, "staff").status_code == 404


def test_nothing_of_it_works_across_tenants(server: RunningServer, device: Device) -> None:
    """Another tenant's key finds no such conversation, and changes nothing."""
    conversation, said = _talk(device)
    before = _read(server, conversation)
    other = server.add_tenant(f"other-{new_id()}")
    for path, content in _routes(conversation, said):
        answer = server.post(path, other, json=content)
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation_unknown"), path
    assert server.get("/v1/conversations", other).json()["conversations"] == []
    assert _read(server, conversation) == before


def _routes(conversation: UUID, said: UUID) -> list[tuple[str, Json]]:
    base = f"/v1/conversations/{conversation}"
    role = (f"{base}/utterances/{said}/role", {"role": "staff"})
    return [(f"{base}/customer", {"customer": "C-7"}), role, (f"{base}/withdraw", {})]


@pytest.mark.parametrize(("role", "status"), [(Role.READER, 403), (Role.CONTRIBUTOR, 200)])
def test_readers_say_nothing_and_contributors_do(
    server: RunningServer, device: Device, role: Role, status: int
) -> None:
    """A reader's key is refused; a contributor's may say all of it, and nothing that is an administrator's."""
    key = server.in_database(lambda conn: create_key(conn, tenant="default", name="till", role=role, now=NOW))
    for path, content in _routes(*_talk(device)):
        assert server.post(path, key, json=content).status_code == status, path
    assert server.post("/v1/devices/enrolment-codes", key).status_code == 403


@pytest.mark.parametrize(
    "customer", ["", "x" * 201, "a\x00b", None, 7, ["C-1"], {"ref": "C-1"}], ids=lambda value: repr(value)[:20]
)
def test_a_customer_that_is_no_name_is_refused(server: RunningServer, device: Device, customer: object) -> None:
    """Empty, too long, NUL or no text at all: a problem, and the conversation stays as it is."""
    conversation, _ = _talk(device)
    assert _bind(server, conversation, customer).status_code == 422
    assert _read(server, conversation)["customer"] == "C-1"


def test_half_a_surrogate_is_refused(server: RunningServer, device: Device) -> None:
    """A customer with a lone surrogate is no text that a database can hold."""
    conversation, _ = _talk(device)
    headers = {"Content-Type": "application/json"}
    path = f"/v1/conversations/{conversation}/customer"
    answer = server.post(path, headers=headers, content=b'{"customer": "C\\ud800"}')
    assert answer.status_code in (400, 422)


def test_ids_and_roles_that_are_none_are_refused(server: RunningServer, device: Device) -> None:
    """Unknown ids are not found, malformed ones and unknown roles refused."""
    conversation, said = _talk(device)
    other, _ = _talk(device)
    assert _correct(server, conversation, said, "manager").status_code == 422
    assert _correct(server, conversation, new_id(), "staff").json()["code"] == "utterance_unknown"
    assert _correct(server, other, said, "staff").json()["code"] == "utterance_unknown"
    assert _bind(server, new_id(), "C-1").json()["code"] == "conversation_unknown"
    assert server.post(f"/v1/conversations/{new_id()}/withdraw").status_code == 404
    for path in ("/v1/conversations/7/customer", "/v1/conversations/x/withdraw"):
        assert server.post(path, json={"customer": "C-1"}).status_code == 422


def test_another_device_revises_and_binds_nothing(server: RunningServer, device: Device) -> None:
    """Revision and binding of a device reach its own conversations only."""
    conversation, said = _talk(device)
    thief = server.device()
    revision = {
        "body": "role",
        "conversation_id": str(conversation),
        "utterance_id": str(said),
        "role": "staff",
        "role_confidence": 0.9,
        "by": "staff",
        "at": "2026-11-20T03:00:00Z",
    }
    binding = {
        "body": "customer",
        "conversation_id": str(conversation),
        "customer": "C-8",
        "at": "2026-11-20T03:00:00Z",
    }
    sent = [record(revision), record(binding)]
    assert [verdict["code"] for verdict in thief.verdicts(sent)] == ["conversation_foreign"] * 2
    assert [verdict["verdict"] for verdict in device.verdicts(sent + sent)] == ["accepted"] * 2 + ["duplicate"] * 2
    view = _read(server, conversation)
    assert (view["customer"], view["utterances"][0]["role"]) == ("C-8", "staff")
