"""The routes that programs read: the feed, journeys, maps and conversations, on both databases."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from models.ids import new_id
from nlp.journeys.map_file import read_toml
from nlp.journeys.shipped import shipped_maps
from server.access import keys, repository
from server.access.accounts import Role
from server.analysis.worker import Worker
from server.app import create_app
from server.journeys.repository import customer_journey, store_map
from server.settings import ServerSettings
from server.store.database import Database
from server.store.migrate import upgrade
from support.databases import DATABASES
from support.device_client import utterance
from support.received import NOW, Sender, Words, database_url

ANGRY = "我排队等了两个小时，太差劲了。"
LEAVING = "以后再也不来你们家了。"
Json = dict[str, Any]


@dataclass
class Api:
    """The server's routes as one tenant's program sees them."""

    http: TestClient
    keys: dict[str, str]
    conversations: dict[str, UUID]

    def ask(self, path: str, *, key: str = "acme", method: str = "GET", **rest: Any) -> Any:
        """Send a request with a key."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"} | rest.pop("headers", {})
        return self.http.request(method, path, headers=headers, **rest)

    def get(self, path: str, **rest: Any) -> Json:
        """Return the JSON of an answer that went well."""
        answer = self.ask(path, **rest)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body


async def _filled(url: str) -> tuple[dict[str, str], dict[str, UUID]]:
    """Two tenants, each with an analysed conversation of a customer C-1; acme has one more, and a reader's key."""
    db = Database.open(url)

    def tenants(conn: Connection) -> dict[str, str]:
        made = {}
        for name in ("acme", "bold"):
            repository.add_tenant(conn, name, now=NOW)
            made[name] = keys.create_key(conn, tenant=name, name=name, role=Role.ADMINISTRATOR, now=NOW)
        made["reader"] = keys.create_key(conn, tenant="acme", name="reader", role=Role.READER, now=NOW)
        return made

    try:
        made = await db.write(tenants)
        told = {name: await Sender(db, tenant=name).talk(ANGRY, LEAVING) for name in ("acme", "bold")}
        await Worker(db, load=Words, clock=lambda: NOW).drain()
        told["second"] = await Sender(db).talk(LEAVING, customer="C-2", site="retail-9")
        await Worker(db, load=Words, clock=lambda: NOW).drain()
    finally:
        await db.close()
    return made, told


@pytest.fixture(params=DATABASES, scope="module")
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with two tenants."""
    folder: Path = tmp_path_factory.mktemp("routes")
    with database_url(request.param, folder) as url:
        asyncio.run(upgrade(url))
        made, told = asyncio.run(_filled(url))
        settings = ServerSettings(data=folder, database_url=url, worker="off")
        settings.make_session_secret()
        with TestClient(create_app(settings), raise_server_exceptions=False) as http:
            yield Api(http, made, told)


def test_the_feed_is_read_page_by_page(api: Api) -> None:
    """Following `next` gives every event once, oldest first, and ends with has_more false."""
    seen, after, pages = [], 0, 0
    while True:
        page = api.get("/v1/events", params={"after": after, "limit": 2})
        seen += [event["sequence"] for event in page["events"]]
        after, pages = page["next"], pages + 1
        if not page["has_more"]:
            break
    assert (seen, after, pages) == ([1, 2, 3], 3, 2)
    assert api.get("/v1/events", params={"after": after}) == {"events": [], "next": 3, "has_more": False}


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        ({"kind": "complaint"}, [1]),
        ({"kind": "churn_signal"}, [2, 3]),
        ({"customer": "C-2"}, [3]),
        ({"customer": "nobody"}, []),
        ({"since": "2026-11-20T02:00:01Z"}, [2]),
        ({"since": "2100-01-01T00:00:00+08:00"}, []),
        ({"mot": "true", "kind": "complaint", "touchpoint": "farewell"}, []),
    ],
)
def test_filters_narrow_the_feed_and_move_the_cursor(api: Api, wanted: dict[str, str], sequences: list[int]) -> None:
    """A filtered consumer gets what it asked for, and its cursor passes what was left out."""
    page = api.get("/v1/events", params=wanted)
    assert ([event["sequence"] for event in page["events"]], page["next"]) == (sequences, 3)


def test_touchpoint_and_mot_filters_agree_with_the_events(api: Api) -> None:
    """Asking for a touchpoint, or for moments of truth, gives exactly the events that say so."""
    events = api.get("/v1/events")["events"]
    for touchpoint in {event["touchpoint"] for event in events}:
        found = api.get("/v1/events", params={"touchpoint": touchpoint})["events"]
        assert found == [event for event in events if event["touchpoint"] == touchpoint]
    for mot in (True, False):
        found = api.get("/v1/events", params={"mot": str(mot).lower()})["events"]
        assert found == [event for event in events if event["mot"] is mot]


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": "-1"},
        {"after": "x"},
        {"after": str(2**63)},
        {"limit": "0"},
        {"limit": "1001"},
        {"kind": "joy"},
        {"since": "yesterday"},
        {"since": "2026-11-20T02:00:00"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"customer": ""},
        {"customer": "a\x00b"},
        {"mot": "perhaps"},
    ],
)
def test_a_wrong_question_is_a_problem(api: Api, wrong: dict[str, str]) -> None:
    """A value that cannot be is refused with 422 and a problem document."""
    answer = api.ask("/v1/events", params=wrong)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


def test_a_conversation_tells_all(api: Api) -> None:
    """Utterances with labels, the seconds of its time, and the events with quotes that stand in it."""
    view = api.get(f"/v1/conversations/{api.conversations['acme']}")
    texts = {one["id"]: one["text"] for one in view["utterances"]}
    assert list(texts.values()) == [ANGRY, LEAVING]
    assert [one["analysis"]["model"] for one in view["utterances"]] == ["words-1", "words-1"]
    assert view["seconds"] == {"heard_s": 60.0, "silent_s": 0.0, "withheld_s": 0.0, "lost_s": 0.0, "share": 1.0}
    assert len(view["events"]) == 2
    for event in view["events"]:
        assert event["quote"] in texts[event["utterance_ids"][0]]


def test_a_journey_names_its_touchpoints(api: Api) -> None:
    """Visits in time order carry names, scores with n and coverage; events carry their quotes."""
    journey = api.get("/v1/customers/C-1/journey")
    assert [event["kind"] for event in journey["events"]] == ["complaint", "churn_signal"]
    shipped = shipped_maps()["bank_branch"]
    for visit in journey["visits"]:
        touchpoint = shipped.touchpoint(visit["visit"]["touchpoint"])
        assert visit["touchpoint_name"] == touchpoint.name.model_dump()
        assert (visit["mot"], visit["stage"]) == (touchpoint.mot, touchpoint.stage)
        assert visit["visit"]["coverage"] == 1.0
        assert (visit["visit"]["score"] is None) == (visit["visit"]["n"] == 0)
    starts = [visit["visit"]["occurred_at"] for visit in journey["visits"]]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/nobody/journey",
        "/v1/conversations/00000000-0000-0000-0000-000000000000",
        "/v1/journey-maps/no_such_map",
    ],
)
def test_what_is_not_there_is_not_found(api: Api, path: str) -> None:
    """Unknown things are 404 with a problem document."""
    answer = api.ask(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["/v1/customers/%00/journey", "/v1/journey-maps/%00", "/v1/conversations/x"])
def test_names_that_cannot_be_are_refused(api: Api, path: str) -> None:
    """A name with a NUL or an id that is none never reaches the database."""
    assert api.ask(path).status_code == 422


def test_no_route_answers_without_a_key(api: Api) -> None:
    """Every route asks for a key."""
    for path in ("/v1/events", "/v1/customers/C-1/journey", "/v1/journey-maps", "/v1/journey-maps/bank_branch"):
        assert api.http.get(path).status_code == 401
    assert api.http.get(f"/v1/conversations/{api.conversations['acme']}").status_code == 401
    assert api.http.put("/v1/journey-maps/mine", json={}).status_code == 401


def test_tenants_never_meet(api: Api) -> None:
    """No route gives one tenant anything of another, though both call their customer C-1."""
    mine, theirs = api.conversations["acme"], api.conversations["bold"]
    for key, own, foreign in (("acme", mine, theirs), ("bold", theirs, mine)):
        assert api.ask(f"/v1/conversations/{foreign}", key=key).status_code == 404
        events = api.get("/v1/events", key=key)["events"]
        assert str(own) in {event["conversation_id"] for event in events}
        assert {event["tenant"] for event in events} == {key}
        journey = api.get("/v1/customers/C-1/journey", key=key)
        assert {visit["visit"]["conversation_id"] for visit in journey["visits"]} == {str(own)}
        assert {event["conversation_id"] for event in journey["events"]} == {str(own)}
    assert api.ask("/v1/customers/C-2/journey", key="bold").status_code == 404
    changed = api.get("/v1/journey-maps/home_service")
    del changed["version"]
    assert api.ask("/v1/journey-maps/home_service", method="PUT", json=changed).json()["version"] == 2
    assert api.get("/v1/journey-maps/home_service", key="bold")["version"] == 1


def test_every_tenant_has_the_five_maps(api: Api) -> None:
    """The shipped maps are there from the start."""
    maps = api.get("/v1/journey-maps", key="bold")["journey_maps"]
    assert [one["name"] for one in maps] == sorted(shipped_maps())


def test_a_map_goes_out_as_a_file_and_comes_back(api: Api) -> None:
    """A manager fetches a map as TOML, edits it, and sends it as the next version."""
    answer = api.ask("/v1/journey-maps/auto_dealer", headers={"Accept": "application/toml"})
    assert answer.headers["content-type"].startswith("application/toml")
    edited = answer.text.replace("version = 1", "version = 2", 1).replace("汽车经销商", "四S店")
    sent = api.ask(
        "/v1/journey-maps/auto_dealer",
        method="PUT",
        content=edited.encode(),
        headers={"Content-Type": "application/toml"},
    )
    assert sent.status_code == 200, sent.text
    assert api.get("/v1/journey-maps/auto_dealer") == read_toml(edited).model_dump(mode="json")


def test_a_new_map_begins_at_version_one(api: Api) -> None:
    """A name of the tenant's own starts a map; version and name may be left to the server."""
    content = shipped_maps()["retail_store"].model_dump(mode="json", exclude={"name", "version"})
    for version in (1, 2):
        answer = api.ask("/v1/journey-maps/flagship", method="PUT", json=content)
        assert (answer.status_code, answer.json()["version"]) == (200, version)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 7}, "version"),
        ({"name": "other"}, "name"),
        ({"default_touchpoint": "nowhere"}, "default_touchpoint"),
        ({"stages": []}, "stages"),
        ({"rules": [{"touchpoint": "nowhere"}]}, "nowhere"),
    ],
)
def test_a_wrong_map_is_refused_with_its_fault(api: Api, changes: Json, said: str) -> None:
    """What is wrong is named in the problem, and nothing is stored."""
    before = api.get("/v1/journey-maps/bank_branch")
    content = {key: value for key, value in before.items() if key != "version"} | changes
    answer = api.ask("/v1/journey-maps/bank_branch", method="PUT", json=content)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert said in answer.json()["detail"]
    assert api.get("/v1/journey-maps/bank_branch") == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"title": "\\ud800"}', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"a = " + b"[" * 10_000, "application/toml", 422),
        (b"\xff\xfe", "application/toml", 422),
        (b"name: x", "text/yaml", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_a_body_that_is_no_map_is_refused(api: Api, content: bytes, media_type: str, status: int) -> None:
    """Broken, deep, foreign or huge bodies get a problem and no 5xx."""
    sent = api.ask("/v1/journey-maps/x", method="PUT", content=content, headers={"Content-Type": media_type})
    assert (sent.status_code, sent.headers["content-type"]) == (status, "application/problem+json")


def test_a_readers_key_changes_no_map(api: Api) -> None:
    """Only administrators store maps; readers read everything."""
    assert api.ask("/v1/journey-maps/mine", key="reader", method="PUT", json={}).status_code == 403
    assert len(api.get("/v1/events", key="reader")["events"]) == 3


def test_a_stored_map_places_what_comes_next(tmp_path: Path) -> None:
    """Conversations analysed after a change stand on the new version; earlier visits keep theirs and their names."""

    async def told(url: str) -> tuple[list[int], list[str]]:
        await upgrade(url)
        db = Database.open(url)
        sender, first = Sender(db), new_id()
        await sender.send([utterance(first, LEAVING), sender.opened(first)])
        await Worker(db, load=Words, clock=lambda: NOW).drain()
        changed = shipped_maps()["bank_branch"].model_copy(update={"version": 2})
        await db.write(lambda conn: store_map(conn, tenant="acme", journey=changed, at=NOW))
        await sender.talk(LEAVING, started_at="2026-11-20T02:10:00Z")
        await Worker(db, load=Words, clock=lambda: NOW).drain()
        journey = await db.read(lambda conn: customer_journey(conn, tenant="acme", customer="C-1"))
        await db.close()
        versions = [visit.visit.journey_map_version for visit in journey.visits]
        return versions, [visit.touchpoint_name.en for visit in journey.visits]

    with database_url("sqlite", tmp_path) as url:
        versions, names = asyncio.run(told(url))
    assert versions == [1, 2]
    assert all(names)
