"""A person with a browser: every request and every complaint of the browser is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from support.programs import BIN, ServerProgram, run_json

DESKTOP, PHONE = (1280, 900), (390, 844)


@dataclass
class Visit:
    """One person's browser: a profile of its own, and what it asked for and complained of."""

    server: ServerProgram
    context: BrowserContext
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page of the server and wait until it is loaded: its deferred scripts have run by then."""
        self.page.goto(self.server.url + path)
        return self.page

    def sign_in(self) -> None:
        """Sign in by a new one-time link."""
        self.open(sign_in_path(self.server))
        self.page.locator("form[action='/sign-in/link'] button").click()
        self.page.wait_for_selector("nav.main")

    def check(self) -> None:
        """Fail when a request left the machine, or the browser complained of a script, a style or the policy."""
        elsewhere = [address for address in self.requests if urlsplit(address).hostname != "127.0.0.1"]
        assert elsewhere == []
        assert self.complaints == []


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
    """Open a browser profile; at its end nothing may have left the machine and nothing may have gone wrong."""
    width, height = size
    context = browser.new_context(locale=locale, viewport={"width": width, "height": height}, storage_state=state)
    visitor = Visit(server=server, context=context, page=context.new_page())
    context.on("request", lambda request: visitor.requests.append(request.url))
    # A page that answers 4xx on purpose is reported as a resource that failed to load; that is no fault of the page.
    context.on(
        "console",
        lambda said: (
            visitor.complaints.append(said.text)
            if said.type in {"error", "warning"} and "Failed to load resource" not in said.text
            else None
        ),
    )
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    try:
        yield visitor
        visitor.check()
    finally:
        context.close()
