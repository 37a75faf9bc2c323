"""The words of the pages, kept as data: one TOML file a language, the same keys in each."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from models.journey import Bilingual
from server.web.language import Language

LOCALES_DIR: Final = Path(__file__).parent / "locales"


class Catalogue:
    """The words of one language; called with a key it returns the text, its {places} filled.

    Raises:
        KeyError: the key or a place is unknown, which is a mistake of the page and not of the reader.
    """

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts

    def __call__(self, key: str, **places: object) -> str:
        """Return the text of a key, its places filled."""
        return self.texts[key].format(**places)

    def code(self, group: str, name: str) -> str:
        """Return the text for a code that people may have chosen themselves: an unknown one stands for itself."""
        return self.texts.get(f"{group}.{name}", name)

    def name(self, bilingual: Bilingual) -> str:
        """Return a bilingual name in this language."""
        return bilingual.zh if self.language is Language.ZH else bilingual.en


@cache
def catalogue(language: Language) -> Catalogue:
    """Read the catalogue of a language, once."""
    with (LOCALES_DIR / f"{language}.toml").open("rb") as file:
        return Catalogue(language, dict(_flat("", tomllib.load(file))))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(f"{path}.", value)
        else:
            yield path, str(value)
