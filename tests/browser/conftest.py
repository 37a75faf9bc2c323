"""Real Chromium, and a real server that was told conversations; without Chromium nothing is started."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, StorageState, sync_playwright

from support.programs import running_server
from support.talks import Shown, tell
from support.visiting import Visit, visit

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium of this machine is."""
    names = (os.environ.get("VOICETRAIL_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: install it (Debian: apt-get install chromium) or name it in VOICETRAIL_CHROMIUM")
    return path


# Not for the whole session: while Playwright is open this thread has a running event loop, and other tests need none.
@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shown(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A server that was told conversations."""
    assert chromium_path
    with running_server(tmp_path_factory.mktemp("pages") / "data") as server:
        yield Shown(server, tell(server))


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, shown: Shown) -> StorageState:
    """What a browser keeps after one sign-in; each test's profile starts with it."""
    with visit(chromium, shown.server) as visitor:
        visitor.sign_in()
        return visitor.context.storage_state()


@pytest.fixture
def zh(chromium: Browser, shown: Shown, signed_in: StorageState) -> Iterator[Visit]:
    """A person with a Chinese browser, signed in."""
    with visit(chromium, shown.server, state=signed_in) as visitor:
        yield visitor


@pytest.fixture
def en(chromium: Browser, shown: Shown, signed_in: StorageState) -> Iterator[Visit]:
    """A person with an English browser, signed in."""
    with visit(chromium, shown.server, locale="en-GB", state=signed_in) as visitor:
        yield visitor
