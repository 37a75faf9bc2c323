"""Words that the recogniser misheard for others that sound alike: found by a language model, decided by the sound.

A small Whisper spells Chinese by sound: two in five of its errors in conversations are homophones. A model of spoken
Chinese proposes what was meant (a noisy channel: what was written with the recogniser's confidence, what sounds alike
with what is left of it). Then the recogniser is asked how well the proposal fits the sound that it has encoded; each
change stands only where both together find it likelier. A text keeps its length: nothing is added or left out, and
numbers, negations, units and names are neither changed nor made.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.word_times import Word
from nlp.normalise import to_simplified
from nlp.pii.names import find_names
from nlp.spoken import BREAK, Ids, SpokenChinese, is_chinese, symbol, symbols

Words = tuple[Word, ...]
Read = Callable[[Sequence[str]], Sequence[Words]]
"""Gives the words of texts with the recogniser's confidence in each, if this is what was said."""
Scores = npt.NDArray[np.float64]

_ALIKE = math.log(0.3)
"""What doubt leaves for each character that sounds alike."""
_SUREST, _LEAST = 0.97, 1e-3
"""The recogniser is never surer of a character, nor less."""
_LANGUAGE = 0.85
"""Weight of the language model beside the recogniser, which has one of its own."""
_BETTER_BY = 3.5
"""A change must be e to the power of this times likelier."""
_KNOWN = -5.5
"""Mean logarithm of a symbol's probability. Of 42 clips of conversations 41 lie above. Read news and proverbs, where
the language model put its own words for rare ones, lie below -5.7."""
_ROUNDS = 2
"""What was refused is not proposed again; two more rounds gain 0.03 points."""
_BEAM = 10
_AFTER = 2
"""Characters after a change whose likelihood the language model sees it by."""

_NUMBERS = "零〇一二三四五六七八九十百千万亿两俩半几幺"
_UNITS = "年月日号元块毛角分秒点时折"
_NEGATIONS = "不没无别未非莫勿否甭休"
_KEPT: Final = frozenset(_NUMBERS + _UNITS + _NEGATIONS)
_TITLED = re.compile("[\u4e00-\u9fff](?=女士|先生|小姐|太太|经理|主任|老师|师傅|医生|大夫|阿姨|叔|姨|姐|哥|总)")
_CALLED = re.compile("(?<=[姓叫])[\u4e00-\u9fff]{1,3}")


class Mishearing:
    """Finds misheard words. Does not change; threads may share it."""

    def __init__(self, language: SpokenChinese) -> None:
        """Take a model of spoken Chinese."""
        self._language = language
        self._kept_ids = np.array([language.id_of(one) for one in sorted(_KEPT)], dtype=np.int64)

    def corrected(self, texts: Sequence[Words], *, read: Read) -> list[Words]:
        """Return the texts with misheard characters replaced; the times of words stay.

        Args:
            texts: what was recognised in one clip, in order.
            read: asks the recogniser about other texts of the same clip.
        """
        heard = _Heard.of(texts)
        if self._language.of_text(heard.text) < _KNOWN * (len(symbols(heard.text)) - 1):
            return list(texts)
        refused: set[tuple[int, str]] = set()
        kept = _names(heard.text)
        for _ in range(_ROUNDS):
            proposed = self._proposed(heard, kept=kept, refused=refused)
            if proposed == heard.text:
                break
            other = _Heard.of(read(heard.cut(proposed)))
            if len(other.text) != len(heard.text):
                break
            refused |= {(at, one) for at, one in enumerate(proposed) if one != heard.text[at]}
            heard = self._likelier(heard, replace(other, text=proposed))
        return heard.written(texts)

    def _likelier(self, heard: "_Heard", other: "_Heard") -> "_Heard":
        """Return what was heard with those changes that fit the sound and the language better."""
        text, sure = list(heard.text), list(heard.sure)
        for start, end in _changes(heard.text, other.text):
            sound = sum(other.sure[start:end]) - sum(heard.sure[start:end])
            words = self._of_words(other.text, start, end) - self._of_words(heard.text, start, end)
            if sound + _LANGUAGE * words > _BETTER_BY:
                text[start:end], sure[start:end] = other.text[start:end], other.sure[start:end]
        return replace(heard, text="".join(text), sure=tuple(sure))

    def _of_words(self, text: str, start: int, end: int) -> float:
        """Return the logarithm of the probability of a part of a text and what follows it closely."""
        ids = [self._language.id_of(symbol(one)) for one in BREAK * 2 + text[: end + _AFTER]]
        parts = np.array(ids[start:], dtype=np.int64)
        return float(self._language.log_probabilities(parts[:-2], parts[1:-1], parts[2:]).sum())

    def _proposed(self, heard: "_Heard", *, kept: frozenset[int], refused: set[tuple[int, str]]) -> str:
        """Return the likeliest text of the same length (a beam search over states of two symbols)."""
        language = self._language
        edge = language.id_of(BREAK)
        befores, lasts, scores = np.array([edge]), np.array([edge]), np.zeros(1)
        steps: list[tuple[Ids, Ids]] = []
        for at, one in enumerate(heard.text):
            ids, prior = self._choices(at, heard, is_kept=at in kept, refused=refused)
            if not is_chinese(one) and lasts[0] == ids[0]:
                # The next digit of a number, the next of several marks: one symbol.
                steps.append((np.arange(len(lasts)), lasts))
                continue
            likely = language.log_probabilities(befores[:, None], lasts[:, None], ids[None, :])
            totals = scores[:, None] + _LANGUAGE * likely + prior[None, :]
            rows, columns = _best(totals, lasts, ids)
            scores, befores, lasts = totals[rows, columns], lasts[rows], ids[columns]
            steps.append((rows, lasts))
        return self._traced(heard.text, steps)

    def _traced(self, text: str, steps: Sequence[tuple[Ids, Ids]]) -> str:
        """Follow the best path back; only what was changed is written anew."""
        found, row = list(text), 0
        for at in range(len(text) - 1, -1, -1):
            rows, ids = steps[at]
            if ids[row] != self._language.id_of(symbol(text[at])):
                found[at] = self._language.characters[ids[row]]
            row = int(rows[row])
        return "".join(found)

    def _choices(self, at: int, heard: "_Heard", *, is_kept: bool, refused: set[tuple[int, str]]) -> tuple[Ids, Scores]:
        """Return what may stand at a place, the written character first, and how likely each is by the sound."""
        one, sure = heard.text[at], min(max(math.exp(heard.sure[at]), _LEAST), _SUREST)
        written = np.array([self._language.id_of(symbol(one))])
        if is_kept or one in _KEPT or not is_chinese(one):
            return written, np.zeros(1)
        alike = self._language.alike(one)
        no = [self._language.id_of(other) for place, other in refused if place == at]
        others = alike[~np.isin(alike, np.concatenate([self._kept_ids, np.array(no, dtype=np.int64)]))]
        prior = np.full(len(others) + 1, math.log(1 - sure) + _ALIKE)
        prior[0] = math.log(sure)
        return np.concatenate([written, others]), prior


def _best(totals: Scores, lasts: Ids, ids: Ids) -> tuple[Ids, Ids]:
    """Return rows and columns of the best states, best first; of those that end with the same two symbols, one."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for flat in np.argsort(-totals, axis=None, kind="stable")[: _BEAM * _BEAM]:
        row, column = divmod(int(flat), totals.shape[1])
        found.setdefault((int(lasts[row]), int(ids[column])), (row, column))
        if len(found) == _BEAM:
            break
    rows, columns = zip(*found.values(), strict=True)
    return np.array(rows), np.array(columns)


def _changes(text: str, other: str) -> Iterator[tuple[int, int]]:
    """Give where texts of one length differ, neighbouring characters together."""
    is_changed = [one != two for one, two in zip(text, other, strict=True)]
    edges = [at for at, (before, now) in enumerate(pairwise([False, *is_changed, False])) if before != now]
    yield from zip(edges[::2], edges[1::2], strict=True)


def _names(text: str) -> frozenset[int]:
    """Return the places of names, and of surnames with a title."""
    spans = [(name.start, name.end) for name in find_names(text)]
    spans += [match.span() for pattern in (_TITLED, _CALLED) for match in pattern.finditer(text)]
    return frozenset(at for start, end in spans for at in range(start, end))


@dataclass(frozen=True, slots=True)
class _Heard:
    """Texts of a clip as one, in simplified characters."""

    text: str
    sure: tuple[float, ...]
    """Logarithm of the recogniser's confidence in each character; that of a word is shared by its characters."""
    lengths: tuple[int, ...]
    """Of the texts."""

    @classmethod
    def of(cls, texts: Sequence[Words]) -> "_Heard":
        words = [word for text in texts for word in text]
        sure: list[float] = []
        for word in words:
            spoken = [is_chinese(one) for one in word.text]
            share = math.log(max(word.probability, _LEAST**2)) / max(1, sum(spoken))
            sure += [share if one else 0.0 for one in spoken]
        text = "".join(word.text for word in words)
        simplified = to_simplified(text)
        lengths = tuple(sum(len(word.text) for word in one) for one in texts)
        return cls(text=simplified if len(simplified) == len(text) else text, sure=tuple(sure), lengths=lengths)

    def cut(self, text: str) -> list[str]:
        """Cut a text of the same length to texts as these are."""
        ends = np.cumsum(self.lengths).tolist()
        return [text[end - length : end] for end, length in zip(ends, self.lengths, strict=True)]

    def written(self, texts: Sequence[Words]) -> list[Words]:
        """Return words with the characters of this text in place of their own."""
        characters = iter(self.text)
        return [
            tuple(replace(word, text="".join(next(characters) for _ in word.text)) for word in words) for words in texts
        ]
