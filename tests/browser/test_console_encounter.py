"""Claims about a shift at the counter: the real program, a recording at real pace, real Chromium."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.console_visit import PHONE, TABLET, clerk
from support.programs import BIN, DEMO_AUDIO, free_port, kill, run, start, wait_until
from support.running_console import PIN, enrolled
from support.visiting import picture

pytestmark = pytest.mark.browser

RECORDING = DEMO_AUDIO / "01-wealth-advice.opus"
# A sentence has to be spoken to its end and recognised, on a machine that does other things too.
SPOKEN_WITHIN_MS = 120_000


@dataclass
class Program:
    """`voicetrail-edge console`, and where it is."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path


@pytest.fixture
def program(chromium_path: str, tmp_path: Path) -> Iterator[Program]:
    """The device at the counter, hearing a recording; its server is away."""
    assert chromium_path
    folder, port, log = tmp_path / "device", free_port(), tmp_path / "console.log"
    enrolled(folder)
    run(BIN / "voicetrail-edge", "console-pin", "--data", folder, "--pin", PIN)
    who = ("--site", "bank-01", "--staff", "S-07", "--microphone", f"file:{RECORDING}")
    process = start(BIN / "voicetrail-edge", "console", *who, "--port", port, "--data", folder, log=log)
    try:
        wait_until(lambda: process.poll() is not None or f":{port}/" in log.read_text(), what="console up")
        assert process.poll() is None, log.read_text()
        yield Program(f"http://127.0.0.1:{port}", process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)


def mood(page: Page, name: str) -> None:
    """Wait until the page says how it stands."""
    expect(page.locator("#status .banner")).to_have_attribute("data-mood", name, timeout=30_000)


def test_a_whole_encounter_on_a_phone(program: Program, chromium: Browser, tmp_path: Path) -> None:
    """Start with one touch, ask, agree, read along, correct who spoke, end, and say later who it was."""
    with clerk(chromium, program.url, size=PHONE) as person:
        page = person.sign_in(PIN)
        mood(page, "off")
        page.get_by_role("button", name="开始当班").click()
        mood(page, "ready")
        picture(page, tmp_path, "phone-ready")
        page.get_by_role("button", name="开始接待").click()
        mood(page, "asking")
        expect(page.locator("#captions li")).to_have_count(0)
        picture(page, tmp_path, "phone-asking")
        page.get_by_role("button", name="同意", exact=True).click()
        mood(page, "hearing")
        line = page.locator("#captions li:not(.provisional) .turn-button").first
        expect(line).to_be_visible(timeout=SPOKEN_WITHIN_MS)
        assert re.search("[一-鿿]", line.locator(".text").inner_text())
        expect(line.locator(".who")).to_contain_text(re.compile("员工|客户|未知"))
        expect(page.locator("#level")).not_to_have_attribute("value", "0")
        picture(page, tmp_path, "phone-hearing")
        key = line.get_attribute("id")
        line.click()
        page.get_by_role("dialog").get_by_role("button", name="客户").click()
        expect(page.locator(f"#{key} .who")).to_contain_text("客户 100%")
        page.get_by_role("button", name="结束接待").click()
        mood(page, "ready")

        page.get_by_role("link", name="今日").click()
        expect(page.locator(".encounters li")).to_have_count(1)
        expect(page.locator(".encounters")).to_contain_text("稍后确定")
        page.locator(".encounters").get_by_role("button").click()
        page.get_by_role("dialog").get_by_role("searchbox").fill("5678")
        page.get_by_role("dialog").get_by_role("button", name=re.compile("王芳")).click()
        expect(page.locator(".encounters")).to_contain_text("王芳")
        picture(page, tmp_path, "phone-today")
        page.locator(".encounters").get_by_role("link").click()
        expect(page.locator(f"#{key} .who")).to_contain_text("客户 100%")
        picture(page, tmp_path, "phone-encounter")


def test_a_withdrawal_with_the_keyboard_alone(program: Program, chromium: Browser, tmp_path: Path) -> None:
    """Without a mouse: sign in, work, and take what was said back; no word of it stays on the screen or the device."""
    with clerk(chromium, program.url, locale="en-GB", size=TABLET) as person:
        page = person.open()
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        press(page, "Begin shift")
        mood(page, "ready")
        press(page, "Start")
        mood(page, "asking")
        picture(page, tmp_path, "tablet-asking")
        press(page, "Agree")
        mood(page, "hearing")
        expect(page.locator("#captions li:not(.provisional)").first).to_be_visible(timeout=SPOKEN_WITHIN_MS)
        picture(page, tmp_path, "tablet-hearing")
        press(page, "Customer withdraws")
        picture(page, tmp_path, "tablet-withdraw")
        press(page, "Withdraw and erase")
        mood(page, "withholding")
        expect(page.locator("#captions li")).to_have_count(0)
        picture(page, tmp_path, "tablet-withdrawn")
        press(page, "End encounter")
        mood(page, "ready")
        page.goto(program.url + "/today")
        expect(page.locator(".encounters")).to_contain_text("withdrawn, erased")
        expect(page.locator(".encounters").get_by_role("link")).to_have_count(0)


def press(page: Page, name: str) -> None:
    """Go to a button by Tab and press it, as somebody does who has no mouse."""
    page.get_by_role("button", name=name, exact=True).wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused == name:
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


def test_a_page_that_has_lost_the_program_says_so(program: Program, chromium: Browser, tmp_path: Path) -> None:
    """When the program is killed, nothing on the page goes on claiming that it listens; the page returns by itself."""
    with clerk(chromium, program.url, size=PHONE) as person:
        page = person.sign_in(PIN)
        page.get_by_role("button", name="开始当班").click()
        mood(page, "ready")
        expect(page.locator("#offline")).to_be_hidden()
        kill(program.process)
        expect(page.locator("#offline")).to_be_visible(timeout=30_000)
        expect(page.locator("#offline")).to_contain_text("没有在听")
        expect(page.locator("#status")).to_be_hidden()
        picture(page, tmp_path, "phone-offline")
