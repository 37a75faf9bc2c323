"""IMA ADPCM: four bits a sample. Pure.

Source: IMA Digital Audio Focus and Technical Working Groups, "Recommended Practices for Enhancing Digital Audio
Compatibility", revision 3.00 (1992), 6: the tables and the reference algorithm.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]
"""Samples of 16 bits, shape (n,)."""

LARGEST_INDEX = 88

_INDEX_STEPS = (-1, -1, -1, -1, 2, 4, 6, 8)
# fmt: off
_STEPS = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)
# fmt: on


@dataclass(frozen=True, slots=True)
class AdpcmState:
    """Where a coder stands between two samples."""

    predictor: int = 0
    """The last sample, -32768 to 32767."""
    index: int = 0
    """Into the table of steps, 0 to 88."""


def decode(data: bytes, state: AdpcmState) -> tuple[Int16, AdpcmState]:
    """Decode two samples from each byte, the high nibble first; return them and where the decoder then stands.

    Raises:
        ValueError: `state` is none that a coder can be in.
    """
    _check(state)
    predictor, index = state.predictor, state.index
    samples = np.empty(2 * len(data), dtype=np.int16)
    for at, byte in enumerate(data):
        for half, code in enumerate((byte >> 4, byte & 15)):
            predictor, index = _next(predictor, index, code)
            samples[2 * at + half] = predictor
    return samples, AdpcmState(predictor, index)


def encode(samples: Int16, state: AdpcmState) -> tuple[bytes, AdpcmState]:
    """Encode an even number of samples, the first of a pair into the high nibble; the inverse of `decode`.

    Raises:
        ValueError: the number is odd, or `state` is none that a coder can be in.
    """
    _check(state)
    if len(samples) % 2:
        raise ValueError("a byte holds two samples")
    predictor, index = state.predictor, state.index
    codes = bytearray()
    for sample in samples.tolist():
        code = _code(sample - predictor, _STEPS[index])
        predictor, index = _next(predictor, index, code)
        codes.append(code)
    return bytes(high << 4 | low for high, low in zip(codes[::2], codes[1::2], strict=True)), AdpcmState(
        predictor, index
    )


def _next(predictor: int, index: int, code: int) -> tuple[int, int]:
    step = _STEPS[index]
    difference = step >> 3
    if code & 4:
        difference += step
    if code & 2:
        difference += step >> 1
    if code & 1:
        difference += step >> 2
    predictor += -difference if code & 8 else difference
    return (
        min(max(predictor, -32_768), 32_767),
        min(max(index + _INDEX_STEPS[code & 7], 0), LARGEST_INDEX),
    )


def _code(difference: int, step: int) -> int:
    code = 8 if difference < 0 else 0
    difference = abs(difference)
    for bit in (4, 2, 1):
        if difference >= step:
            code |= bit
            difference -= step
        step >>= 1
    return code


def _check(state: AdpcmState) -> None:
    if not (-32_768 <= state.predictor <= 32_767 and 0 <= state.index <= LARGEST_INDEX):
        raise ValueError(f"no coder stands at {state}")
