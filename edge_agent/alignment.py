"""The recogniser's time stamps held against the detector's: when what was said was said, and what was passed over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Protocol, Self


class Timed(Protocol):
    """A stretch of time."""

    @property
    def start_ms(self) -> int:
        """Where it starts."""

    @property
    def end_ms(self) -> int:
        """Where it ends."""


class Spoken(Timed, Protocol):
    """A word with its time."""

    @property
    def text(self) -> str:
        """The word with the marks behind it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one text."""

    of: int
    """Index of the text."""
    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that one person is taken to have spoken: between pauses, marks and the recogniser's own time stamps."""

    start_ms: int
    end_ms: int
    stretch: int
    """Index of the stretch of speech that it lies in."""
    pieces: tuple[Piece, ...]
    """In order; at least one."""

    @property
    def text(self) -> str:
        """All its words."""
        return "".join(piece.text for piece in self.pieces)

    def joined(self, other: "Phrase") -> Self:
        """Return this phrase and the next one of the same stretch as one."""
        first, *rest = other.pieces
        last = self.pieces[-1]
        if last.of == first.of:
            pieces = (*self.pieces[:-1], replace(last, text=last.text + first.text), *rest)
        else:
            pieces = (*self.pieces, *other.pieces)
        return replace(self, end_ms=other.end_ms, pieces=pieces)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word of a text in its stretch of speech."""

    word: Spoken
    of: int
    stretch: int

    @property
    def ends_a_phrase(self) -> bool:
        return self.word.text.rstrip()[-1:] in _MARKS


_MARKS = tuple(",.?!;:，。？！；：、…")


def phrases(texts: Sequence[Sequence[Spoken]], speech: Sequence[Timed]) -> list[Phrase]:
    """Cut recognised texts to phrases: a speaker may change in every pause, and at every mark.

    The recogniser reads over speakers that follow each other closely, and gives one time stamp to both. A word goes to
    the stretch of speech that its middle lies in, or the nearest, and never before the stretch of the word before it.

    Args:
        texts: the words of each text, in order.
        speech: stretches of speech in order, apart from each other, in the same milliseconds; at least one if there
            are words.
    """
    found: list[Phrase] = []
    placed = _placed(texts, speech)
    for stretch, inside in groupby(placed, key=lambda one: one.stretch):
        found += _cut(list(inside), start_ms=speech[stretch].start_ms, end_ms=speech[stretch].end_ms)
    return found


def _placed(texts: Sequence[Sequence[Spoken]], speech: Sequence[Timed]) -> Iterator[_Placed]:
    stretch = 0
    for of, words in enumerate(texts):
        for word in words:
            middle_ms = (word.start_ms + word.end_ms) / 2
            nearest = min(range(len(speech)), key=lambda at: _distance_ms(middle_ms, speech[at]))
            stretch = max(stretch, nearest)
            yield _Placed(word=word, of=of, stretch=stretch)


def _distance_ms(time_ms: float, stretch: Timed) -> float:
    return max(0.0, stretch.start_ms - time_ms, time_ms - stretch.end_ms)


def _cut(words: Sequence[_Placed], *, start_ms: int, end_ms: int) -> Iterator[Phrase]:
    """Cut one stretch between words, in the middle of what lies between them."""
    begun: list[_Placed] = []
    since_ms = start_ms
    for one, later in pairwise(words):
        begun.append(one)
        if one.of != later.of or (one.ends_a_phrase and not _is_decimal_point(one.word.text, later.word.text)):
            cut_ms = round((one.word.end_ms + max(one.word.end_ms, later.word.start_ms)) / 2)
            # Words stamped outside their stretch leave no room for a phrase of their own.
            if since_ms < cut_ms < end_ms:
                yield _phrase(begun, start_ms=since_ms, end_ms=cut_ms)
                begun, since_ms = [], cut_ms
    yield _phrase([*begun, words[-1]], start_ms=since_ms, end_ms=end_ms)


def _is_decimal_point(before: str, after: str) -> bool:
    """Tell 1.55 from a sentence that ends with a number."""
    return before.rstrip()[-2:-1].isdigit() and before.endswith(".") and after[:1].isdigit()


def _phrase(words: Sequence[_Placed], *, start_ms: int, end_ms: int) -> Phrase:
    pieces = tuple(
        Piece(of=of, text="".join(one.word.text for one in same)) for of, same in groupby(words, key=lambda one: one.of)
    )
    return Phrase(start_ms=start_ms, end_ms=end_ms, stretch=words[0].stretch, pieces=pieces)


@dataclass(frozen=True, slots=True)
class Unread:
    """A stretch in which people spoke and the recogniser wrote nothing."""

    start_ms: int
    end_ms: int


def unread(pieces: Sequence[Timed], speech: Sequence[Timed], *, shortest_ms: int) -> list[Unread]:
    """Find what the recogniser passed over: speech before, between and after the pieces of text.

    Args:
        pieces: the times of the pieces of text, in order.
        speech: stretches of speech in order, apart from each other, in the same milliseconds.
        shortest_ms: holes with less speech than this are imprecise time stamps, not lost sentences.
    """
    found = []
    for start_ms, end_ms in _holes(pieces, until_ms=speech[-1].end_ms if speech else 0):
        inside = [
            (max(part.start_ms, start_ms), min(part.end_ms, end_ms))
            for part in speech
            if part.start_ms < end_ms and part.end_ms > start_ms
        ]
        if sum(end - start for start, end in inside) >= shortest_ms:
            found.append(Unread(start_ms=inside[0][0], end_ms=inside[-1][1]))
    return found


def _holes(pieces: Sequence[Timed], *, until_ms: int) -> Iterator[tuple[int, int]]:
    read_until_ms = 0
    for piece in pieces:
        if piece.start_ms > read_until_ms:
            yield read_until_ms, piece.start_ms
        read_until_ms = max(read_until_ms, piece.end_ms)
    if until_ms > read_until_ms:
        yield read_until_ms, until_ms
