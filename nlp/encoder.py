"""The trained encoder at run time: ONNX Runtime and a tokeniser, batched by length on a bounded number of threads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from tokenizers import Encoding, Tokenizer

from models.errors import UnderstandingError

Floats = NDArray[np.float32]

GRAPH: Final = "encoder.onnx"
TOKENISER: Final = "tokenizer.json"
COLUMNS: Final = "encoder.json"
FILES: Final = (GRAPH, TOKENISER, COLUMNS)
FINE: Final = "fine"
"""Names all fine intents together in `Columns.share`."""

_PAD: Final = 1
_MOST_TOKENS: Final = 224
"""Of one text; framing cuts Chinese before, this cuts what has more tokens than characters."""
_BATCH_TOKENS: Final = 1024
"""Padding included: enough for full speed, and 10 MB of memory."""


class Columns(BaseModel):
    """What the encoder's scores stand for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Name and version."""
    questions: tuple[str, ...]
    """Yes-or-no questions, the first columns: log-odds after calibration."""
    fine: tuple[str, ...]
    """Fine intents, the columns after them."""
    slope: tuple[float, ...]
    """Calibration (Platt 1999) of each question: log-odds = slope x score + offset."""
    offset: tuple[float, ...]
    share: dict[str, float]
    """Question -> how much the encoder's log-odds count beside the linear model's or the rule's, 0 to 1."""


class Encoder:
    """An encoder with its heads. Does not change after it is loaded; threads may share it."""

    def __init__(self, *, columns: Columns, session: Any, tokeniser: Tokenizer) -> None:
        """Take the parts as `read()` loads them."""
        self.columns = columns
        self._session = session
        self._tokeniser = tokeniser
        self._slope = np.array(columns.slope, np.float32)
        self._offset = np.array(columns.offset, np.float32)

    @classmethod
    def read(cls, folder: Path, *, threads: int) -> "Encoder":
        """Read encoder.onnx, tokenizer.json and encoder.json; their sha256 are checked by `nlp.bundle` before.

        Args:
            folder: of the weights.
            threads: that one call may use.

        Raises:
            UnderstandingError: a file is absent (weights_missing) or does not load (weights_altered).
        """
        import onnxruntime  # noqa: PLC0415  # 60 ms and 40 MB, only where there are such weights

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Waiting threads must not burn the cores that recognition and the database need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            columns = Columns.model_validate_json((folder / COLUMNS).read_bytes())
            graph = (folder / GRAPH).read_bytes()
            tokeniser = Tokenizer.from_buffer((folder / TOKENISER).read_bytes())
        except OSError as absent:
            raise UnderstandingError(str(absent), code="weights_missing") from absent
        except ValidationError as foreign:
            raise _altered(folder / COLUMNS, foreign) from foreign
        except ValueError as broken:  # of tokenizers; ValidationError, which is one too, is taken above
            raise _altered(folder / TOKENISER, broken) from broken
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as broken:  # ONNX Runtime has a dozen kinds of failure without a common root
            raise _altered(folder / GRAPH, broken) from broken
        width = len(columns.questions) + len(columns.fine)
        if session.get_outputs()[0].shape[-1] != width or {len(columns.slope), len(columns.offset)} != {
            len(columns.questions)
        }:
            raise _altered(folder / COLUMNS, ValueError(f"{width} columns are not those of {GRAPH}"))
        tokeniser.enable_truncation(_MOST_TOKENS)
        return cls(columns=columns, session=session, tokeniser=tokeniser)

    def scores(self, framed: Sequence[tuple[str, str]]) -> Floats:
        """Log-odds of the questions and scores of the fine intents, one row for each pair of `framing.framed()`.

        Texts are put together by length, so that a long one costs its own time and no other's.
        """
        read = [self._tokeniser.encode(*pair) for pair in framed]
        given = np.zeros((len(read), len(self.columns.questions) + len(self.columns.fine)), np.float32)
        for rows in by_length([len(one.ids) for one in read]):
            (given[rows],) = self._session.run(None, _arrays([read[row] for row in rows]))
        questions = len(self.columns.questions)
        given[:, :questions] = given[:, :questions] * self._slope + self._offset
        return given


def by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Rows in groups of at most _BATCH_TOKENS, padding included, from the shortest to the longest."""
    groups: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if groups and (len(groups[-1]) + 1) * lengths[row] <= _BATCH_TOKENS:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _arrays(read: Sequence[Encoding]) -> dict[str, NDArray[Any]]:
    shape = (len(read), max(len(one.ids) for one in read))
    ids, mask = np.full(shape, _PAD, np.int32), np.zeros(shape, np.int32)
    own = np.zeros(shape, np.float32)
    for row, one in enumerate(read):
        length = len(one.ids)
        ids[row, :length], mask[row, :length] = one.ids, 1
        own[row, :length] = 1 - np.array(one.type_ids, np.float32)
    return {"ids": ids, "mask": mask, "own": own}


def _altered(path: Path, why: Exception) -> UnderstandingError:
    return UnderstandingError(f"{path} does not load: {why}", code="weights_altered", advice="Train the weights again.")
