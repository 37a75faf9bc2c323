"""The console's words, in the language of a request."""

from pathlib import Path
from typing import Final

from starlette.requests import Request

from models.language import asked_for
from models.words import Words, read_words

LOCALES_DIR: Final = Path(__file__).parent / "locales"


def words_for(request: Request) -> Words:
    """Return the words in which a request is answered."""
    accepted = request.headers.get("accept-language", "")
    language = asked_for(parameters=request.query_params, cookies=request.cookies, accept_language=accepted)
    return read_words(LOCALES_DIR, language)
