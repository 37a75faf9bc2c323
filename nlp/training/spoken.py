"""Makes `nlp/data/spoken.npz`, the model of spoken Chinese.

    python -m nlp.training.spoken [--out FILE]

It is counted from what the project owns or may use freely: the counter conversations of `nlp.training.counter`, the
terms of `nlp/data` and the words of jieba's dictionary (MIT) by their frequency. Nothing of what it is measured on.
"""

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nlp.spoken import BREAK, LETTERS, NUMBER, SHIPPED, symbols
from nlp.terms import domain_words
from nlp.training.counter import conversations
from nlp.training.extra import need_extra

_ORDER: Final = 3
_TOPPED_UP: Final = (0.0, 75.0, 50.0)
"""Characters' worth of what the shorter history expects, by the length of the history. Written conversations of other
writers leave 58 characters to choose from with these, and 74 with a third."""
_UNSEEN: Final = 0.2
"""Count of a character beside those it was given."""
_WORD_POWER, _WORD_SHARE, _LEAST_WORD = 0.75, 0.0025, 0.1
"""A word of jieba's with frequency f counts 0.0025 f^0.75 times; with four times as much 58 characters become 62. Words
that count less than 0.1 are left out: half of the file for half a character."""
_GOES_ON: Final = 0.5
"""Of what follows a word nothing is known; for half of it the shorter history speaks."""


class _Counts:
    """N-grams and their histories, with fractions."""

    def __init__(self) -> None:
        self.grams: list[dict[str, float]] = [defaultdict(float) for _ in range(_ORDER + 1)]
        self.histories: list[dict[str, float]] = [defaultdict(float) for _ in range(_ORDER)]
        self.ended: dict[str, float] = defaultdict(float)
        """Of each history, what was followed by nobody knows what."""

    def add(self, text: str, *, times: float, first: int) -> None:
        """Count the characters of a text from `first` on, each with what stands before it."""
        for end in range(first + 1, len(text) + 1):
            for size in range(1, min(_ORDER, end) + 1):
                self.grams[size][text[end - size : end]] += times
                self.histories[size - 1][text[end - size : end - 1]] += times

    def ends(self, word: str, *, times: float) -> None:
        """Count a word's end: something followed, nobody knows what."""
        for size in range(1, min(_ORDER - 1, len(word)) + 1):
            self.histories[size][word[-size:]] += times
            self.ended[word[-size:]] += times

    def left(self, history: str) -> float:
        """Return the share of a history's probability for which the shorter history speaks."""
        if not history:
            return 1.0
        more = _TOPPED_UP[len(history)]
        return (more + self.ended.get(history, 0.0)) / (more + self.histories[len(history)].get(history, 0.0))


def _counted() -> _Counts:
    counts = _Counts()
    for conversation in conversations():
        for turn in conversation.turns:
            counts.add(symbols(turn.text), times=1, first=1)
    words = Counter(dict.fromkeys(domain_words(), 1.0))
    with (files("jieba") / "dict.txt").open("rb") as lines:
        for line in lines:
            word, frequency = line.decode().split()[:2]
            times = _WORD_SHARE * float(frequency) ** _WORD_POWER
            if len(word) <= 4 and times >= _LEAST_WORD:
                words[word] += times
    for word, times in words.items():
        if symbols(word) == f"{BREAK}{word}{BREAK}":
            counts.add(word, times=times, first=0)
            counts.ends(word, times=_GOES_ON * times)
    return counts


def arrays() -> dict[str, npt.NDArray[np.generic]]:
    """Return the model as `nlp.spoken.SpokenChinese` takes it: logarithms, one row of n-grams for each history."""
    counts = _counted()
    characters = "".join(sorted({BREAK, LETTERS, NUMBER, *counts.grams[1]}))
    ids = {character: number for number, character in enumerate(characters)}
    twos = sorted(counts.grams[2], key=lambda gram: [ids[one] for one in gram])
    at = {pair: number for number, pair in enumerate(twos)}
    # A history that was only seen at the start of a text has no place of its own.
    threes = sorted((gram for gram in counts.grams[3] if gram[:2] in at), key=lambda gram: (at[gram[:2]], ids[gram[2]]))
    one_rows, two_rows = np.zeros(len(characters) + 1, np.uint16), np.zeros(len(twos), np.uint16)
    np.add.at(one_rows, [ids[gram[0]] for gram in twos], 1)
    np.add.at(two_rows, [at[gram[:2]] for gram in threes], 1)
    return {
        "characters": np.array(characters),
        "one": _logs(_probability(counts, one) for one in (*characters, "")),
        "one_left": _logs(counts.left(one) for one in (*characters, "")),
        "two_rows": one_rows,
        "two_ids": np.array([ids[gram[1]] for gram in twos], np.uint16),
        "two": _logs(_probability(counts, gram) for gram in twos),
        "two_left": _logs(counts.left(gram) for gram in twos),
        "three_rows": two_rows,
        "three_ids": np.array([ids[gram[2]] for gram in threes], np.uint16),
        "three": _logs(_probability(counts, gram) for gram in threes),
        **_readings(characters),
    }


def _logs(probabilities: Iterator[float]) -> npt.NDArray[np.float16]:
    return np.array([math.log(one) for one in probabilities], np.float16)


def _probability(counts: _Counts, gram: str) -> float:
    """Return P(last character | those before it); of an unknown character for an empty n-gram."""
    if len(gram) <= 1:
        known = len(counts.grams[1]) + 1
        return (counts.grams[1].get(gram, 0.0) + _UNSEEN) / (counts.histories[0][""] + _UNSEEN * known)
    history = gram[:-1]
    own = counts.grams[len(gram)].get(gram, 0.0) / (
        counts.histories[len(history)].get(history, 0.0) + _TOPPED_UP[len(history)]
    )
    return own + counts.left(history) * _probability(counts, gram[1:])


def _readings(characters: str) -> dict[str, npt.NDArray[np.generic]]:
    """Return the syllables, tones ignored, and for each character which of them it may be read as."""
    need_extra("pypinyin", wanted_for="Knowing how characters sound")
    from pypinyin import Style, pinyin  # only [train] has it

    own = {BREAK, LETTERS, NUMBER}
    read_as = [
        [] if one in own else sorted(set(pinyin(one, style=Style.NORMAL, heteronym=True)[0])) for one in characters
    ]
    sounds = sorted({sound for readings in read_as for sound in readings})
    at = {sound: number for number, sound in enumerate(sounds)}
    return {
        "sounds": np.array(" ".join(sounds)),
        "readings": np.array([at[sound] for readings in read_as for sound in readings], np.uint16),
        "reading_rows": np.array([len(readings) for readings in read_as], np.uint8),
    }


def main() -> None:
    """Make the file and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the file to write")
    out = parser.parse_args().out
    made = arrays()
    np.savez_compressed(out, allow_pickle=False, **made)
    print(f"{out}: {made['three'].size} trigrams, {made['two'].size} bigrams, {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
