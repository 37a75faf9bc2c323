"""Lessons as arrays: drawn by their shares, made noisy, cut into tokens, and put together by length."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from models.labels import Role
from nlp.framing import Said, framed
from nlp.noise import homophone_noise
from nlp.training.encoder.lessons import Lesson, Source

_POOL: Final = 1500
"""So many lessons are drawn at once and put together by length."""
_NOISY: Final = 0.5
"""Share of the presentations that are misheard, up to _MOST_NOISE of their characters, and lose their punctuation."""
_MOST_NOISE: Final = 0.2
_ROLE_HIDDEN: Final = 0.15
_CONTEXT_HIDDEN: Final = 0.2
PAD: Final = 1


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of batches; each is compiled once, in some seconds."""

    tokens: int = 1024
    """Of one batch, padding included; each batch has at least two rows."""
    lengths: tuple[int, ...] = (16, 24, 32, 48, 64, 96)
    """Tokens to which texts are padded; longer ones are cut."""

    def padded(self, count: int) -> int:
        """The length to which so many tokens are padded or cut."""
        return next((length for length in self.lengths if count <= length), self.lengths[-1])


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lessons of about one length.

    Attributes:
        ids, mask, own: rows x tokens; 1 in mask for tokens, in own for those of the turn itself.
        answers, weights: rows x questions; a weight of 0 leaves a question open.
        fine: per row the fine intent, -1 for none.
    """

    ids: NDArray[np.int32]
    mask: NDArray[np.float32]
    own: NDArray[np.float32]
    answers: NDArray[np.float32]
    weights: NDArray[np.float32]
    fine: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Labels:
    """The order of the columns."""

    questions: tuple[str, ...]
    fine: tuple[str, ...]


def drawn(sources: Sequence[Source], *, count: int, seed: int) -> Iterator[Lesson]:
    """Yield `count` lessons: each set in its share, each of its lessons once before any comes again."""
    chance = random.Random(seed)
    decks: list[list[Lesson]] = [[] for _ in sources]
    shares = [source.share for source in sources]
    for at in chance.choices(range(len(sources)), shares, k=count):
        if not decks[at]:
            decks[at] = list(sources[at].lessons)
            chance.shuffle(decks[at])
        yield disturbed(decks[at].pop(), chance)


def disturbed(lesson: Lesson, chance: random.Random) -> Lesson:
    """The lesson as a recogniser may give it: homophones, no punctuation, an unknown speaker, nothing before."""
    said, before = lesson.said, lesson.before
    if chance.random() < _NOISY:
        share, seed = chance.random() * _MOST_NOISE, chance.randrange(1 << 30)
        said, *rest = (_misheard(one, share, seed) for one in (said, *before))
        before = tuple(rest)
    if chance.random() < _ROLE_HIDDEN:
        said, *rest = (replace(one, role=Role.UNKNOWN) for one in (said, *before))
        before = tuple(rest)
    return replace(lesson, said=said, before=() if chance.random() < _CONTEXT_HIDDEN else before)


def _misheard(said: Said, share: float, seed: int) -> Said:
    return replace(said, text=homophone_noise(said.text, share=share, seed=seed))


def batches(lessons: Iterator[Lesson], tokeniser: Tokenizer, labels: Labels, *, shapes: Shapes) -> Iterator[Batch]:
    """Yield batches, in an order that is no order of length.

    Args:
        lessons: in the order of learning.
        tokeniser: without padding.
        labels: the columns.
        shapes: of the batches.
    """
    while pool := list(islice(lessons, _POOL)):
        groups = by_length(pool, tokeniser, shapes=shapes)
        random.Random(len(groups)).shuffle(groups)
        yield from (group.batch(labels) for group in groups)


@dataclass(frozen=True, slots=True)
class Group:
    """Lessons of about one length: rows x length is the shape of their batch."""

    lessons: tuple[Lesson, ...]
    read: tuple[Encoding, ...]
    rows: int
    length: int

    def batch(self, labels: Labels) -> Batch:
        """As arrays. Missing lessons are rows that count nothing: every batch of a length has one shape."""
        ids = np.full((self.rows, self.length), PAD, np.int32)
        mask, own = (np.zeros((self.rows, self.length), np.float32) for _ in range(2))
        answers, weights = (np.zeros((self.rows, len(labels.questions)), np.float32) for _ in range(2))
        fine = np.full(self.rows, -1, np.int32)
        for row, (lesson, read) in enumerate(zip(self.lessons, self.read, strict=True)):
            cut = min(len(read.ids), self.length)
            ids[row, :cut], mask[row, :cut] = read.ids[:cut], 1
            own[row, :cut] = 1 - np.array(read.type_ids[:cut], np.float32)
            for question, (answer, weight) in lesson.answers.items():
                at = labels.questions.index(question)
                answers[row, at], weights[row, at] = answer, weight
            if lesson.fine is not None:
                fine[row] = labels.fine.index(lesson.fine)
        mask[len(self.lessons) :, 0] = 1  # softmax over nothing is no number
        return Batch(ids, mask, own, answers, weights, fine)


def by_length(lessons: Sequence[Lesson], tokeniser: Tokenizer, *, shapes: Shapes) -> list[Group]:
    """All lessons in groups of one of the lengths, from the shortest to the longest."""
    read = [(lesson, tokeniser.encode(*framed(lesson.said, lesson.before))) for lesson in lessons]
    groups = []
    for length in shapes.lengths:
        some = [one for one in read if shapes.padded(len(one[1].ids)) == length]
        rows = max(2, shapes.tokens // length)
        for start in range(0, len(some), rows):
            part = some[start : start + rows]
            groups.append(Group(tuple(one for one, _ in part), tuple(one for _, one in part), rows, length))
    return groups
