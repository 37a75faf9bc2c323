"""Claims about the console's words: both languages are whole, and nothing is asked for that is not there."""

import re
import string

from edge_agent.agent.port import Phase
from edge_agent.console.moods import Mood
from edge_agent.console.words import LOCALES_DIR
from hardware.audio import GapReason
from models.labels import Role
from models.language import Language
from models.words import read_words

FOLDER = LOCALES_DIR.parent
HAN = re.compile("[一-鿿]")


def places(text: str) -> set[str]:
    """Return the names of the places in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    """The same keys, the same places to fill, each in its own script."""
    zh, en = (read_words(LOCALES_DIR, language).texts for language in (Language.ZH, Language.EN))
    assert zh.keys() == en.keys()
    for key, text in zh.items():
        assert places(text) == places(en[key]), key
        assert HAN.search(text), key
        assert not HAN.search(en[key]), key


def test_every_key_that_a_page_asks_for_is_there() -> None:
    """Keys written out in templates and code exist; keys built from a code exist for every code."""
    texts = read_words(LOCALES_DIR, Language.EN).texts
    sources = [file.read_text(encoding="utf-8") for file in (*FOLDER.rglob("*.html"), *FOLDER.glob("*.py"))]
    written = {key for source in sources for key in re.findall(r'\bt\(["\']([a-z_]+\.[a-z_]+)["\'][,)]', source)}
    assert len(written) > 60
    built = {f"mood.{mood}" for mood in Mood} | {f"mood_more.{phase}" for phase in Phase}
    built |= {f"role.{role}" for role in Role} | {f"caption.empty_{phase}" for phase in Phase}
    built |= {f"{group}.{reason}" for group in ("trouble", "trouble_advice") for reason in GapReason}
    assert (written | built) - texts.keys() == set()


def test_every_reason_has_advice() -> None:
    """What is wrong never stands without what to do."""
    texts = read_words(LOCALES_DIR, Language.EN).texts
    for group in ("trouble", "delivery", "refused"):
        codes = {key.split(".")[1] for key in texts if key.startswith(f"{group}.")}
        assert codes == {key.split(".")[1] for key in texts if key.startswith(f"{group}_advice.")}
