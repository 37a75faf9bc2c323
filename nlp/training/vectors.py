"""Texts as rows of a sparse matrix."""

from array import array
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nlp.features import Sounds, readable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def readable_all(texts: Sequence[str], *, processes: int) -> list[str]:
    """`readable()` of each text, in order."""
    if processes == 1:
        return [readable(text) for text in texts]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:  # JAX beside us has threads: no fork
        return list(pool.map(readable, texts, chunksize=500))


@dataclass(frozen=True, slots=True)
class Vectors:
    """Rows for texts, columns for n-grams; a cell is 1 / √(number of the text's n-grams)."""

    ngrams: tuple[str, ...]
    rows: "csr_matrix"

    @classmethod
    def of(cls, readables: Sequence[str], sounds: Sounds, *, at_least: int) -> "Vectors":
        """Make them of `readable()` texts, with the n-grams that at least so many texts have."""
        from scipy.sparse import csr_matrix  # only [train] has it

        index: dict[str, int] = {}
        columns, starts, values = array("i"), array("q", [0]), array("f")
        for text in readables:
            grams = sounds.ngrams(text)
            # Sorted: sets have another order in every process, and the weights must not.
            columns.extend(index.setdefault(gram, len(index)) for gram in sorted(grams))
            values.extend([1.0 / sqrt(max(len(grams), 1))] * len(grams))
            starts.append(len(columns))
        shape = (len(readables), len(index))
        rows = csr_matrix((np.asarray(values), np.asarray(columns), np.asarray(starts)), shape=shape)
        counts = np.bincount(np.asarray(columns), minlength=len(index))
        kept = np.flatnonzero(counts >= at_least)
        names = list(index)
        return cls(tuple(names[column] for column in kept), rows[:, kept].tocsr())

    def rarity(self) -> NDArray[np.float32]:
        """Square root of each n-gram's inverse document frequency: what its column is scaled with for training.

        The root did better than the plain idf on the dev splits of the review sets.
        """
        counts = np.bincount(self.rows.indices, minlength=len(self.ngrams))
        rarity = np.sqrt(np.log(self.rows.shape[0] / (1.0 + counts)).clip(min=0.1))
        return np.asarray(rarity, dtype=np.float32)
