"""A browser profile under watch: every request and every complaint of the browser is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, StorageState


@dataclass
class Profile:
    """One person's browser, and what it asked for and complained of."""

    context: BrowserContext
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail when a request left the machine, or the browser complained of a script, a style or the policy."""
        elsewhere = [address for address in self.requests if urlsplit(address).hostname != "127.0.0.1"]
        assert elsewhere == []
        assert self.complaints == []


@contextmanager
def profile(
    browser: Browser,
    *,
    locale: str,
    size: tuple[int, int],
    state: StorageState | None = None,
    reduced_motion: bool = False,
) -> Iterator[Profile]:
    """Open a profile; at its end nothing may have left the machine and nothing may have gone wrong."""
    width, height = size
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": height},
        storage_state=state,
        reduced_motion="reduce" if reduced_motion else "no-preference",
    )
    opened = Profile(context=context, page=context.new_page())
    context.on("request", lambda request: opened.requests.append(request.url))
    # What is refused on purpose, and a program that was killed, are reported as resources that failed to load.
    context.on(
        "console",
        lambda said: (
            opened.complaints.append(said.text)
            if said.type in {"error", "warning"} and "Failed to load resource" not in said.text
            else None
        ),
    )
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    try:
        yield opened
        opened.check()
    finally:
        context.close()
