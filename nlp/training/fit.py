"""Fitting, calibrating and quantising linear models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.linear import LinearModel
from nlp.training.phrases import FOLDS
from nlp.training.vectors import Vectors

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """One yes-or-no question: for each row the answer and how much it counts (0 leaves it out)."""

    label: str
    answer: NDArray[np.bool_]
    weight: Floats
    cost: float
    """C of the support vector machine: higher trusts the labels more."""

    def only(self, rows: NDArray[np.int64]) -> "Task":
        """The same question to fewer rows."""
        return Task(self.label, self.answer[rows], self.weight[rows], self.cost)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The answer to a task: weights per n-gram, margins made out of fold, Platt's slope and offset."""

    label: str
    weights: Floats
    bias: float
    held_out: Floats
    slope: float
    offset: float


def _column_scale(vectors: Vectors, task: Task) -> Floats:
    """Rarity x (0.5 + |log ratio of an n-gram's frequency in yes and in no|).

    Wang & Manning 2012 scale with the ratio alone; half of it did better on the dev splits of the review sets.
    """
    used = task.weight > 0
    present = vectors.rows.astype(bool).astype(np.float64)
    yes = present.T @ (task.weight * (used & task.answer)) + 1.0
    no = present.T @ (task.weight * (used & ~task.answer)) + 1.0
    ratio = np.log((yes / yes.sum()) / (no / no.sum()))
    return np.asarray(vectors.rarity() * (0.5 + np.abs(ratio)), dtype=np.float64)


def fit(vectors: Vectors, task: Task, *, groups: NDArray[np.int64], seed: int) -> Fitted:
    """Fit one question by a linear support vector machine and calibrate it on margins made out of fold.

    Args:
        vectors: the rows.
        task: answers and weights of the rows.
        groups: rows of one group, and of groups that are the same modulo FOLDS, never stand on both sides of a fold.
        seed: for the solver.
    """
    from scipy.sparse import diags  # only [train] has it
    from sklearn.svm import LinearSVC

    used = np.flatnonzero(task.weight > 0)
    scale = _column_scale(vectors, task)
    rows = (vectors.rows[used] @ diags(scale)).tocsr()
    answer, weight = task.answer[used], task.weight[used]
    fold = groups[used] % FOLDS
    margins = np.zeros(len(used))
    for held in range(FOLDS):
        inside, outside = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        if len(outside):
            part = LinearSVC(C=task.cost, random_state=seed)
            part.fit(rows[inside], answer[inside], sample_weight=weight[inside])
            margins[outside] = part.decision_function(rows[outside])
    whole = LinearSVC(C=task.cost, random_state=seed).fit(rows, answer, sample_weight=weight)
    slope, offset = platt(margins, answer, weight)
    held_out = np.full(len(task.answer), np.nan)
    held_out[used] = margins * slope + offset
    return Fitted(task.label, whole.coef_[0] * scale, float(whole.intercept_[0]), held_out, slope, offset)


def platt(margins: Floats, answer: NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    """Slope and offset that turn margins into log-odds (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression  # only [train] has it

    model = LogisticRegression(C=1e3).fit(margins.reshape(-1, 1), answer, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def quantised(vectors: Vectors, fitted: Sequence[Fitted], *, keep: int) -> LinearModel:
    """Round the weights of several questions to 8 bits and keep the `keep` n-grams that matter most.

    An n-gram matters by its largest weight over the questions, in steps of that question.
    """
    weights = np.stack([one.weights for one in fitted], axis=1)
    # The few largest weights are clipped, which leaves finer steps to all others.
    limit = np.quantile(np.abs(weights), 0.9999, axis=0).clip(min=1e-9)
    steps = np.clip(np.rint(weights / limit * 127), -127, 127).astype(np.int8)
    strength = np.abs(weights / limit).max(axis=1)
    strongest = np.argsort(-strength, kind="stable")[:keep]
    kept = np.sort(strongest[np.abs(steps[strongest]).max(axis=1) > 0])
    # In the order of code points, neighbours share beginnings and the file compresses to half.
    kept = kept[np.argsort(np.array([vectors.ngrams[row] for row in kept]), kind="stable")] if len(kept) else kept
    return LinearModel(
        labels=tuple(one.label for one in fitted),
        index={vectors.ngrams[column]: row for row, column in enumerate(kept)},
        weights=steps[kept],
        scale=(limit / 127).astype(np.float32),
        bias=np.array([one.bias for one in fitted], dtype=np.float32),
        slope=np.array([one.slope for one in fitted], dtype=np.float32),
        offset=np.array([one.offset for one in fitted], dtype=np.float32),
    )
