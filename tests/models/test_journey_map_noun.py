"""JourneyMap: a map that refers to what it does not declare is refused with the reason."""

import pytest
from pydantic import ValidationError

from models.journey import JourneyMap

STAGE = {"code": "arrive", "name": {"zh": "到店", "en": "Arrive"}}
POINT = {"code": "greet", "name": {"zh": "迎接", "en": "Greet"}, "stage": "arrive", "mot": True}
GOOD = {
    "name": "m",
    "title": {"zh": "图", "en": "Map"},
    "stages": [STAGE],
    "touchpoints": [POINT],
    "default_touchpoint": "greet",
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stages": []}, "at least 1"),
        ({"stages": [STAGE, STAGE]}, "two stages"),
        ({"touchpoints": [POINT, POINT]}, "two touchpoints"),
        ({"touchpoints": [{**POINT, "stage": "leave"}]}, "leave"),
        ({"rules": [{"touchpoint": "pay"}]}, "undeclared"),
        ({"default_touchpoint": "pay"}, "not declared"),
    ],
)
def test_a_map_with_a_dangling_reference_is_refused(change: dict[str, object], reason: str) -> None:
    """Each reference must be declared, each code once."""
    JourneyMap.model_validate(GOOD)
    with pytest.raises(ValidationError, match=reason):
        JourneyMap.model_validate({**GOOD, **change})


def test_a_touchpoint_is_found_by_its_code() -> None:
    """An unknown code is a KeyError, not None."""
    journey_map = JourneyMap.model_validate(GOOD)
    assert journey_map.touchpoint("greet").mot
    with pytest.raises(KeyError):
        journey_map.touchpoint("pay")
