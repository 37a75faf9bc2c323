"""Claims about the figures on the pages: they are those of the database, read past all of our own code."""

import json
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from support.talks import Shown
from support.visiting import Visit

pytestmark = pytest.mark.browser


def column_of(visitor: Visit, code: str) -> dict[str, object]:
    """Return what the journey chart draws for a touchpoint."""
    chart = json.loads(visitor.page.locator("#journey-data").text_content() or "")
    return next(column for column in chart["columns"] if column["code"] == code)


def test_the_overview_counts_what_the_database_holds(zh: Visit, shown: Shown) -> None:
    """Each tile of the overview shows the number of rows, of all time and of today."""
    page = zh.open("/")
    midnight = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0, microsecond=0)
    since = int(midnight.timestamp() * 1000)
    talks = shown.rows("SELECT customer, started_at FROM conversation")
    said = shown.rows("SELECT id, occurred_at FROM utterance")
    times: dict[str, list[tuple[object, int]]] = {
        "conversations": [(place, at) for place, (_, at) in enumerate(talks)],
        "customers": [(customer, at) for customer, at in talks if customer is not None],
        "utterances": [(identity, at) for identity, at in said],
        "events": [(event.id, event.occurred_ms) for event in shown.events()],
    }
    for name, found in times.items():
        tile = page.locator(f"[data-figure={name}]")
        assert found
        expect(tile.locator(".figure")).to_have_text(str(len({one for one, _ in found})))
        expect(tile.locator(".today")).to_have_text(str(len({one for one, at in found if at >= since})))
    expect(page.locator("[data-figure=quarantined]")).to_have_attribute("data-value", "1")


def test_the_overview_accounts_for_every_second(zh: Visit, shown: Shown) -> None:
    """Heard, silent, withheld and lost are those of the coverage ledger, the declined conversation included."""
    page = zh.open("/")
    ledger = dict(shown.rows("SELECT state, sum(end_ms - start_ms) / 1000.0 FROM coverage_span GROUP BY state"))
    assert set(ledger) == {"heard", "silent", "withheld", "lost"}
    for state, seconds in ledger.items():
        told = page.locator(f"[data-state={state}]").get_attribute("data-seconds")
        assert float(told or "nan") == pytest.approx(seconds)


def test_the_net_sentiment_is_that_of_the_certain_customer_words(zh: Visit, shown: Shown) -> None:
    """The score, its n and its three counts follow from the stored labels of customers, the uncertain ones left out."""
    page = zh.open("/")
    labels = [json.loads(str(body)) for (body,) in shown.rows("SELECT body FROM analysis")]
    certain = Counter(
        one["sentiment"] for one in labels if one["role"] == "customer" and not one["sentiment_uncertain"]
    )
    n = certain.total()
    assert n > 0
    score = page.locator("[data-figure=net]")
    expected = 100 * (certain["positive"] - certain["negative"]) / n
    assert float(score.get_attribute("data-value") or "nan") == pytest.approx(expected, abs=1e-3)
    expect(score.locator(".n")).to_have_text(f"n = {n}")
    for feeling in ("positive", "neutral", "negative"):
        expect(page.locator(f"[data-feeling={feeling}] b")).to_have_text(str(certain[feeling]))


def test_bars_show_the_kinds_of_events(en: Visit, shown: Shown) -> None:
    """The drawn chart, read as SVG, has the numbers of the kinds, and so has the table for those who cannot see it."""
    page = en.open("/")
    counted = Counter(event.kind for event in shown.events())
    drawn = page.locator("[data-from=kinds-data] svg text").all_text_contents()
    table = page.locator("table", has=page.locator("caption", has_text="Events by kind"))
    assert Counter(table.locator("td").all_text_contents()) == Counter(str(n) for n in counted.values())
    assert set(table.locator("th").all_text_contents()) <= set(drawn)
    expect(table.locator("tr", has_text="Complaint").locator("td").first).to_have_text(str(counted["complaint"]))
    for n in counted.values():
        assert str(n) in drawn


def test_the_map_shows_the_figures_of_its_touchpoints(zh: Visit, shown: Shown) -> None:
    """n, score, coverage and events of every touchpoint equal the stored visits and the events that stand."""
    page = zh.open("/journeys/bank_branch")
    visits = shown.rows(
        "SELECT touchpoint, sum(n), sum(score * n) / sum(n), avg(coverage) FROM touchpoint_visit "
        "WHERE journey_map = 'bank_branch' GROUP BY touchpoint"
    )
    stored = {code: (n, score, coverage) for code, n, score, coverage in visits}
    events = Counter(event.touchpoint for event in shown.events() if event.journey_map == "bank_branch")
    assert events.total() > 0
    found = page.locator("tr[data-touchpoint]").all()
    assert len(found) == 8
    for row in found:
        code = row.get_attribute("data-touchpoint") or ""
        n, score, coverage = stored.get(code, (0, None, None))
        assert row.get_attribute("data-n") == str(n)
        assert row.get_attribute("data-events") == str(events[code])
        expect(row.locator("[data-coverage]")).to_have_text("—" if coverage is None else f"{coverage:.1%}")
        drawn = column_of(zh, code)
        assert (drawn["n"], drawn["events"]) == (n, events[code])
        assert drawn["score"] == (None if score is None else pytest.approx(score))


def test_a_customers_time_line_has_every_conversation_and_event(zh: Visit, shown: Shown) -> None:
    """Two conversations of one customer stand on one line, the newest first, with the events that stand."""
    page = zh.open("/customers/C-1")
    talks = shown.rows("SELECT id FROM conversation WHERE customer = 'C-1' ORDER BY started_at DESC")
    ids = page.locator("[data-conversation]").evaluate_all("all => all.map(one => one.dataset.conversation)")
    assert [one.replace("-", "") for one in ids] == [identity for (identity,) in talks]
    assert len(ids) == 2
    expect(page.locator("[data-event]")).to_have_count(sum(event.customer == "C-1" for event in shown.events()))
    visits = shown.rows("SELECT score, n FROM touchpoint_visit WHERE customer = 'C-1'")
    points = json.loads(page.locator("#curve-data").text_content() or "")["points"]
    assert Counter((point["score"], point["n"]) for point in points) == Counter(visits)


def test_the_overview_brings_itself_up_to_date(zh: Visit, shown: Shown) -> None:
    """The piece of the page that asks for itself again comes back whole, its charts drawn anew."""
    page = zh.open("/")
    page.evaluate("document.querySelector('#live').dataset.old = 'yes'")
    page.evaluate("document.querySelector('#live').dispatchEvent(new CustomEvent('refresh'))")
    expect(page.locator("#live:not([data-old])")).to_be_visible()
    expect(page.locator("[data-from=kinds-data] svg")).to_be_visible()
    expect(page.locator("[data-figure=events] .figure")).to_have_text(str(len(shown.events())))
