"""Which pieces of a multilingual tokeniser Chinese needs, and the tokeniser of those."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>")
"""The first four pieces, with their ids 0 to 3."""
_UNKNOWN: Final = SPECIAL.index("<unk>")
_SPACE: Final = "▁"
"""Stands for a space at the beginning of a piece (SentencePiece, Kudo & Richardson 2018)."""
# Words of English in Chinese speech are few (APP, WiFi, VIP): they are spelled in pieces of up to two signs. Numbers
# are read in up to four digits: a year, the end of a card.
_OTHERS: Final = re.compile(r"[!-~]{1,2}|[0-9]{1,4}|[、-】〔〕“”‘’…—··％！-～℃°²√×÷→￥±≥≤]{1,2}")
_KEPT: Final = frozenset({_SPACE, "▁que", "ry"})
"""A space; and "query", which the encoder's own training put before each text, so that both can be compared."""


@cache
def _written() -> frozenset[str]:
    """The Chinese characters of jieba's dictionary (MIT)."""
    import jieba  # its dictionary is read only here

    with jieba.get_module_res("dict.txt") as dictionary:
        words = (line.decode("utf-8").split(" ")[0] for line in dictionary)
        return frozenset(char for word in words for char in word if "\u4e00" <= char <= "\u9fff")


def chinese(piece: str) -> bool:
    """Whether Chinese text needs a piece: Chinese characters of jieba's dictionary, or short Latin, digits, signs."""
    bare = piece.removeprefix(_SPACE)
    return piece in _KEPT or (bool(bare) and (_written().issuperset(bare) or bool(_OTHERS.fullmatch(bare))))


def kept(pieces: Sequence[str]) -> NDArray[np.int64]:
    """The ids of the pieces to keep, in their order; the special ones first."""
    ids = [*range(len(SPECIAL)), *(at for at, piece in enumerate(pieces) if at >= len(SPECIAL) and chinese(piece))]
    return np.array(ids, dtype=np.int64)


def tokeniser(pieces: Sequence[str], scores: Sequence[float]) -> Tokenizer:
    """The Unigram tokeniser of the pieces: NFKC, Metaspace, <s> text </s> and <s> text </s></s> text </s>."""
    vocabulary: list[Any] = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
    made = Tokenizer(models.Unigram(vocabulary, _UNKNOWN, byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s>:1 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    made.add_special_tokens(list(SPECIAL))
    return made
