"""The site's own words by the settings, with what sounds alike."""

from edge_agent.settings import EdgeSettings
from edge_agent.terms import Terms
from nlp.bundle import SHIPPED
from nlp.features import Sounds


def load_terms(settings: EdgeSettings) -> Terms | None:
    """Return the terms that the settings name; None when they name none.

    Raises:
        RecognitionError: terms_unreadable.
        UnderstandingError: the sounds of characters are missing (weights_missing).
    """
    if settings.terms is None:
        return None
    return Terms.read(settings.terms, sounds=Sounds.read(SHIPPED / "sounds.txt"))
