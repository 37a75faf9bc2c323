"""Key terms of a text: jieba's segmentation with the words of our industries."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jieba import Tokenizer

_MASK = re.compile("〔[^〔〕]{1,8}〕")
_DOMAINS: Final = ("bank", "insurance", "auto", "retail", "home_service")
# Parts of speech of jieba's dictionary that name things: nouns, names of firms and places, verbs used as nouns.
_NOUNS: Final = frozenset({"n", "nz", "nt", "vn"})
# Words more frequent than this name nothing in particular (时候, 问题, 东西).
_COMMON_FROM: Final = 20_000
# jieba counts rarer words from few texts; without them its dictionary loads in half the time.
_RARE_BELOW: Final = 5
_DOMAIN_COUNT: Final = 50_000
"""Given to our words so that segmentation prefers them to their parts."""


def domain_words() -> Iterator[str]:
    """Give the words of our industries, one after the other."""
    for domain in _DOMAINS:
        for line in files("nlp").joinpath("data", f"{domain}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                yield from line.split()


class Terms:
    """Finds key terms. Made once: it holds a dictionary of some hundred thousand words."""

    def __init__(self) -> None:
        """Read jieba's dictionary and ours.

        jieba itself would log, and leave a marshalled cache in the shared temporary folder, which anyone there could
        replace; so its table is filled here.
        """
        import jieba  # only those who ask for terms pay for it

        self._domain = frozenset(domain_words())
        self._nouns: set[str] = set()
        counts: dict[str, int] = {}
        with jieba.get_module_res("dict.txt") as dictionary:
            for line in dictionary.read().decode("utf-8").splitlines():
                word, number, tag = line.split(" ")
                count = int(number)
                if count < _RARE_BELOW and len(word) > 1:
                    continue
                counts[word] = count
                if tag in _NOUNS and count < _COMMON_FROM and len(word) > 1:
                    self._nouns.add(word)
        counts.update(dict.fromkeys(self._domain, _DOMAIN_COUNT))
        self._tokenizer = _tokenizer(counts)

    def find(self, text: str, *, most: int = 5) -> tuple[str, ...]:
        """The distinct key terms of a normalised text: our industries' words first, then other nouns, as they come."""
        words = dict.fromkeys(self._tokenizer.cut(_MASK.sub("。", text), HMM=False))
        domain = [word for word in words if word in self._domain]
        nouns = [word for word in words if word in self._nouns and word not in self._domain]
        return tuple((domain + nouns)[:most])


def _tokenizer(counts: dict[str, int]) -> "Tokenizer":
    import jieba  # only those who ask for terms pay for it

    tokenizer = jieba.Tokenizer()
    total = sum(counts.values())
    for word in list(counts):
        for end in range(1, len(word)):
            # jieba walks words by their beginnings: each must stand in the table.
            counts.setdefault(word[:end], 0)
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = counts, total, True
    return tokenizer


@cache
def terms() -> Terms:
    """The one Terms of this process."""
    return Terms()
