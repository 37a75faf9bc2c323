"""Clauses of an utterance, and the shortest stretch of them that carries some words."""

import re
from typing import NamedTuple

_BREAK = re.compile(r"[，。！？；：、,!?;\s]+|…+")
_MASK = re.compile(r"〔[^〕]*〕")
# A recogniser may give no punctuation at all: then a quote is the words with some of what stands around them.
_LONGEST_QUOTE_CHARS = 48
_MARGIN_CHARS = 14
_SHORTEST_QUOTE_CHARS = 4


class Span(NamedTuple):
    """Characters [start, end) of a text."""

    start: int
    end: int


def clauses(text: str) -> list[Span]:
    """Return the clauses of a text without the punctuation between them."""
    spans, start = [], 0
    for mark in _BREAK.finditer(text):
        if mark.start() > start:
            spans.append(Span(start, mark.start()))
        start = mark.end()
    if start < len(text):
        spans.append(Span(start, len(text)))
    return spans


def around(text: str, span: Span) -> Span:
    """Widen a span to whole clauses; clauses that it only borders on are left out."""
    touched = [clause for clause in clauses(text) if clause.start < span.end and span.start < clause.end]
    return Span(touched[0].start, touched[-1].end) if touched else span


def neighbourhood(text: str, span: Span) -> Span:
    """Widen a span to its clauses and one more on either side."""
    inner, found = around(text, span), clauses(text)
    before = [clause for clause in found if clause.end <= inner.start]
    after = [clause for clause in found if clause.start >= inner.end]
    return Span(before[-1].start if before else inner.start, after[0].end if after else inner.end)


def quote(text: str, span: Span) -> str:
    """Return the shortest stretch of whole clauses around a span that says something by itself.

    It is an exact substring of the text, and never only a mask.
    """
    widened = around(text, span)
    if not _says_something(text[widened.start : widened.end]):
        widened = neighbourhood(text, widened)
    if widened.end - widened.start > _LONGEST_QUOTE_CHARS:
        start = max(widened.start, span.start - _MARGIN_CHARS)
        end = min(widened.end, max(span.end, start + 1) + _MARGIN_CHARS)
        widened = _off_masks(text, Span(start, end))
    return text[widened.start : widened.end]


def _says_something(words: str) -> bool:
    return len(_MASK.sub("", words)) >= _SHORTEST_QUOTE_CHARS


def _off_masks(text: str, span: Span) -> Span:
    """Move the borders of a span out of any mask that they cut."""
    start, end = span
    for mask in _MASK.finditer(text):
        if mask.start() < start < mask.end():
            start = mask.start()
        if mask.start() < end < mask.end():
            end = mask.end()
    return Span(start, end)
