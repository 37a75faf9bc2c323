"""Claims that hold for every page: language, width, names and contrast."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState, expect

from support.talks import Shown
from support.visiting import DESKTOP, PHONE, Visit, visit

pytestmark = pytest.mark.browser

PAGES = ("/", "/journeys", "/journeys/bank_branch", "/customers", "/customers/C-1", "/conversations", "/events")
AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")


def test_pages_follow_the_browsers_language(zh: Visit, en: Visit) -> None:
    """A Chinese browser reads Chinese, an English one English, on every page."""
    for path in PAGES:
        for visitor, tag, word in ((zh, "zh-CN", "体验事件"), (en, "en", "Events")):
            page = visitor.open(path)
            expect(page.locator("html")).to_have_attribute("lang", tag)
            expect(page.locator("nav.main")).to_contain_text(word)


def test_the_language_can_be_switched_and_is_remembered(zh: Visit) -> None:
    """One click changes the language, on this page and on the next ones, and keeps what was chosen."""
    page = zh.open("/events?kind=complaint")
    page.get_by_role("link", name="EN", exact=True).click()
    expect(page.locator("h1")).to_have_text("Experience events")
    expect(page.locator("select[name=kind]")).to_have_value("complaint")
    zh.open("/customers")
    expect(page.locator("h1")).to_have_text("Customers")
    page.get_by_role("link", name="中文", exact=True).click()
    expect(page.locator("h1")).to_have_text("客户")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_no_page_scrolls_sideways(
    chromium: Browser, shown: Shown, signed_in: StorageState, locale: str, size: tuple[int, int]
) -> None:
    """What is wider than the screen scrolls inside its own frame, never the page."""
    with visit(chromium, shown.server, locale=locale, size=size, state=signed_in) as visitor:
        for path in (*PAGES, f"/conversations/{shown.told.bank}", "/password"):
            page = visitor.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_pages_can_be_used_without_eyes_or_mouse(
    chromium: Browser, shown: Shown, signed_in: StorageState, locale: str
) -> None:
    """Landmarks, headings, names, labels and contrast are there on every page, that of the sign-in included."""
    with visit(chromium, shown.server, locale=locale, state=signed_in) as visitor:
        for path in (*PAGES, f"/conversations/{shown.told.bank}", "/password", "/sign-in", "/customers/absent"):
            assert visitor.open(path).evaluate(AUDIT) == [], path


def test_charts_do_without_the_pointer(zh: Visit) -> None:
    """What a click on the chart does, a key on the table does as well."""
    page = zh.open("/journeys/bank_branch")
    button = page.locator("tr[data-touchpoint=wait] button")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#touchpoint h3")).to_have_attribute("data-shown", "wait")
