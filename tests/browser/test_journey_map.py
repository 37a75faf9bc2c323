"""Claims about the drawing of a journey map."""

import json
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.talks import Shown
from support.visiting import Visit

pytestmark = pytest.mark.browser

LAID_OUT = """() => new Promise((done) => {
    const later = (frames) => (frames ? requestAnimationFrame(() => later(frames - 1)) : done());
    later(3);
})"""
"""The chart is laid out anew in the frame after it was drawn, and what lay under the pointer with it."""

MIDDLES = """() => [...document.querySelectorAll("[data-chart=journey] svg text")].map((text) => {
    const box = text.getBoundingClientRect();
    return [text.textContent, box.x + box.width / 2];
})"""


def columns_of(page: Page) -> list[dict[str, Any]]:
    """Return what the chart was given to draw, one column a touchpoint."""
    columns: list[dict[str, Any]] = json.loads(page.locator("#journey-data").text_content() or "")["columns"]
    assert any(column["score"] is not None for column in columns)
    return columns


def signed(value: float) -> str:
    """Write a score as the chart does."""
    text = f"{abs(value):.1f}"
    return text if text == "0.0" else ("+" if value > 0 else "−") + text


def test_lanes_stand_over_the_points_of_the_curve(zh: Visit) -> None:
    """Each touchpoint's box, its n and its point on the emotion curve share one vertical line, evenly spaced."""
    page = zh.open("/journeys/bank_branch")
    columns = columns_of(page)
    drawn: list[tuple[str, float]] = [(text, x) for text, x in page.evaluate(MIDDLES)]
    names = [f"★ {column['name']}" if column["mot"] else column["name"] for column in columns]
    middles = [next(x for text, x in drawn if text == name) for name in names]
    step = (middles[-1] - middles[0]) / (len(middles) - 1)
    for place, column in enumerate(columns):
        expected = pytest.approx(middles[0] + place * step, abs=1.5)
        assert middles[place] == expected
        assert any(text == column["counts"] and x == expected for text, x in drawn)
        if column["score"] is not None:
            assert any(text == signed(column["score"]) and x == expected for text, x in drawn)


def test_stages_span_their_touchpoints(zh: Visit) -> None:
    """A stage's name stands in the middle of its touchpoints."""
    page = zh.open("/journeys/bank_branch")
    columns = columns_of(page)
    drawn = dict(page.evaluate(MIDDLES))
    names = [f"★ {column['name']}" if column["mot"] else column["name"] for column in columns]
    for stage in json.loads(page.locator("#journey-data").text_content() or "")["stages"]:
        middle = (drawn[names[stage["first"]]] + drawn[names[stage["last"]]]) / 2
        assert drawn[stage["name"]] == pytest.approx(middle, abs=1.5)


def test_the_curve_is_straight_and_breaks_where_nothing_was_felt(zh: Visit) -> None:
    """One stroke for each run of neighbours with a score, of straight lines only."""
    page = zh.open("/journeys/bank_branch")
    felt = "".join("x" if column["score"] is not None else " " for column in columns_of(page)).split()
    style = "getComputedStyle(document.documentElement).getPropertyValue('--brand').trim()"
    brand = page.evaluate(style)
    strokes = page.locator(f"[data-chart=journey] svg path[fill=none][stroke='{brand}']")
    moves = "".join(strokes.evaluate_all("paths => paths.map(path => path.getAttribute('d'))"))
    assert not set("CSQTA") & set(moves.upper())
    assert moves.count("M") == len(felt)
    assert moves.count("L") == sum(len(run) - 1 for run in felt)


@pytest.mark.parametrize("way", ["chart", "table"])
def test_choosing_a_touchpoint_shows_its_quotes(zh: Visit, shown: Shown, way: str) -> None:
    """A click on the drawn touchpoint or on its row loads the events there, each with its words."""
    page = zh.open("/journeys/bank_branch")
    title = page.locator("#touchpoint h3")
    before = title.get_attribute("data-shown")
    other = max((column for column in columns_of(page) if column["code"] != before), key=lambda one: one["events"])
    if way == "chart":
        page.evaluate(LAID_OUT)
        page.locator("[data-chart=journey] svg text", has_text=other["name"]).first.click(force=True)
    else:
        page.locator(f"tr[data-touchpoint={other['code']}] button").click()
    expect(title).to_have_attribute("data-shown", other["code"])
    place = ("bank_branch", other["code"])
    stored = [event.quote for event in shown.events() if (event.journey_map, event.touchpoint) == place]
    expect(page.locator("#touchpoint blockquote")).to_have_count(len(stored))
    assert Counter(page.locator("#touchpoint blockquote").all_text_contents()) == Counter(stored)
