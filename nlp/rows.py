"""Labelled rows of JSON-lines files, for evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.labels import Role, Sentiment
from nlp.jsonl import broken_line, read_lines

_SENTIMENTS: Final = {
    "1": Sentiment.POSITIVE,
    "positive": Sentiment.POSITIVE,
    "0": Sentiment.NEUTRAL,
    "neutral": Sentiment.NEUTRAL,
    "-1": Sentiment.NEGATIVE,
    "negative": Sentiment.NEGATIVE,
}
_NO_INTENT: Final = "none"


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label in our words."""

    text: str
    label: str
    also: tuple[str, ...] = ()
    """Further labels that are right too."""


def _in_split(path: Path, split: str | None) -> list[tuple[int, Mapping[str, Any]]]:
    return [
        (number, row)
        for number, row in read_lines(path)
        if split is None or "split" not in row or row["split"] == split
    ]


def sentiment_rows(path: Path, *, split: str | None) -> list[Row]:
    """Read rows labelled 1 / 0, 1 / 0 / -1, or positive / neutral / negative.

    0 means negative in a file of 1 and 0, neutral in one that also has -1. `split` keeps the rows of that split, and
    those that have none.

    Raises:
        UnderstandingError: the file is absent, or a line is broken or has no such label (broken_line, naming it).
    """
    rows = _in_split(path, split)
    labels = [str(row.get("label", row.get("sentiment", ""))).strip().lower() for _, row in rows]
    zero = Sentiment.NEUTRAL if "-1" in labels else Sentiment.NEGATIVE
    known = _SENTIMENTS | {"0": zero}
    found = []
    for (number, row), label in zip(rows, labels, strict=True):
        if label not in known:
            raise broken_line(path, number, f"has the label {label!r}, which is no sentiment")
        found.append(Row(row["text"], known[label].value))
    return found


def intent_rows(path: Path, *, split: str | None) -> list[Row]:
    """Read rows with an intent: `label`, or a list `intents`, of the 17 codes; or a fine label of CIC.

    Rows that staff said are left out: they have no intents.

    Raises:
        UnderstandingError: the file is absent, or a line is broken or has no label (broken_line, naming it).
    """
    found = []
    for number, row in _in_split(path, split):
        if row.get("role") == Role.STAFF:
            continue
        intents = row.get("intents")
        labels = (intents or [_NO_INTENT]) if isinstance(intents, list) else [row.get("label") or row.get("intent")]
        names = [label for label in labels if isinstance(label, str)]
        if not names or len(names) < len(labels):
            raise broken_line(path, number, "has no intent as its label")
        found.append(Row(row["text"], names[0], tuple(names[1:])))
    return found
