"""A linear model over n-grams, quantised to 8 bits: the one kind of model that this package runs."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import exp, sqrt
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.errors import UnderstandingError

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """score[label] = slope · (scale · Σ weights of the text's n-grams / √(number of its n-grams) + bias) + offset.

    Attributes:
        labels: names of the columns; a single one is a yes-or-no model.
        index: n-gram -> row.
        weights: int8, rows x labels.
        scale: what one step of a weight is worth, per label.
        bias: per label.
        slope, offset: calibration (Platt 1999), per label; they turn margins into log-odds.
    """

    labels: tuple[str, ...]
    index: dict[str, int]
    weights: NDArray[np.int8]
    scale: Floats
    bias: Floats
    slope: Floats
    offset: Floats

    def scores(self, ngrams: AbstractSet[str]) -> Floats:
        """Calibrated log-odds per label. Integer sums: the same on every machine and in every order."""
        index = self.index
        rows = [row for gram in ngrams if (row := index.get(gram)) is not None]
        total = self.weights[rows].sum(axis=0, dtype=np.int32) if rows else np.zeros(len(self.labels), np.int32)
        margin = total * self.scale / np.float32(sqrt(max(len(ngrams), 1))) + self.bias
        return np.asarray(margin * self.slope + self.offset, dtype=np.float32)

    def weight(self, ngram: str, label: str) -> float:
        """What an n-gram adds to a label's log-odds in a text of one n-gram; 0 for one that it does not know."""
        row = self.index.get(ngram)
        if row is None:
            return 0.0
        column = self.labels.index(label)
        return float(self.weights[row, column] * self.scale[column] * self.slope[column])

    def save(self, path: Path) -> None:
        """Write a compressed npz without pickles."""
        ordered = sorted(self.index, key=self.index.__getitem__)
        np.savez_compressed(
            path,
            allow_pickle=False,
            labels=_packed(self.labels),
            ngrams=_packed(ordered),
            weights=self.weights,
            scale=self.scale,
            bias=self.bias,
            slope=self.slope,
            offset=self.offset,
        )

    @classmethod
    def read(cls, path: Path) -> "LinearModel":
        """Read what `save()` wrote.

        Raises:
            UnderstandingError: the file is absent (weights_missing) or not such a model (weights_altered).
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                ngrams = _unpacked(file["ngrams"])
                return cls(
                    labels=tuple(_unpacked(file["labels"])),
                    index={gram: row for row, gram in enumerate(ngrams)},
                    weights=file["weights"],
                    scale=file["scale"],
                    bias=file["bias"],
                    slope=file["slope"],
                    offset=file["offset"],
                )
        except FileNotFoundError as absent:
            raise UnderstandingError(f"{path} does not exist.", code="weights_missing") from absent
        except (OSError, BadZipFile, KeyError, ValueError) as broken:
            raise UnderstandingError(f"{path} is not a model: {broken}", code="weights_altered") from broken


def _packed(names: tuple[str, ...] | list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(names).encode("utf-8"), dtype=np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode("utf-8").split("\n")


def sigmoid(score: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, score))))


def softmax(scores: Floats) -> Floats:
    """The probabilities of scores that exclude each other."""
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum(), dtype=np.float32)
