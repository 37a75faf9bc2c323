"""Claims about the first minutes: signing in, and pages that have nothing to show yet."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.programs import ServerProgram, running_server
from support.visiting import Visit, sign_in_path, visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProgram]:
    """A server without data; without Chromium it is not started."""
    assert chromium_path
    with running_server(tmp_path_factory.mktemp("first") / "data") as running:
        yield running


@pytest.fixture
def visitor(chromium: Browser, server: ServerProgram) -> Iterator[Visit]:
    """A person with an English browser who has not signed in."""
    with visit(chromium, server, locale="en-GB") as made:
        yield made


def test_a_link_signs_in_once(chromium: Browser, server: ServerProgram) -> None:
    """The first to press the button is in; the next one is told that the link is used up."""
    path = sign_in_path(server)
    with visit(chromium, server, locale="en-GB") as preview, visit(chromium, server, locale="en-GB") as owner:
        preview.open(path)
        owner.open(path).get_by_role("button", name="Confirm sign-in").click()
        expect(owner.page.locator("h1")).to_have_text("Set a password")
        assert "token" not in owner.page.url
        preview.page.get_by_role("button", name="Confirm sign-in").click()
        expect(preview.page.get_by_role("alert")).to_contain_text("wrong, used up or expired")


def test_a_wrong_link_says_what_to_do(visitor: Visit) -> None:
    """A link that we did not give leads to the form and to advice."""
    visitor.open("/sign-in?token=wrong").get_by_role("button").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("Ask for a new one")


def test_the_session_cookie_is_out_of_reach(visitor: Visit) -> None:
    """No script can read the cookie, no other site can send it, and it ends with the day's work."""
    visitor.sign_in()
    cookie = next(one for one in visitor.context.cookies() if one.get("name") == "voicetrail_session")
    assert (cookie.get("httpOnly"), cookie.get("sameSite"), cookie.get("secure")) == (True, "Lax", False)
    assert "voicetrail_session" not in str(visitor.page.evaluate("document.cookie"))
    now_s = float(visitor.page.evaluate("Date.now() / 1000"))
    assert 0 < cookie.get("expires", 0) - now_s <= 12 * 3600 + 60


def test_a_person_sets_a_password_and_comes_back_with_it(visitor: Visit) -> None:
    """Sign in by link, set a password, sign out, be refused with a wrong one, be let in to the page that was wanted."""
    page = visitor.page
    visitor.sign_in()
    page.get_by_label("New password").fill("four plain words here")
    page.get_by_label("Once more").fill("four plain words here")
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("status")).to_contain_text("Password saved.")
    page.locator("summary").click()
    page.get_by_role("button", name="Sign out").click()
    visitor.open("/events")
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Login or password is wrong.")
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password").fill("four plain words here")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Experience events")


def test_an_empty_server_says_what_to_do_next(visitor: Visit) -> None:
    """Before the first conversation the overview tells how to get one, and no page shows a figure out of nothing."""
    visitor.sign_in()
    page = visitor.open("/")
    expect(page.locator(".empty")).to_contain_text("voicetrail-edge enrol")
    assert page.locator("[data-chart], .figure").count() == 0
    for path, words in {
        "/customers": "No conversation has been bound",
        "/conversations": "No conversations yet.",
        "/events": "No experience events yet.",
        "/journeys/bank_branch": "No visits on this map yet.",
    }.items():
        expect(visitor.open(path).locator("main")).to_contain_text(words)


def test_a_stale_form_is_refused_in_words(visitor: Visit) -> None:
    """A form whose session is gone gives a page that says so, not a bare error."""
    visitor.open("/sign-in")
    visitor.context.clear_cookies()
    visitor.page.get_by_label("Login").fill("admin")
    visitor.page.get_by_label("Password").fill("whatever it was")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.locator("h1")).to_have_text("This form is no longer valid")
