"""Journey maps as files, and the five that are shipped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.journey import JourneyMap
from models.labels import EventKind, Intent
from nlp.journeys.map_file import JourneyMapError, read_toml, write_toml
from nlp.journeys.shipped import shipped_maps
from server.journeys.sites import map_for_site

DESIGNED = {
    "bank_branch": "greet_queue wait consult counter* wealth* digital complaint* farewell",
    "insurance_broker": "first_contact needs proposal* underwriting policy_service claim* renewal*",
    "auto_dealer": "reception test_drive* quote* delivery* maintenance complaint*",
    "retail_store": "welcome fitting advice checkout exchange* aftersales*",
    "home_service": "booking arrival* diagnosis repair settlement* followup",
}


def test_the_shipped_maps_are_the_designed_ones() -> None:
    """Five trades, with their touchpoints in order and their moments of truth."""
    shipped = {
        name: " ".join(point.code + "*" * point.mot for point in journey.touchpoints)
        for name, journey in shipped_maps().items()
    }
    assert shipped == DESIGNED


@pytest.mark.parametrize("name", sorted(DESIGNED))
def test_every_touchpoint_can_be_reached(name: str) -> None:
    """No touchpoint is there for show: some rule, or the default, places into it."""
    journey = shipped_maps()[name]
    reached = {rule.touchpoint for rule in journey.rules} | {journey.default_touchpoint}
    assert reached == {point.code for point in journey.touchpoints}


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("bank-01", "bank_branch"),
        ("bank_branch", "bank_branch"),
        ("Bank_Branch-3", "bank_branch"),
        ("auto-02", "auto_dealer"),
        ("auto_dealer", "auto_dealer"),
        ("retail-04", "retail_store"),
        ("insurance_broker", "insurance_broker"),
        ("home-01", "home_service"),
        ("望京门店", "retail_store"),
    ],
)
def test_a_site_finds_its_map(site: str, name: str) -> None:
    """The pattern decides; a site that none fits takes the default."""
    assert map_for_site(shipped_maps(), site=site, default="retail_store").name == name


def test_the_closest_pattern_wins() -> None:
    """A map made for one branch goes before the map of all branches."""
    bank = shipped_maps()["bank_branch"]
    own = bank.model_copy(update={"name": "flagship", "sites": ("bank-flagship*",)})
    maps = {**shipped_maps(), "flagship": own}
    assert map_for_site(maps, site="bank-flagship-1", default="retail_store").name == "flagship"
    assert map_for_site(maps, site="bank-2", default="retail_store").name == "bank_branch"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("name = ", "not a TOML file"),
        ("name = 'x'", "default_touchpoint"),
        (write_toml(shipped_maps()["retail_store"]).replace('stage = "enter"', 'stage = "nowhere"'), "nowhere"),
        (write_toml(shipped_maps()["retail_store"]).replace("weight = 2.0", "weight = -1"), "weight"),
    ],
)
def test_a_broken_map_says_what_is_wrong(broken: str, said: str) -> None:
    """The message names the line or the field."""
    with pytest.raises(JourneyMapError, match=said):
        read_toml(broken)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    title=_TEXT,
    words=st.lists(_TEXT, max_size=4),
    kinds=st.lists(st.sampled_from(EventKind), max_size=3),
    intents=st.lists(st.sampled_from(Intent), max_size=3),
    weight=st.floats(0.001, 100),
    position=st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_map_comes_back_from_its_file(
    title: str,
    words: list[str],
    kinds: list[EventKind],
    intents: list[Intent],
    weight: float,
    position: tuple[float, float] | None,
) -> None:
    """Writing a map and reading it gives an equal map, whatever people put into it."""
    content = shipped_maps()["home_service"].model_dump()
    content["title"] = {"zh": title, "en": title}
    content["rules"] = [
        {
            "touchpoint": "repair",
            "words": words,
            "kinds": kinds,
            "intents": intents,
            "weight": weight,
            "position": position,
        }
    ]
    journey = JourneyMap.model_validate(content)
    assert read_toml(write_toml(journey)) == journey
