"""A stretch of text that holds personal data."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.labels import PiiKind

# The kind that a shape or a checksum proves goes before one that a word nearby suggests; NUMBER is what is left.
_FIRST = (
    PiiKind.EMAIL,
    PiiKind.PLATE,
    PiiKind.MOBILE,
    PiiKind.ID_CARD,
    PiiKind.PASSPORT,
    PiiKind.BANK_CARD,
    PiiKind.POLICY_NO,
    PiiKind.ORDER_NO,
    PiiKind.PHONE,
    PiiKind.ADDRESS,
    PiiKind.NAME,
    PiiKind.NUMBER,
)


@dataclass(frozen=True, slots=True)
class PiiSpan:
    """Characters [start, end) of a text, and what they are."""

    start: int
    end: int
    kind: PiiKind


def merged(spans: Iterable[PiiSpan]) -> list[PiiSpan]:
    """The spans in order, overlapping ones as one of the surer kind."""
    result: list[PiiSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if result and span.start < result[-1].end:
            last = result[-1]
            kind = min(last.kind, span.kind, key=_FIRST.index)
            result[-1] = PiiSpan(last.start, max(last.end, span.end), kind)
        else:
            result.append(span)
    return result
