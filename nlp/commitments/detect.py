"""Promises in what staff say: which words make one, and by when; patterns in `nlp/data/promises.toml`."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from models.commitment import Due
from nlp.commitments.due import Found, find_dues
from nlp.events.clauses import Span, clauses

_AFTER: Final = 2
"""Clauses after a time, in its sentence, in which the deed may stand: 明天上午，机器清完了，我给您回话."""
_SENTENCE = re.compile("[。！？!?]")
_BARE_CHARS: Final = 4
"""Characters beside a time in a clause that says nothing else; the deed may stand before it: 给您送到，就明天上午."""
_WAIT: Final = timedelta(hours=1)
"""What takes no longer, said in minutes, is waited for."""
_FOR_YOU: Final = 0.9
_FOR_YOU_APART: Final = 0.85
_DEED: Final = 0.75
_DEED_APART: Final = 0.7
_WORD_ONLY: Final = 0.7
_LABEL_WEIGHT: Final = 0.5
"""How far a staff act `promise` of the models takes away what doubt is left."""


class Promise(NamedTuple):
    """A stretch of an utterance in which staff commit themselves."""

    start: int
    end: int
    quote: str
    """Exact substring of the text."""
    due: Due | None
    probability: float


class _Patterns(NamedTuple):
    for_you: re.Pattern[str]
    deed: re.Pattern[str]
    word: re.Pattern[str]
    told: re.Pattern[str]
    veto: re.Pattern[str]
    question: re.Pattern[str]
    tag: re.Pattern[str]
    theirs: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    table = tomllib.loads(files("nlp").joinpath("data", "promises.toml").read_text(encoding="utf-8"))
    return _Patterns(**{name: re.compile("|".join(table[name])) for name in _Patterns._fields})


def find_promise(text: str, *, at: datetime, labelled: float = 0.0) -> Promise | None:
    """What one utterance of staff promises; of several promises the surest, then the last.

    Args:
        text: redacted.
        at: when it was said, in the time zone of the place.
        labelled: probability of the staff act `promise` that the models give, 0 for none.
    """
    spans = clauses(text)
    found = [*_timed(text, spans, find_dues(text, at=at), at), *_worded(text, spans)]
    best = max(found, key=lambda one: (one.probability, one.start), default=None)
    if best is None:
        return None
    return best._replace(probability=round(1 - (1 - best.probability) * (1 - _LABEL_WEIGHT * labelled), 4))


def _timed(text: str, spans: Sequence[Span], dues: Sequence[Found], at: datetime) -> Iterator[Promise]:
    for found in dues:
        place = next((at for at, span in enumerate(spans) if span.start <= found.start < span.end), None)
        if place is None or _is_at_once(found, at) or not _stands(text, spans[place], found):
            continue
        deeds = [
            (sure, other)
            for other in _near(text, spans, place, found)
            if (sure := _deed(text, spans[other], with_time=other == place))
            and (other == place or _stands(text, spans[other], None))
        ]
        if deeds:
            sure, other = max(deeds)
            first, last = spans[min(place, other)], spans[max(place, other)]
            if _asked_after(text, spans, max(place, other)):
                continue
            yield Promise(first.start, last.end, text[first.start : last.end], found.due, sure)


def _asked_after(text: str, spans: Sequence[Span], place: int) -> bool:
    """Whether the next clause asks for leave: 明天给您送过去，可以吗."""
    after = spans[place + 1] if place + 1 < len(spans) else None
    return after is not None and bool(_patterns().tag.search(text[after.start : after.end]))


def _tells(text: str, span: Span) -> bool:
    return bool(_patterns().told.search(text[span.start : span.end]))


def _is_at_once(found: Found, at: datetime) -> bool:
    """What is done while the customer waits (二十分钟) is no promise, and neither is what is past."""
    return found.due.until <= at or (found.due.words.endswith("分钟") and found.due.until - at <= _WAIT)


def _deed(text: str, span: Span, *, with_time: bool) -> float:
    """How surely a clause near a time says what is promised; 0 where it does not."""
    said = text[span.start : span.end]
    if _patterns().for_you.search(said):
        return _FOR_YOU if with_time else _FOR_YOU_APART
    if _patterns().deed.search(said) or _patterns().told.search(said):
        return _DEED if with_time else _DEED_APART
    return 0.0


def _near(text: str, spans: Sequence[Span], place: int, found: Found) -> list[int]:
    """The clauses in which the deed may stand: that of the time, those after it, one before a bare time."""
    within = range(place + 1, min(place + 1 + _AFTER, len(spans)))
    near = [place, *(other for other in within if not _SENTENCE.search(text, found.end, spans[other].start))]
    bare = spans[place].end - spans[place].start - (found.end - found.start) <= _BARE_CHARS
    return [*near, place - 1] if place and (bare or _tells(text, spans[place - 1])) else near


def _worded(text: str, spans: Sequence[Span]) -> Iterator[Promise]:
    for span in spans:
        word = _patterns().word.search(text, span.start)
        if word and span.start <= word.start() < span.end and _stands(text, span, None):
            end = max(span.end, next(one.end for one in spans if one.end >= word.end() or one is spans[-1]))
            yield Promise(span.start, end, text[span.start : end], None, _WORD_ONLY)


def _stands(text: str, span: Span, found: Found | None) -> bool:
    """Whether a clause is neither hedged, nor asked, nor something for the customer to do."""
    said = text[span.start : span.end]
    if found:
        # The words of the time are no hedge: 下班前.
        said = said.replace(found.due.words, "", 1)
    patterns = _patterns()
    asked = patterns.question.search(said) or text[span.end : span.end + 1] in {"？", "?"}
    return not (asked or patterns.veto.search(said) or patterns.theirs.search(said))
