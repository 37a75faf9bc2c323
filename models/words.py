"""The words of an application's pages, kept as data: one TOML file a language, the same keys in each."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from models.journey import Bilingual
from models.language import Language


class Words:
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

    def code(self, group: str, code: str, *, otherwise: str | None = None) -> str:
        """Return the text for a code that others may have chosen.

        Args:
            group: of keys.
            code: the key within the group.
            otherwise: stands for a code that has no text here; None: the code itself does.
        """
        return self.texts.get(f"{group}.{code}", code if otherwise is None else otherwise)

    def name(self, bilingual: Bilingual) -> str:
        """Return a bilingual name in this language."""
        return bilingual.zh if self.language is Language.ZH else bilingual.en

    def lasting(self, seconds: float) -> str:
        """Write a length of time with its unit, rounded to seconds below an hour and to minutes above.

        Its keys are time.seconds, time.minutes and time.hours.
        """
        whole = round(seconds)
        if whole < 60:
            return self("time.seconds", n=whole)
        if whole < 3600:
            return self("time.minutes", m=whole // 60, s=whole % 60)
        return self("time.hours", h=whole // 3600, m=whole // 60 % 60)


@cache
def read_words(folder: Path, language: Language) -> Words:
    """Read the words of a language from its file in a folder, such as zh.toml; once."""
    with (folder / f"{language}.toml").open("rb") as file:
        return Words(language, dict(_flat("", tomllib.load(file))))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(f"{path}.", value)
        else:
            yield path, str(value)
