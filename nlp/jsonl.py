"""Files of JSON lines with a text in each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.errors import UnderstandingError


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file with their line numbers, from 1; empty lines are passed over.

    Raises:
        UnderstandingError: no such file (data_missing), or a line is no object with a text (broken_line, naming it).
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as unreadable:
        raise UnderstandingError(
            f"{path} cannot be read: {unreadable.strerror}.",
            code="data_missing",
            advice="Name a file of JSON lines with text and label.",
        ) from unreadable
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as broken:  # UnicodeDecodeError is one too
            raise broken_line(path, number, "is not JSON") from broken
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise broken_line(path, number, "has no text")
        yield number, row


def broken_line(path: Path, number: int, what: str) -> UnderstandingError:
    """The error of a line that cannot be used."""
    return UnderstandingError(
        f"{path}, line {number}, {what}.",
        code="broken_line",
        advice="Each line must be a JSON object with a text and a label.",
    )
