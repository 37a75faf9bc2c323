"""Claims about who gets in, over real HTTP to the real server process."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Connection, delete

from models.ids import new_id
from server.access.accounts import Role, create_account, issue_sign_in_link
from server.store.database import Database
from server.store.tables.access import account
from server.web.routes import PAGES
from server.web.session import MAX_FORM_BYTES
from support.programs import ServerProgram, running_server

T = TypeVar("T")

OPEN = {"/sign-in", "/sign-in/link"}
"""What everybody may ask for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProgram]:
    """A server without data."""
    with running_server(tmp_path_factory.mktemp("guarded") / "data") as running:
        yield running


@pytest.fixture
def client(server: ServerProgram) -> Iterator[httpx2.Client]:
    """A browser's HTTP: cookies are kept, redirects shown."""
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as made:
        yield made


def in_database(server: ServerProgram, work: Callable[[Connection], T]) -> T:
    """Run a function in a transaction of its own, beside the server."""

    async def once() -> T:
        database = Database.open(f"sqlite:///{server.folder / 'voicetrail.db'}")
        try:
            return await database.write(work)
        finally:
            await database.close()

    return asyncio.run(once())


def link(server: ServerProgram, *, login: str = "admin") -> str:
    """Return the path of a new sign-in link."""
    now = datetime.now(UTC)
    token = in_database(server, lambda conn: issue_sign_in_link(conn, tenant="default", login=login, now=now))
    return f"/sign-in?token={token}"


def csrf_of(answer: httpx2.Response) -> str:
    """Return the form token of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1]


def sign_in(client: httpx2.Client, server: ServerProgram, *, login: str = "admin") -> httpx2.Response:
    """Sign in by a new link."""
    path = link(server, login=login)
    token = parse_qs(urlsplit(path).query)["token"][0]
    return client.post("/sign-in/link", data={"csrf": csrf_of(client.get(path)), "token": token})


def page_paths() -> list[str]:
    """Return an address of every page of ours."""
    filled = {"{name}": "bank_branch", "{code}": "counter", "{conversation_id}": "0", "{customer:path}": "C-1"}
    routes = [route for page in PAGES for route in page.router.routes if isinstance(route, APIRoute)]
    paths = [route.path for route in routes if "GET" in (route.methods or ())]
    return [re.sub(r"\{[^}]+\}", lambda match: filled[match[0]], path) for path in paths if path not in OPEN]


def test_there_are_pages_to_guard() -> None:
    """The list that the next test goes through is that of the router."""
    assert {"/", "/journeys", "/journeys/bank_branch", "/conversations/0", "/customers/C-1", "/password"} <= set(
        page_paths()
    )


@pytest.mark.parametrize("path", page_paths())
def test_no_page_opens_without_a_sign_in(client: httpx2.Client, path: str) -> None:
    """Every page sends people who are not signed in to the form, and back afterwards."""
    answer = client.get(path, params={"lang": "en"})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert target.path == "/sign-in"
    assert parse_qs(target.query)["next"] == [f"{path}?lang=en"]


def test_a_piece_of_a_page_leads_to_the_form_too(client: httpx2.Client) -> None:
    """htmx is told to leave the page: a form inside a panel would be of no use."""
    answer = client.get("/journeys/bank_branch/touchpoints/counter", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_looking_at_a_link_does_not_use_it_up(client: httpx2.Client, server: ServerProgram) -> None:
    """A program that previews the link leaves it whole; the button uses it, once."""
    path = link(server)
    token = parse_qs(urlsplit(path).query)["token"][0]
    for _ in range(3):
        assert client.get(path).status_code == 200
    first = client.post("/sign-in/link", data={"csrf": csrf_of(client.get(path)), "token": token})
    assert (first.status_code, first.headers["location"]) == (303, "/password")
    assert client.get("/").status_code == 200
    client.cookies.clear()
    second = client.post("/sign-in/link", data={"csrf": csrf_of(client.get(path)), "token": token})
    assert second.status_code == 401
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("token", ["", "wrong", "\x00", "令牌"])
def test_a_wrong_link_is_refused(client: httpx2.Client, token: str) -> None:
    """A token that we did not give signs nobody in."""
    csrf = csrf_of(client.get("/sign-in"))
    assert client.post("/sign-in/link", data={"csrf": csrf, "token": token}).status_code == 401


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-out", "/password"])
def test_no_form_is_taken_without_its_token(client: httpx2.Client, server: ServerProgram, path: str) -> None:
    """Without a token, with another session's, and without a session at all, nothing happens."""
    assert client.post(path, data={"token": "x"}).status_code == 403
    sign_in(client, server)
    with httpx2.Client(base_url=server.url, trust_env=False) as other:
        foreign = csrf_of(other.get("/sign-in"))
    for data in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "ü"}):
        assert client.post(path, data={"x": "1"} | data).status_code == 403
    assert client.get("/").status_code == 200


def test_the_token_may_come_in_a_header(client: httpx2.Client, server: ServerProgram) -> None:
    """htmx sends the form token as a header."""
    sign_in(client, server)
    csrf = csrf_of(client.get("/"))
    assert client.post("/sign-out", headers={"X-CSRF-Token": csrf}, content=b"").status_code == 303
    assert client.get("/").status_code == 303


def test_signing_in_begins_a_new_session(client: httpx2.Client, server: ServerProgram) -> None:
    """A form token from before the sign-in is worth nothing after it, so nobody can plant one."""
    before = csrf_of(client.get("/sign-in"))
    sign_in(client, server)
    assert client.post("/sign-out", data={"csrf": before}).status_code == 403


def test_passwords(client: httpx2.Client, server: ServerProgram) -> None:
    """Set after a link, refused when weak or differing, then good for signing in and needed to change it."""
    sign_in(client, server)
    csrf = csrf_of(client.get("/password"))
    good = "four-plain-words-are-long"
    for new, again in [("short", "short"), (good, "another-long-password"), ("长" * 500, "长" * 500)]:
        answer = client.post("/password", data={"csrf": csrf, "new": new, "again": again})
        assert answer.status_code == 422
    assert client.post("/password", data={"csrf": csrf, "new": good, "again": good}).status_code == 200
    client.post("/sign-out", data={"csrf": csrf})
    form = {"csrf": csrf_of(client.get("/sign-in")), "login": "admin", "next": "/events"}
    assert client.post("/sign-in", data=form | {"password": "wrong"}).status_code == 401
    entered = client.post("/sign-in", data=form | {"password": good})
    assert (entered.status_code, entered.headers["location"]) == (303, "/events")
    change = {"csrf": csrf_of(client.get("/password")), "new": "an-entirely-new-one", "again": "an-entirely-new-one"}
    assert client.post("/password", data=change | {"current": "wrong"}).status_code == 422
    assert client.post("/password", data=change | {"current": good}).status_code == 200


def test_guessing_is_slowed_down(client: httpx2.Client) -> None:
    """After ten wrong passwords for a login the eleventh try is not even looked at."""
    form = {"csrf": csrf_of(client.get("/sign-in")), "login": "guessed", "password": "wrong"}
    answers = [client.post("/sign-in", data=form).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]


def test_a_sign_in_does_not_lead_elsewhere(client: httpx2.Client) -> None:
    """An address of another site in the link to the form does not get into the form."""
    for elsewhere in ("https://evil.example/", "//evil.example/"):
        assert 'name="next" value="/"' in client.get("/sign-in", params={"next": elsewhere}).text


@pytest.mark.parametrize("login", ["\x00", "a\x00b", "管理员", "a" * 1999])
def test_odd_logins_are_only_wrong(client: httpx2.Client, login: str) -> None:
    """What no database takes is a wrong login and no fault of the server."""
    form = {"csrf": csrf_of(client.get("/sign-in")), "login": login, "password": "\x00"}
    assert client.post("/sign-in", data=form).status_code == 401


def test_a_huge_form_is_not_read(client: httpx2.Client) -> None:
    """A form is at most 64 KiB and says so."""
    data = {"csrf": csrf_of(client.get("/sign-in")), "login": "a" * MAX_FORM_BYTES}
    assert client.post("/sign-in", data=data).status_code == 413
    chunks = iter([b"csrf=x"])
    assert client.post("/sign-in", content=chunks).status_code == 413


@pytest.mark.parametrize("path", ["/", "/sign-in", "/static/pages.css", "/static/absent.js", "/v1/events"])
def test_every_answer_carries_the_security_headers(client: httpx2.Client, path: str) -> None:
    """Pages, files, errors and the API alike: nothing from elsewhere, no framing, no guessing, no referrer."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/conversations/not-an-id", 404),
        ("/conversations/00000000-0000-7000-8000-000000000000", 404),
        ("/customers/nobody", 404),
        ("/customers/%00", 404),
        ("/journeys/absent", 404),
        ("/journeys/bank_branch/touchpoints/absent", 404),
        ("/events?kind=absent&at=absent/absent", 200),
        ("/events?before_ms=99999999999999999999&before_sequence=1", 422),
        ("/conversations?before_ms=1&before_id=00000000-0000-7000-8000-000000000000", 200),
        ("/customers?before_ms=-1", 422),
        ("/static/../session.py", 404),
    ],
)
def test_wrong_addresses_are_told_apart(client: httpx2.Client, server: ServerProgram, path: str, status: int) -> None:
    """An address that leads nowhere is not found, a broken one is refused, and neither is the server's fault."""
    sign_in(client, server)
    assert client.get(path).status_code == status


def test_a_removed_account_is_out_at_once(client: httpx2.Client, server: ServerProgram) -> None:
    """A cookie is worth nothing without the account that it names."""
    now = datetime.now(UTC)
    in_database(server, lambda conn: create_account(conn, tenant="default", login="temp", role=Role.READER, now=now))
    sign_in(client, server, login="temp")
    assert client.get("/").status_code == 200
    in_database(server, lambda conn: conn.execute(delete(account).where(account.c.login == "temp")) and None)
    assert client.get("/").status_code == 303


CONVERSATION = "/conversations/00000000-0000-7000-8000-000000000000"
ROLE = f"{CONVERSATION}/utterances/00000000-0000-7000-8000-000000000001/role"


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        (f"{CONVERSATION}/customer", {"customer": "C-1"}, 404),
        (f"{CONVERSATION}/customer", {"customer": "  "}, 422),
        (f"{CONVERSATION}/customer", {"customer": "x" * 201}, 422),
        (f"{CONVERSATION}/customer", {"customer": "a\x00b"}, 422),
        (f"{CONVERSATION}/customer", {}, 422),
        (ROLE, {"role": "staff"}, 404),
        (ROLE, {"role": "manager"}, 422),
        ("/conversations/0/customer", {"customer": "C-1"}, 422),
        (f"{CONVERSATION}/withdraw", {"confirmed": "yes"}, 404),
        (f"{CONVERSATION}/withdraw", {}, 422),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    client: httpx2.Client, server: ServerProgram, path: str, form: dict[str, str], status: int
) -> None:
    """An unknown conversation, no name or no role: refused, with the form's token and without."""
    sign_in(client, server)
    token = {"csrf": csrf_of(client.get("/"))}
    assert client.post(path, data=form).status_code == 403
    assert client.post(path, data=form | token).status_code == status


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (f"{CONVERSATION}/customer", {"customer": "C-1"}),
        (ROLE, {"role": "staff"}),
        (f"{CONVERSATION}/withdraw", {"confirmed": "yes"}),
    ],
)
def test_readers_correct_nothing(client: httpx2.Client, server: ServerProgram, path: str, form: dict[str, str]) -> None:
    """An account that may only read is told so, in its own words."""
    login, now = f"reader-{new_id()}", datetime.now(UTC)
    in_database(server, lambda conn: create_account(conn, tenant="default", login=login, role=Role.READER, now=now))
    sign_in(client, server, login=login)
    answer = client.post(path, data=form | {"csrf": csrf_of(client.get("/"))})
    assert (answer.status_code, "只能查看" in answer.text or "may only read" in answer.text) == (403, True)


def test_the_link_that_setup_prints_signs_in(client: httpx2.Client, server: ServerProgram) -> None:
    """The path in the output of setup leads to the button."""
    assert 'action="/sign-in/link"' in client.get(server.keys["sign_in_path"]).text
