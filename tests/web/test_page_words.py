"""Claims about the words of the pages."""

import re
import string
from collections.abc import Iterable
from enum import StrEnum

import pytest

from models.labels import Aspect, ConsentState, CoverageState, EventKind, Intent, PiiKind, Role, Sentiment, StaffAct
from models.language import Language
from models.words import read_words
from server.web.rendering import TEMPLATES_DIR
from server.web.words import LOCALES_DIR

SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in TEMPLATES_DIR.parent.rglob("*")
    if path.suffix in {".html", ".py"} and path.is_file()
)
ZH, EN = (read_words(LOCALES_DIR, language) for language in (Language.ZH, Language.EN))
LITERAL = re.compile(r"""["']([a-z_]+\.[a-z_0-9]+)["']""")

ENUMS: dict[str, type[StrEnum]] = {
    "kind": EventKind,
    "sentiment": Sentiment,
    "intent": Intent,
    "act": StaffAct,
    "aspect": Aspect,
    "role": Role,
    "consent": ConsentState,
    "coverage": CoverageState,
    "pii": PiiKind,
}
PUT_TOGETHER = {
    "nav": ("overview", "journeys", "customers", "conversations", "events"),
    "overview": ("conversations", "customers", "utterances", "events"),
    "conversation": ("recognition_model", "redaction", "analysis_model", "rules"),
    "time": ("seconds", "minutes", "hours"),
    "journey": ("lane_stage", "lane_touchpoint", "lane_quote", "lane_n", "lane_curve"),
}
"""Keys that a page puts together from a group and a name of its own."""
OPEN_GROUPS = ("channel", "quarantine")
"""Groups for names that people or devices choose; what is not in them stands for itself."""


def used_keys() -> set[str]:
    """Return every key that templates and modules name."""
    texts = ZH.texts
    groups = {key.split(".")[0] for key in texts}
    literal = {key for key in LITERAL.findall(SOURCES) if key.split(".")[0] in groups and not key.endswith(".html")}
    of_enums = {f"{group}.{member}" for group, members in ENUMS.items() for member in members}
    together = {f"{group}.{name}" for group, names in PUT_TOGETHER.items() for name in names}
    return literal | of_enums | together


def test_both_languages_have_the_same_keys() -> None:
    """A text that exists in one language exists in the other."""
    assert ZH.texts.keys() == EN.texts.keys()


@pytest.mark.parametrize("language", Language)
def test_every_key_that_pages_use_has_a_text(language: Language) -> None:
    """No page asks for a text that is not there, whatever label it shows."""
    assert used_keys() - read_words(LOCALES_DIR, language).texts.keys() == set()


def test_every_text_is_used() -> None:
    """No text stands in the catalogue that no page shows."""
    closed = {key for key in ZH.texts if key.split(".")[0] not in OPEN_GROUPS}
    assert closed - used_keys() == set()


def places(texts: Iterable[str]) -> list[set[str]]:
    """Return the {places} of each text."""
    return [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]


def test_both_languages_fill_the_same_places() -> None:
    """A figure that one language shows is not missing from the other."""
    zh, en = ZH.texts, EN.texts
    assert places(zh[key] for key in zh) == places(en[key] for key in zh)


def test_texts_are_of_their_language() -> None:
    """The English catalogue has no Chinese but the proper names, the Chinese one is Chinese."""
    chinese = re.compile(r"[\u4e00-\u9fff]")
    english = {key for key, text in EN.texts.items() if chinese.search(text)}
    assert english == {"app.name_full", "overview.net_title"}
    untranslated = {key for key, text in ZH.texts.items() if not chinese.search(text)}
    assert untranslated == {"common.n_is", "common.none"}
