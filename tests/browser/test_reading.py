"""Claims about reading what was said: conversations, customers, events."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Dialog, expect

from support.talks import HOSTILE, INVENTED, ODD_CUSTOMER, Shown
from support.visiting import Visit

pytestmark = pytest.mark.browser


def test_a_conversation_shows_each_event_at_its_words(zh: Visit, shown: Shown) -> None:
    """Every event's quote is marked inside its utterance, and the list of events leads to it."""
    page = zh.open(f"/conversations/{shown.told.bank}")
    stored = [event for event in shown.events() if event.conversation_id == shown.told.bank.hex]
    assert stored
    links = page.locator("[data-event] blockquote a")
    assert Counter(links.all_text_contents()) == Counter(event.quote for event in stored)
    for link in links.all():
        turn = page.locator(f"[id='{(link.get_attribute('href') or '').removeprefix('#')}']")
        assert (link.text_content() or "") in "".join(turn.locator("mark, .mask").all_text_contents())


def test_the_transcript_is_whole_and_in_order(zh: Visit, shown: Shown) -> None:
    """Every utterance stands where it was said, as the database holds it."""
    page = zh.open(f"/conversations/{shown.told.bank}")
    said = shown.rows("SELECT conversation_id, text FROM utterance ORDER BY start_ms")
    expected = [text for talk, text in said if talk == shown.told.bank.hex]
    assert len(expected) == 7
    assert page.locator(".turn .text").all_text_contents() == expected


def test_masks_are_chips_and_the_number_is_nowhere(zh: Visit, shown: Shown) -> None:
    """A masked number shows as what it was, never as itself."""
    page = zh.open(f"/conversations/{shown.told.bank}")
    expect(page.locator(".mask")).to_have_text(["〔手机号〕"])
    expect(page.locator(".mask")).to_have_attribute("title", "已脱敏：手机号")
    assert "13912345678" not in page.content()


def test_suspect_text_is_set_apart(zh: Visit, shown: Shown) -> None:
    """Text that may be invented is shown, says that it was not analysed and why, and carries no label."""
    page = zh.open(f"/conversations/{shown.told.bank}")
    suspect = page.locator(".turn.quarantined")
    expect(suspect.locator(".text")).to_have_text(INVENTED)
    expect(suspect.locator(".labels")).to_have_text(re.compile(r"^\s*未分析 · 存疑文字 · 疑似凭空生成\s*$"))
    assert suspect.evaluate("element => getComputedStyle(element).backgroundImage") != "none"
    expect(page.locator(".turn:not(.quarantined) .labels", has_text="未分析")).to_have_count(0)


def test_markup_in_words_and_names_stays_text(zh: Visit, shown: Shown) -> None:
    """Words and ids that look like HTML are shown as they are and run nothing, wherever they stand."""
    alarms: list[str] = []

    def alarm(dialog: Dialog) -> None:
        alarms.append(dialog.message)
        dialog.dismiss()

    zh.page.on("dialog", alarm)
    page = zh.open(f"/conversations/{shown.told.dealer}")
    assert HOSTILE in (page.locator(".turn .text").first.text_content() or "")
    expect(page.locator(".lead a")).to_have_text(ODD_CUSTOMER)
    assert any("<img" in event.quote for event in shown.events())
    for path in ("/", "/events", "/customers", "/journeys/auto_dealer"):
        zh.open(path)
        expect(page.locator("main img")).to_have_count(0)
    assert alarms == []


def test_a_customer_with_an_odd_id_has_a_page(zh: Visit, shown: Shown) -> None:
    """The list leads to the time line of a customer whose id has a slash, marks and a blank."""
    page = zh.open("/customers")
    page.get_by_role("link", name=ODD_CUSTOMER, exact=True).click()
    expect(page.locator("h1")).to_have_text(f"客户 {ODD_CUSTOMER}")
    expect(page.locator("[data-conversation]")).to_have_attribute("data-conversation", str(shown.told.dealer))


def test_events_are_narrowed_without_leaving_the_page(zh: Visit, shown: Shown) -> None:
    """Choosing a kind keeps the events of that kind, and the address remembers it."""
    page = zh.open("/events")
    kinds = Counter(event.kind for event in shown.events())
    assert len(kinds) > 1
    kind, n = kinds.most_common()[-1]
    expect(page.locator("[data-event]")).to_have_count(kinds.total())
    page.locator("select[name=kind]").select_option(kind)
    expect(page.locator("[data-event]")).to_have_count(n)
    assert f"kind={kind}" in page.url
    page.reload()
    expect(page.locator("[data-event]")).to_have_count(n)


def test_a_running_conversation_is_shown_as_such(zh: Visit, shown: Shown) -> None:
    """What has been said so far is there; its labels and its end are still to come."""
    page = zh.open(f"/conversations/{shown.told.running}")
    expect(page.locator(".facts")).to_contain_text("进行中")
    expect(page.locator(".turn")).to_have_count(1)
