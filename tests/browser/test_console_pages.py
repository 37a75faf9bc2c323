"""Claims about the console's pages in every state that needs no recognition: real agent, network microphone."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed

from support.console_visit import PHONE, TABLET, clerk
from support.network_speaker import pcm_messages, tone
from support.programs import wait_until
from support.running_console import PIN, RunningConsole, running_console
from support.speaking import speaking

pytestmark = pytest.mark.browser

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
HAN = re.compile("[一-鿿]")
PATHS = ("/", "/today", "/device")


@pytest.fixture
def console(chromium_path: str, tmp_path: Path) -> Iterator[RunningConsole]:
    """A console of its own."""
    assert chromium_path
    with running_console(tmp_path / "device") as running:
        yield running


@contextmanager
def somebody_speaks(console: RunningConsole) -> Iterator[None]:
    """Let a network speaker give a tone at real pace, whenever a shift hears it, until the block is left."""
    done, token = threading.Event(), console.token()

    def speak() -> None:
        try:
            with speaking(console.microphone_url, token) as socket:
                for message in pcm_messages(tone(120.0)):
                    if done.wait(0.02):
                        return
                    socket.send(message)
        except ConnectionClosed:
            done.wait(0.1)

    def keep_speaking() -> None:
        while not done.is_set():
            speak()

    speaker = threading.Thread(target=keep_speaking)
    speaker.start()
    try:
        yield
    finally:
        done.set()
        speaker.join()


def mood(page: Page, name: str) -> None:
    """Wait until the page says how it stands."""
    expect(page.locator("#status .banner")).to_have_attribute("data-mood", name, timeout=30_000)


def test_a_microphone_that_falls_silent_is_said_in_red(console: RunningConsole, chromium: Browser) -> None:
    """Reason and advice stand beside it, and it goes when sound comes again."""
    console.agent.begin_shift(staff="S-07")
    with clerk(chromium, console.url, size=PHONE) as person:
        page = person.sign_in(PIN)
        with somebody_speaks(console):
            mood(page, "ready")
            expect(page.locator("#said[role=status]")).to_have_text("就绪")
        mood(page, "deaf")
        banner = page.locator("#status .banner")
        expect(banner).to_have_attribute("role", "alert")
        expect(banner).to_contain_text("没有在听")
        expect(banner).to_contain_text("无线麦克风连接中断")
        red, green, blue = page.evaluate(
            "getComputedStyle(document.querySelector('#status .banner')).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert red > 2 * max(green, blue)
        with somebody_speaks(console):
            mood(page, "ready")


@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_page_in_every_state_can_be_used_without_eyes_or_mouse(
    console: RunningConsole, chromium: Browser, locale: str, size: tuple[int, int]
) -> None:
    """Names, labels, headings and contrast are there, nothing scrolls sideways, and no word is in another language."""
    with clerk(chromium, console.url, locale=locale, size=size) as person, somebody_speaks(console):
        examine(person.open("/sign-in"), locale, size)
        page = person.sign_in(PIN)
        examine_all(page, console, locale, size)
        console.agent.begin_shift(staff="S-07")
        examine_all(page, console, locale, size)
        encounter = console.agent.start(customer=None)
        wait_until(lambda: console.agent.snapshot().encounter is not None, what="encounter")
        examine_all(page, console, locale, size)
        token = page.goto(console.url) and page.locator("figure.phone a").get_attribute("href")
        examine(person.open((token or "").removeprefix(console.url)), locale, size)
        page.get_by_role("button").last.click()
        page.wait_for_url("**/consent/answered/*")
        examine(page, locale, size)
        examine_all(page, console, locale, size)
        console.agent.stop()
        examine(person.open(f"/today/{encounter}"), locale, size)


def examine_all(page: Page, console: RunningConsole, locale: str, size: tuple[int, int]) -> None:
    """Examine every page of somebody who is signed in."""
    for path in PATHS:
        page.goto(console.url + path)
        page.wait_for_selector("body[data-mood]")
        examine(page, locale, size)


def examine(page: Page, locale: str, size: tuple[int, int]) -> None:
    """Examine the page that is open."""
    assert page.evaluate(AUDIT) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0], page.url
    words = page.evaluate(
        """() => { const copy = document.body.cloneNode(true);
        copy.querySelectorAll('[lang], code, noscript').forEach((e) => e.remove());
        const said = [...copy.querySelectorAll('*')].flatMap((e) => [e.ariaLabel, e.placeholder, e.dataset.missing]);
        return copy.textContent + said.filter(Boolean).join(' ') + document.title; }"""
    )
    if locale == "en-GB":
        assert not HAN.search(words), page.url
    else:
        foreign = set(re.findall("[A-Za-z]{3,}(?:-[a-z]+)?", words))
        # Commands, and names that this test gave.
        known = {"PIN", "voicetrail-edge", "console-pin", "bank", "counter", "speaker"}
        assert foreign <= known, page.url


def test_the_customer_answers_on_their_own_phone(console: RunningConsole, chromium: Browser) -> None:
    """The page behind the QR code takes one answer, without a PIN, and is dead afterwards."""
    console.agent.begin_shift(staff="S-07")
    with (
        clerk(chromium, console.url) as staff,
        clerk(chromium, console.url, size=PHONE) as customer,
        somebody_speaks(console),
    ):
        page = staff.sign_in(PIN)
        page.get_by_role("button", name="开始接待").click()
        mood(page, "asking")
        expect(page.locator("svg.qr path").first).to_be_visible()
        path = (page.locator("figure.phone a").get_attribute("href") or "").removeprefix(console.url)
        asked = customer.open(path)
        expect(asked.locator("main button")).to_have_text(["同意", "不同意"])
        asked.get_by_role("button", name="不同意").click()
        expect(asked.get_by_role("heading")).to_have_text("好的")
        mood(page, "withholding")
        expect(customer.open(path).get_by_role("heading")).to_have_text("这个询问已经结束")
        expect(customer.open("/").locator("#pin")).to_be_visible()


def test_a_press_before_the_page_follows_the_program_counts(console: RunningConsole, chromium: Browser) -> None:
    """A slow script must not turn a quick press into a page that has run out: the encounter starts all the same."""
    console.agent.begin_shift(staff="S-07")
    with clerk(chromium, console.url) as person, somebody_speaks(console):
        wait_until(lambda: console.agent.snapshot().microphone.hearing, what="sound")
        person.context.route("**/live.js*", lambda route: route.abort())
        page = person.sign_in(PIN)
        with page.expect_response("**/encounter/start") as answered:
            page.get_by_role("button", name="开始接待").click()
        assert answered.value.ok
        assert page.url == f"{console.url}/"
        assert console.agent.snapshot().encounter is not None


def test_a_hand_held_scanner_chooses_the_customer(console: RunningConsole, chromium: Browser) -> None:
    """A scanner types a card's number and Enter; the next touch starts the encounter with the card's customer."""
    console.agent.begin_shift(staff="S-07")
    with clerk(chromium, console.url) as person, somebody_speaks(console):
        page = person.sign_in(PIN)
        mood(page, "ready")
        page.get_by_role("searchbox").focus()
        page.keyboard.type("6230001")
        page.keyboard.press("Enter")
        expect(page.locator("[data-chosen]")).to_have_text("王芳")
        page.get_by_role("button", name="开始接待").click()
        mood(page, "asking")
        customer = console.agent.snapshot().encounter
        assert customer is not None
        assert customer.customer is not None
        assert customer.customer.ref == "C-1001"


def test_the_camera_is_offered_where_the_browser_can_read_codes(console: RunningConsole, chromium: Browser) -> None:
    """Without the browser's detector there is no button; with it, what the camera sees is chosen, and it is let go."""
    console.agent.begin_shift(staff="S-07")
    with clerk(chromium, console.url) as person:
        page = person.sign_in(PIN)
        expect(page.locator("[data-scan]").first).to_be_hidden()
    # Chromium on Linux has no detector and this machine no camera: both are the browser's own parts, given here.
    given = """
        globalThis.BarcodeDetector = class {
            async detect(video) { return video.srcObject ? [{ rawValue: "C-88" }] : []; }
        };
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").fillRect(0, 0, 9, 9);
        globalThis.camera = canvas.captureStream(5);
        Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: async () => globalThis.camera } });
    """
    with clerk(chromium, console.url) as person:
        person.page.add_init_script(given)
        page = person.sign_in(PIN)
        page.get_by_role("button", name="用摄像头扫码").first.click()
        expect(page.locator("[data-chosen]")).to_have_text("C-88")
        expect(page.locator(".camera").first).to_be_hidden()
        assert page.evaluate("camera.getTracks().every((track) => track.readyState === 'ended')")


def test_what_cannot_be_done_is_said_in_the_readers_language(console: RunningConsole, chromium: Browser) -> None:
    """An action that came too late is refused with a reason and advice, and the page goes on."""
    console.agent.begin_shift(staff="S-07")
    with clerk(chromium, console.url) as chinese, clerk(chromium, console.url, locale="en-GB") as english:
        for person, text in ((chinese, "现在不能这样操作"), (english, "cannot be done")):
            page = person.sign_in(PIN)
            page.wait_for_selector("body[data-mood]")
            page.evaluate("document.querySelector('form[action=\"/encounter/start\"]').action = '/encounter/stop'")
            page.locator("#start").click()
            expect(page.locator("#problem")).to_contain_text(text)
            page.locator("#problem button").click()
            expect(page.locator("#problem")).to_be_hidden()


def test_the_focus_stays_when_a_part_of_the_page_changes(console: RunningConsole, chromium: Browser) -> None:
    """Whoever works with the keyboard is not thrown to the top of the page by news."""
    with clerk(chromium, console.url) as person, somebody_speaks(console):
        page = person.sign_in(PIN)
        page.locator("#staff").focus()
        console.agent.begin_shift(staff="S-07")
        expect(page.locator("#start")).to_be_focused()
        page.locator("#start-search").focus()
        page.keyboard.type("abc")
        time.sleep(1.5)
        expect(page.locator("#start-search")).to_have_value("abc")
        expect(page.locator("#start-search")).to_be_focused()


def test_nothing_moves_for_those_who_asked_for_it(console: RunningConsole, chromium: Browser) -> None:
    """With reduced motion no part of the page is animated."""
    with clerk(chromium, console.url, reduced_motion=True) as person:
        page = person.sign_in(PIN)
        assert page.evaluate("document.getAnimations().length") == 0
        page.evaluate("document.querySelector('#status .banner').className = 'banner hearing'")
        assert page.evaluate("document.getAnimations().length") == 0
