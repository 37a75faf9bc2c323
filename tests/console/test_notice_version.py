"""The notice that customers are shown before they answer, and the version that their consent names."""

import hashlib
import json

from edge_agent.console.words import LOCALES_DIR
from edge_agent.recording import NOTICE_VERSION
from models.language import Language
from models.words import read_words

DIGESTS = {"1": "76034184034c2a7eb6084e2b60f1045d9e7921def49fe28ff205d2dcbfc76c97"}
"""SHA-256 of the notice in all languages, by version. Words that changed get a new version, and a line here."""


def test_a_notice_in_other_words_has_another_version() -> None:
    """Of a stored consent it can be said, years later, which words were answered."""
    words = {language.value: read_words(LOCALES_DIR, language).texts["consent.notice"] for language in Language}
    told = json.dumps(words, ensure_ascii=False, sort_keys=True)
    assert DIGESTS.get(NOTICE_VERSION) == hashlib.sha256(told.encode()).hexdigest()
