"""The five journey maps that every tenant has from the start."""

from functools import cache
from importlib import resources
from types import MappingProxyType

from models.journey import JourneyMap
from nlp.journeys.map_file import read_toml


@cache
def shipped_maps() -> MappingProxyType[str, JourneyMap]:
    """Return the maps of `templates/` by name."""
    folder = resources.files("nlp.journeys") / "templates"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    maps = [read_toml(file.read_text(encoding="utf-8")) for file in files]
    return MappingProxyType({one.name: one for one in maps})
