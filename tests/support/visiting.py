"""A person with a browser at the server's pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from support.browsing import profile
from support.programs import BIN, ServerProgram, run_json

DESKTOP, PHONE = (1280, 900), (390, 844)


@dataclass
class Visit:
    """One person's browser: a profile of its own."""

    server: ServerProgram
    context: BrowserContext
    page: Page

    def open(self, path: str) -> Page:
        """Open a page of the server and wait until it is loaded: its deferred scripts have run by then."""
        self.page.goto(self.server.url + path)
        return self.page

    def sign_in(self) -> None:
        """Sign in by a new one-time link."""
        self.open(sign_in_path(self.server))
        self.page.locator("form[action='/sign-in/link'] button").click()
        self.page.wait_for_selector("nav.main")


def picture(page: Page, tmp_path: Path, name: str) -> None:
    """Keep a picture for people to look at."""
    folder = Path(os.environ.get("VOICETRAIL_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def sign_in_path(server: ServerProgram) -> str:
    """Return the path of a new one-time link."""
    command = (BIN / "voicetrail-server", "sign-in-link", "--data", server.folder, "--json")
    return str(run_json(*command)["sign_in_path"])


@contextmanager
def visit(
    browser: Browser,
    server: ServerProgram,
    *,
    locale: str = "zh-CN",
    size: tuple[int, int] = DESKTOP,
    state: StorageState | None = None,
) -> Iterator[Visit]:
    """Open a browser profile for a server."""
    with profile(browser, locale=locale, size=size, state=state) as opened:
        yield Visit(server=server, context=opened.context, page=opened.page)
