"""The labelled sets of a data folder, read the same way everywhere."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from nlp.jsonl import read_lines

Kind = Literal["polarity", "sentiment", "acts", "fine_intent"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One labelled set: where it is, what it may be used for, what its labels mean."""

    file: str
    name: str
    licence: str
    licensed: bool
    kind: Kind
    weight: float
    """How much one of its examples counts beside one written for this project."""
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text of a set."""

    text: str
    label: str
    """In our words where the set's `labels` map it, else as it stands in the file."""
    corpus: Corpus


def corpora(*, licensed_only: bool) -> tuple[Corpus, ...]:
    """The sets that training knows, from corpora.toml."""
    table: dict[str, Any] = tomllib.loads(files(__package__).joinpath("corpora.toml").read_text(encoding="utf-8"))
    known = (Corpus(**entry) for entry in table["set"])
    return tuple(corpus for corpus in known if corpus.licensed or not licensed_only)


def examples(folder: Path, corpus: Corpus, *, split: str) -> Iterator[Example]:
    """Yield a split of a set; nothing when the folder does not have the set."""
    path = folder / corpus.file
    if not path.is_file():
        return
    for _, row in read_lines(path):
        if row.get("split", "train") != split:
            continue
        raw = str(row.get("label", ""))
        label = corpus.labels.get(raw, raw if not corpus.labels else "")
        if label or corpus.kind == "acts":
            yield Example(row["text"], label or "request", corpus)
