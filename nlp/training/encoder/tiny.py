"""A base encoder of no use: small, random, its pieces our conversations' characters; it proves the way in seconds."""

from collections import Counter
from math import log
from pathlib import Path
from typing import Final

import numpy as np

from nlp.normalise import normalise
from nlp.training import counter
from nlp.training.base import vocabulary
from nlp.training.encoder import bert

_HIDDEN: Final = 32
_WIDE: Final = 64
_LAYERS: Final = 2
_HEADS: Final = 4
_POSITIONS: Final = 256


def write_tiny(folder: Path, *, seed: int) -> None:
    """Write the Hugging Face folder of a random BertModel and its tokeniser; the same for the same seed."""
    said = (turn.text for conversation in counter.conversations() for turn in conversation.turns)
    seen = Counter(char for text in said for char in normalise(text).text if not char.isspace())
    pieces = [*vocabulary.SPECIAL, "▁", *sorted(seen)]
    total = seen.total()
    scores = [0.0] * len(vocabulary.SPECIAL) + [-3.0] + [log(seen[char] / total) for char in sorted(seen)]
    vocabulary.tokeniser(pieces, scores).save(str(folder / bert.TOKENISER))
    sizes: dict[str, tuple[int, ...]] = {
        "word": (len(pieces), _HIDDEN),
        "position": (_POSITIONS, _HIDDEN),
        "type": (2, _HIDDEN),
    }
    sizes |= {"norm.w": (_HIDDEN,), "norm.b": (_HIDDEN,)}
    wide: dict[str, tuple[int, ...]] = {"fi.w": (_WIDE, _HIDDEN), "fi.b": (_WIDE,), "fo.w": (_HIDDEN, _WIDE)}
    for name in (f"{part}.{kind}" for part in bert.LAYER for kind in "wb"):
        square = (_HIDDEN,) if name.endswith("b") or "ln" in name else (_HIDDEN, _HIDDEN)
        sizes[name] = (_LAYERS, *wide.get(name, square))
    chance = np.random.default_rng(seed)
    weights = {
        name: np.ones(size, np.float32)
        if name.endswith(("ln.w", "norm.w"))
        else chance.normal(0, 0.2, size).astype(np.float32)
        for name, size in sizes.items()
    }
    bert.write(folder, weights, bert.Config(_LAYERS, _HEADS, 1e-5))
