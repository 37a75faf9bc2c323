"""An utterance cut into the pieces that a page shows differently: plain text, masks, quotes of events."""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from models.analysis import ExperienceEvent
from models.labels import PiiKind
from models.noun import Noun
from models.text import Mask


class Piece(Noun):
    """A run of characters of one look; the pieces of an utterance joined are its text."""

    text: str
    mask: PiiKind | None = None
    events: tuple[UUID, ...] = ()
    """Events whose quote it belongs to."""


def pieces(text: str, *, masks: Sequence[Mask], events: Sequence[ExperienceEvent]) -> tuple[Piece, ...]:
    """Cut a text at the borders of its masks and of the quotes found in it; quotes may overlap each other."""
    quotes: list[tuple[int, int, UUID]] = []
    for event in events:
        start = text.find(event.quote) if event.quote else -1
        if start >= 0:
            quotes.append((start, start + len(event.quote), event.id))
    borders = {0, len(text)}
    for start, end in [*((mask.start, mask.end) for mask in masks), *((start, end) for start, end, _ in quotes)]:
        borders |= {min(start, len(text)), min(end, len(text))}
    cuts = sorted(borders)
    return tuple(
        Piece(
            text=text[start:end],
            mask=next((mask.kind for mask in masks if mask.start <= start and end <= mask.end), None),
            events=tuple(event for first, last, event in quotes if first <= start and end <= last),
        )
        for start, end in pairwise(cuts)
    )
