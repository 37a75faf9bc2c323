"""A member of staff with a browser at the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page

from support.browsing import profile

PHONE, TABLET = (390, 844), (1280, 800)


@dataclass
class Clerk:
    """A member of staff with a browser of their own."""

    url: str
    context: BrowserContext
    page: Page

    def open(self, path: str = "/") -> Page:
        """Open a page of the console."""
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, pin: str) -> Page:
        """Sign in by PIN."""
        page = self.open()
        page.locator("#pin").fill(pin)
        page.keyboard.press("Enter")
        page.wait_for_selector("nav.main")
        return page


@contextmanager
def clerk(
    browser: Browser, url: str, *, locale: str = "zh-CN", size: tuple[int, int] = TABLET, reduced_motion: bool = False
) -> Iterator[Clerk]:
    """Open a browser profile for the console of an address."""
    with profile(browser, locale=locale, size=size, reduced_motion=reduced_motion) as opened:
        yield Clerk(url=url, context=opened.context, page=opened.page)
