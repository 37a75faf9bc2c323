"""Claims about who may do what at the console, over real HTTP."""

import json
import re

import httpx2
import pytest

from edge_agent.console.actions import ACTIONS
from edge_agent.console.attempts import MAX_TRIES_OF_ONE
from models.labels import ConsentState
from support.running_console import PIN, RunningConsole

PAGES = ("/", "/today", "/device", "/customers?q=1", "/stream", "/today/0190a0a0-0000-7000-8000-000000000000")
JSON = {"Accept": "application/json"}


def visitor(console: RunningConsole) -> httpx2.Client:
    """Return a client that keeps its cookies."""
    return httpx2.Client(base_url=console.url, trust_env=False, timeout=30)


def token_in(page: httpx2.Response) -> str:
    """Return the form token that a page carries."""
    found = re.search('name="csrf" content="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def signed_in(console: RunningConsole, client: httpx2.Client, pin: str = PIN) -> httpx2.Response:
    """Sign in, and return the answer."""
    form = client.get("/sign-in")
    return client.post("/sign-in", data={"csrf": token_in(form), "pin": pin})


def test_without_a_sign_in_there_is_nothing_to_see_or_do(console: RunningConsole) -> None:
    """Every page leads to the sign-in, and every action is refused."""
    with visitor(console) as client:
        for path in PAGES:
            answer = client.get(path)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/sign-in"), path
        for path in (*ACTIONS, "/sign-out"):
            assert client.post(path).status_code == 401, path


def test_an_action_needs_the_token_of_its_session(console: RunningConsole) -> None:
    """A form from elsewhere, or of another session, changes nothing."""
    with visitor(console) as client, visitor(console) as other:
        signed_in(console, client)
        signed_in(console, other)
        foreign = token_in(other.get("/"))
        for headers in ({}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": foreign}):
            for path in ACTIONS:
                assert client.post(path, data={"staff": "S-9"}, headers=JSON | headers).status_code == 403, path
        assert console.agent.snapshot().phase == "off"
        mine = {"X-CSRF-Token": token_in(client.get("/"))}
        assert client.post("/shift/begin", data={"staff": "S-9"}, headers=JSON | mine).status_code == 200
        assert console.agent.snapshot().staff == "S-9"


def test_a_pin_cannot_be_found_by_trying(console: RunningConsole) -> None:
    """After five wrong ones even the right one has to wait."""
    with visitor(console) as client:
        for _ in range(MAX_TRIES_OF_ONE):
            assert signed_in(console, client, "000001").status_code == 401
        assert signed_in(console, client).status_code == 429
        assert client.get("/").status_code == 303


def test_a_new_pin_ends_every_session(console: RunningConsole) -> None:
    """Whoever was signed in has to know the new one."""
    with visitor(console) as client:
        assert signed_in(console, client).status_code == 303
        assert client.get("/").status_code == 200
        console.pin.set("914273")
        assert client.get("/").status_code == 303
        assert signed_in(console, client, "914273").status_code == 303
        assert client.get("/").status_code == 200


def test_the_cookie_is_out_of_reach_and_signed(console: RunningConsole) -> None:
    """Scripts cannot read it, other sites cannot send it, and nobody can write one."""
    with visitor(console) as client:
        cookie = signed_in(console, client).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        value = client.cookies["voicetrail_console"]
        client.cookies.clear()
        client.cookies.set("voicetrail_console", value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
        assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "192.168.1.20", "[::1]", "counter.example", "COUNTER.example"]
)
def test_the_console_answers_to_its_own_names(console: RunningConsole, name: str) -> None:
    """Addresses, localhost and the names that it was given."""
    with visitor(console) as client:
        assert client.get("/sign-in", headers={"Host": f"{name}:{console.port}"}).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "counter.example.evil.example", "", "127.0.0.1.evil.example", "localhost.evil"]
)
def test_a_name_that_points_here_from_elsewhere_is_refused(console: RunningConsole, name: str) -> None:
    """A page elsewhere that makes its name point here (DNS rebinding) reads nothing."""
    with visitor(console) as client:
        answer = client.get("/sign-in", headers={"Host": name})
        assert answer.status_code in (400, 421)
        assert "csrf" not in answer.text


def test_pages_allow_nothing_from_elsewhere(console: RunningConsole) -> None:
    """Scripts and styles come from the console itself, never from inside a page; nobody may frame it."""
    with visitor(console) as client:
        signed_in(console, client)
        for path in ("/", "/today", "/device", "/sign-in", "/absent", "/static/live.js"):
            policy = client.get(path).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
        page = client.get("/").text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon[a-z]+=|\bstyle=|<style", page)
        assert re.findall(r'(?:src|href)="(?!/[^/]|/"|#)', page) == []


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/shift/begin", {"staff": ""}),
        ("/shift/begin", {"staff": "x" * 201}),
        ("/shift/begin", {"staff": "a\nb"}),
        ("/encounter/answer", {"state": "maybe", "encounter": "0190a0a0-0000-7000-8000-000000000000"}),
        ("/encounter/answer", {"state": "granted", "encounter": "no id"}),
        ("/encounter/customer", {"encounter": "0190a0a0-0000-7000-8000-000000000000"}),
        ("/utterance/role", {"utterance": "0190a0a0-0000-7000-8000-000000000000", "role": "boss"}),
        ("/sides", {"staff_deg": "north"}),
        ("/sides", {"staff_deg": "360"}),
        ("/sides", {"staff_deg": "nan"}),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(console: RunningConsole, path: str, form: dict[str, str]) -> None:
    """With a reason and advice, in the reader's language, and without a change."""
    with visitor(console) as client:
        signed_in(console, client)
        headers = JSON | {"X-CSRF-Token": token_in(client.get("/")), "Accept-Language": "en"}
        answer = client.post(path, data=form, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["text"] == "That cannot be used."
        assert console.agent.snapshot().phase == "off"


def test_a_form_that_is_too_large_is_not_read(console: RunningConsole) -> None:
    """Nobody fills the device's memory with a form."""
    with visitor(console) as client:
        signed_in(console, client)
        headers = JSON | {"X-CSRF-Token": token_in(client.get("/"))}
        assert client.post("/shift/begin", data={"staff": "x" * 20_000}, headers=headers).status_code == 403


def test_customers_are_found_without_a_network(console: RunningConsole) -> None:
    """By name, id, card or the end of a phone number; what nobody has can be used as an id; names stay text."""
    found = {"王": {"C-1001", "C-1002", "王"}, "1003": {"C-1003", "1003"}, "6230001": {"C-1001", "6230001"}}
    found |= {"5678": {"C-1001", "5678"}, "C-1002": {"C-1002"}, "": set(), "nobody": {"nobody"}}
    with visitor(console) as client:
        signed_in(console, client)
        for text, refs in found.items():
            answer = client.get("/customers", params={"q": text})
            assert set(re.findall('data-ref="([^"]*)"', answer.text)) == refs, text
        assert "<b>Lee" not in client.get("/customers?q=Lee").text


def test_a_consent_address_works_once_and_for_its_own_question(console: RunningConsole) -> None:
    """Each question has an address of its own; it is dead once answered, and takes only yes or no."""
    console.agent.begin_shift(staff="S-07")
    with visitor(console) as staff, visitor(console) as customer:
        signed_in(console, staff)
        first_id = console.agent.start(customer=None)
        first = consent_path(staff)
        assert customer.get(first).status_code == 200
        assert customer.post(first, data={"state": "withdrawn"}).status_code == 410
        assert customer.get("/consent/guess").status_code == 410
        console.agent.stop()
        assert customer.post(first, data={"state": "granted"}).status_code == 410
        console.agent.start(customer=None)
        second = consent_path(staff)
        assert second != first
        assert customer.post(first, data={"state": "declined"}).status_code == 410
        assert customer.post(second, data={"state": "declined"}).status_code == 303
        encounter = console.agent.snapshot().encounter
        assert encounter is not None
        assert encounter.id != first_id
        assert encounter.consent is ConsentState.DECLINED
        assert customer.post(second, data={"state": "granted"}).status_code == 410


def consent_path(staff: httpx2.Client) -> str:
    """Return the path of the open question's page."""
    found = re.search(r'href="http://[^/]+(/consent/[^"]+)"', staff.get("/").text)
    assert found is not None
    return found[1]


def test_the_stream_beats_and_ends_with_the_session(console: RunningConsole) -> None:
    """News come again and again although nothing changes; they stop when the PIN is set anew."""
    with visitor(console) as client:
        signed_in(console, client)
        beats = 0
        with client.stream("GET", "/stream?regions=status,unknown") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if not line.startswith("data: "):
                    continue
                news = json.loads(line.removeprefix("data: "))
                assert ("regions" in news) == (beats == 0)
                beats += 1
                if beats == 4:
                    console.pin.set("914273")
        assert beats < 10
