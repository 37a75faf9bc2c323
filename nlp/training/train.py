"""Training of every model of this package from a folder of labelled sets."""

import json
import os
import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from models.errors import UnderstandingError
from nlp import bundle
from nlp.encoder import FILES as ENCODER_FILES
from nlp.features import Sounds
from nlp.training.corpora import Example, corpora, examples
from nlp.training.extra import need_extra
from nlp.training.fine import fit_fine
from nlp.training.fit import fit, quantised
from nlp.training.phrases import FOLDS, composed, made
from nlp.training.tasks import Row, intent_tasks, role_task, row_of_example, row_of_phrase, sentiment_tasks
from nlp.training.vectors import Vectors, readable_all

Progress = Callable[[str], None]
"""Told what begins now."""

_SENTIMENT_NGRAMS = 260_000
_INTENT_NGRAMS = 60_000
_FINE_NGRAMS = 50_000


@dataclass(frozen=True, slots=True)
class Training:
    """What was trained, for the model card."""

    model: str
    rows: int
    seen: dict[str, int]
    """Set -> how many of its examples were used."""
    corrected: float
    """Share of the fine labels that were replaced as wrong."""


def write_sounds(path: Path) -> Sounds:
    """Write the characters of each toneless sound, one sound a line, by pypinyin; return them."""
    from pypinyin import lazy_pinyin  # only [train] has it

    by_sound: dict[str, str] = defaultdict(str)
    for code in range(0x4E00, 0xA000):
        sound = lazy_pinyin(chr(code))[0]
        if sound != chr(code):
            by_sound[sound] += chr(code)
    groups = [by_sound[sound] for sound in sorted(by_sound)]
    path.write_text("\n".join(groups) + "\n", encoding="utf-8")
    return Sounds(groups)


def train(
    *, data: Path, out: Path, licensed_only: bool, seed: int, progress: Progress, phrases_each: int = 30
) -> Training:
    """Train all models and write them with settings and manifest into `out`.

    The train and dev splits of the sets are read, the test splits never; calibration is out of fold.
    The same data, seed and library versions give the same weights. Of each written phrase, up to `phrases_each` turns
    are made.

    Raises:
        UnderstandingError: the [train] extra is absent, `data` holds none of the sets, or a line is broken.
    """
    need_extra("pypinyin", "sklearn", wanted_for="Training")
    out.mkdir(parents=True, exist_ok=True)
    for former in (*out.glob("*.npz"), *(out / name for name in ENCODER_FILES)):
        former.unlink(missing_ok=True)  # a model that is not trained this time must not stay
    sounds = write_sounds(out / "sounds.txt")
    progress("reading")
    known = corpora(licensed_only=licensed_only)
    found = [
        example for corpus in known for split in ("train", "dev") for example in examples(data, corpus, split=split)
    ]
    if not found:
        raise UnderstandingError(
            f"{data} holds none of the sets that training knows.",
            code="data_missing",
            advice="Name the folder with the files of nlp/training/corpora.toml.",
        )
    fine = [example for example in found if example.corpus.kind == "fine_intent"]
    corrected = 0.0
    if fine:
        progress("fine intents")
        fine, corrected = _fine(fine, sounds, out=out, seed=seed)
    others = [example for example in found if example.corpus.kind != "fine_intent"]
    rows = _rows([*others, *fine], each=phrases_each, seed=seed)
    _fit_all(rows, sounds, out=out, seed=seed, progress=progress)
    settings = tomllib.loads(files(__package__).joinpath("settings.toml").read_text(encoding="utf-8"))
    (out / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    model = settings["model"] + ("-licensed" if licensed_only else "")
    bundle.write_manifest(out, model=model)
    seen = Counter(example.corpus.name for example in found)
    return Training(model, len(rows), dict(seen), corrected)


def _processes() -> int:
    return min(2, os.cpu_count() or 1)


def _fine(found: Sequence[Example], sounds: Sounds, *, out: Path, seed: int) -> tuple[list[Example], float]:
    readables = readable_all([example.text for example in found], processes=_processes())
    vectors = Vectors.of(readables, sounds, at_least=1)
    fitted = fit_fine(vectors, [example.label for example in found], keep=_FINE_NGRAMS, seed=seed)
    fitted.model.save(out / "fine_intents.npz")
    cleaned = [Example(one.text, label, one.corpus) for one, label in zip(found, fitted.labels, strict=True)]
    return cleaned, fitted.corrected


def _rows(found: Sequence[Example], *, each: int, seed: int) -> list[Row]:
    rows = [row_of_example(example, group=group) for group, example in enumerate(found)]
    base = len(found) + FOLDS - len(found) % FOLDS
    customers = list(made("customer.toml", each=each, seed=seed))
    customers += composed(customers, count=len(customers), seed=seed)
    staff = list(made("staff.toml", each=2 * each, seed=seed))
    staff += composed(staff, count=len(staff), seed=seed)
    rows += [row_of_phrase(one, staff=False, group=base + one.line) for one in customers]
    rows += [row_of_phrase(one, staff=True, group=base + one.line) for one in staff]
    random.Random(seed).shuffle(rows)
    return rows


def _fit_all(rows: Sequence[Row], sounds: Sounds, *, out: Path, seed: int, progress: Progress) -> None:
    progress("normalising")
    readables = readable_all([row.text for row in rows], processes=_processes())
    groups = np.array([row.group for row in rows])
    progress("counting n-grams")
    for name, tasks, keep in (
        ("sentiment", sentiment_tasks(rows), _SENTIMENT_NGRAMS),
        ("intents", (*intent_tasks(rows), role_task(rows)), _INTENT_NGRAMS),
    ):
        used = np.flatnonzero(np.sum([task.weight for task in tasks], axis=0) > 0)
        vectors = Vectors.of([readables[row] for row in used], sounds, at_least=3)
        fitted = []
        for task in tasks:
            progress(f"{name}: {task.label}")
            fitted.append(fit(vectors, task.only(used), groups=groups[used], seed=seed))
        quantised(vectors, fitted, keep=keep).save(out / f"{name}.npz")
