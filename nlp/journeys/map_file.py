"""A journey map as a TOML file that a manager can read and edit."""

import json
import tomllib

from pydantic import ValidationError

from models.errors import RejectedError
from models.journey import Bilingual, JourneyMap, PlacementRule


class JourneyMapError(RejectedError):
    """A journey map cannot be taken as it is."""

    code = "journey_map_invalid"


def read_toml(text: str) -> JourneyMap:
    """Read a journey map.

    Raises:
        JourneyMapError: it is no TOML, or no consistent map; the message says what and where.
    """
    return validated(parse_toml(text))


def parse_toml(text: str) -> dict[str, object]:
    """Parse a file without yet asking whether it is a map.

    Raises:
        JourneyMapError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise JourneyMapError(f"not a TOML file: {error}", advice="correct the line it names") from error
    except RecursionError as error:
        raise JourneyMapError("not a journey map: nested too deeply") from error


def validated(content: dict[str, object]) -> JourneyMap:
    """Make a journey map of parsed TOML or JSON.

    Raises:
        JourneyMapError: it is no consistent map; the message says what and where.
    """
    try:
        return JourneyMap.model_validate(content)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'map'}: {one['msg']}" for one in error.errors()]
        raise JourneyMapError("; ".join(faults), advice="correct the fields it names and send it again") from error


def write_toml(journey: JourneyMap) -> str:
    """Write a journey map so that `read_toml` gives it back equal."""
    lines = [
        f"name = {_string(journey.name)}",
        f"version = {journey.version}",
        f"title = {_names(journey.title)}",
        f"sites = {_strings(journey.sites)}",
        f"default_touchpoint = {_string(journey.default_touchpoint)}",
    ]
    for stage in journey.stages:
        lines += ["", "[[stages]]", f"code = {_string(stage.code)}", f"name = {_names(stage.name)}"]
    for touchpoint in journey.touchpoints:
        lines += ["", "[[touchpoints]]", f"code = {_string(touchpoint.code)}", f"name = {_names(touchpoint.name)}"]
        lines += [f"stage = {_string(touchpoint.stage)}", f"mot = {str(touchpoint.mot).lower()}"]
    for rule in journey.rules:
        lines += ["", "[[rules]]", *_rule_lines(rule)]
    return "\n".join(lines) + "\n"


def _rule_lines(rule: PlacementRule) -> list[str]:
    lines = [f"touchpoint = {_string(rule.touchpoint)}"]
    conditions = {"channels": rule.channels, "words": rule.words, "intents": rule.intents, "kinds": rule.kinds}
    lines += [f"{name} = {_strings(values)}" for name, values in conditions.items() if values]
    if rule.position is not None:
        lines.append(f"position = [{float(rule.position[0])!r}, {float(rule.position[1])!r}]")
    return [*lines, f"weight = {rule.weight!r}"]


def _names(names: Bilingual) -> str:
    return f"{{ zh = {_string(names.zh)}, en = {_string(names.en)} }}"


def _strings(values: tuple[str, ...]) -> str:
    return f"[{', '.join(_string(value) for value in values)}]"


def _string(value: str) -> str:
    # JSON strings are TOML basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
