"""Claims about correcting a conversation, and about one that the customer withdrew, in real Chromium."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from models.ids import new_id
from support.device_client import Device, consent, coverage, signed, utterance
from support.programs import ServerProgram, running_server
from support.visiting import DESKTOP, PHONE, picture, visit

pytestmark = pytest.mark.browser

SAID = ("我排队等了两个小时，太慢了，太差劲了。", "实在对不起，让您久等了。")


@dataclass
class Counter:
    """A server of its own, as these tests change what was told, and the device that tells it."""

    server: ServerProgram
    device: Device

    def talk(self, customer: str | None) -> UUID:
        """Send a conversation in which the customer complains, and wait until it is understood."""
        talk = new_id()
        sent = [
            self.device.conversation(talk, ended=True, customer=customer),
            consent(talk),
            utterance(talk, SAID[0]),
            utterance(talk, SAID[1], start_ms=7000, role="staff"),
            coverage(talk),
        ]
        assert {verdict["verdict"] for verdict in self.device.verdicts(sent)} == {"accepted"}
        self.server.wait_for_analysis()
        return talk

    def say(self, path: str) -> None:
        """Say something of a conversation by the API."""
        headers = {"Authorization": f"Bearer {self.server.keys['api_key']}"}
        answer = httpx2.post(self.server.url + path, headers=headers, timeout=60, trust_env=False)
        assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def counter(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A server with a device."""
    assert chromium_path
    with running_server(tmp_path_factory.mktemp("corrections") / "data") as server:
        yield Counter(server, Device.enrol(server.url, server.keys["enrolment_code"]))


@pytest.mark.parametrize(
    ("locale", "corrected", "staff"), [("zh-CN", "人工更正", "员工"), ("en-GB", "corrected by staff", "Staff")]
)
def test_a_manager_corrects_who_spoke(
    chromium: Browser, counter: Counter, locale: str, corrected: str, staff: str
) -> None:
    """What staff said is no complaint of a customer: corrected on the page, the event is taken back in the feed."""
    talk = counter.talk("C-1")
    with visit(chromium, counter.server, locale=locale) as visitor:
        visitor.sign_in()
        page = visitor.open(f"/conversations/{talk}")
        expect(page.locator("[data-event]")).not_to_have_count(0)
        turn = page.locator(".turn").first
        turn.locator("details.correct summary").click()
        turn.get_by_role("button", name=staff, exact=True).click()
        expect(turn.locator(".who")).to_contain_text(corrected)
        expect(turn).to_have_class("turn staff")
        counter.server.wait_for_analysis()
        page.reload()
        expect(page.locator("[data-event]")).to_have_count(0)
        expect(turn.locator(".who")).to_contain_text(corrected)
    told = [event for event in counter.server.events() if event["conversation_id"] == str(talk)]
    first = [event for event in told if not event["retracted"]]
    assert {event["supersedes"] for event in told if event["retracted"]} == {event["id"] for event in first}


def test_a_manager_binds_the_customer(chromium: Browser, counter: Counter) -> None:
    """Bound on the page, on a telephone: the journey and the events move to the customer, and move again."""
    talk = counter.talk(None)
    with visit(chromium, counter.server, size=PHONE) as visitor:
        visitor.sign_in()
        for customer in ("新客户 7/甲", "C-70"):
            page = visitor.open(f"/conversations/{talk}")
            page.locator("details.bind summary").click()
            page.get_by_label("客户编号").fill(customer)
            page.get_by_role("button", name="绑定", exact=True).click()
            expect(page.locator(".lead a")).to_have_text(customer)
            counter.server.wait_for_analysis()
            page.locator(".lead a").click()
            expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", str(talk))
            expect(page.locator("[data-event]")).not_to_have_count(0)
        assert visitor.open("/customers/新客户 7/甲").locator("h1").text_content() == "没有找到这个页面"
    told = [event for event in counter.server.events() if event["conversation_id"] == str(talk)]
    assert {event["customer"] for event in told} == {None, "新客户 7/甲", "C-70"}
    replaced = {event["supersedes"] for event in told}
    assert {event["customer"] for event in told if event["id"] not in replaced} == {"C-70"}


@pytest.mark.parametrize(
    ("locale", "size", "withdraw", "asked", "submit", "erased"),
    [
        ("zh-CN", PHONE, "客户撤回同意", "客户已要求撤回同意", "撤回并删除", "客户已撤回同意，所说的话已于"),
        (
            "en-GB",
            DESKTOP,
            "Customer withdrew consent",
            "The customer asked to withdraw",
            "Withdraw and erase",
            "The customer withdrew consent. What was said was erased on",
        ),
    ],
)
def test_a_manager_records_that_the_customer_withdrew(
    chromium: Browser,
    counter: Counter,
    tmp_path: Path,
    locale: str,
    size: tuple[int, int],
    withdraw: str,
    asked: str,
    submit: str,
    erased: str,
) -> None:
    """By the keyboard alone and only once it is confirmed: words go, the device is told, the events are taken back."""
    customer = f"C-withdrew-{locale}"
    talk = counter.talk(customer)
    with visit(chromium, counter.server, locale=locale, size=size) as visitor:
        visitor.sign_in()
        page = visitor.open(f"/conversations/{talk}")
        page.locator("details.withdraw summary", has_text=withdraw).focus()
        page.keyboard.press("Enter")
        form = page.get_by_role("form", name=withdraw)
        form.get_by_role("button", name=submit, exact=True).press("Enter")
        # The browser asks for the confirmation first.
        expect(form.get_by_role("checkbox", name=asked)).to_be_focused()
        expect(page.locator(".turn")).to_have_count(len(SAID))
        picture(page, tmp_path, f"withdraw-asked-{locale}")
        page.keyboard.press("Space")
        form.get_by_role("button", name=submit, exact=True).press("Enter")
        expect(page.get_by_role("status").filter(has_text=erased)).to_be_visible()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("details.withdraw")).to_have_count(0)
        picture(page, tmp_path, f"withdraw-done-{locale}")
        assert SAID[0] not in visitor.open(f"/customers/{customer}").content()
    answer = signed(counter.device, "/v1/device/withdrawals")
    assert str(talk) in answer.json()["conversations"]
    told = [event for event in counter.server.events() if event["conversation_id"] == str(talk)]
    first = [event for event in told if not event["retracted"]]
    assert first
    assert {event["supersedes"] for event in told if event["retracted"]} == {event["id"] for event in first}
    assert {event["quote"] for event in told} == {""}


def test_an_unconfirmed_withdrawal_is_refused(chromium: Browser, counter: Counter) -> None:
    """A form that was sent without its confirmation, past the browser's own check, erases nothing."""
    talk = counter.talk("C-unconfirmed")
    with visit(chromium, counter.server, locale="en-GB") as visitor:
        visitor.sign_in()
        page = visitor.open(f"/conversations/{talk}")
        refused = page.evaluate(
            "async () => { const body = new URLSearchParams(new FormData(document.querySelector('.withdraw form')));"
            " return (await fetch(location.pathname + '/withdraw', {method: 'POST', body})).status; }"
        )
        assert refused == 422
        page.reload()
        expect(page.locator(".turn")).to_have_count(len(SAID))


@pytest.mark.parametrize(
    ("locale", "notice"),
    [
        ("zh-CN", "客户已撤回同意，所说的话已于"),
        ("en-GB", "The customer withdrew consent. What was said was erased on"),
    ],
)
def test_pages_say_what_was_erased_and_when(chromium: Browser, counter: Counter, locale: str, notice: str) -> None:
    """Conversation, time line and list say that it was withdrawn; no word is left on any, the coverage is."""
    talk = counter.talk(f"C-{locale}")
    counter.say(f"/v1/conversations/{talk}/withdraw")
    with visit(chromium, counter.server, locale=locale) as visitor:
        visitor.sign_in()
        page = visitor.open(f"/conversations/{talk}")
        expect(page.locator("[data-erased]")).to_contain_text(notice)
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("[data-state=heard] b")).to_have_text("1 分 0 秒" if locale == "zh-CN" else "1 min 0 s")
        for path in (f"/conversations/{talk}", f"/customers/C-{locale}", "/conversations", "/events", "/"):
            content = visitor.open(path).content()
            assert f"C-{locale}" in content or path in ("/", "/events")
        expect(visitor.open(f"/customers/C-{locale}").locator("[data-erased]")).to_have_count(1)
        row = visitor.open("/conversations").locator(f"tr[data-conversation='{talk}']")
        expect(row.locator(".chip.warn")).to_have_count(1)
        assert SAID[0] not in visitor.open(f"/customers/C-{locale}").content()
