"""The recogniser's time stamps held against the detector's: which stretch of speech each piece of text belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class Timed(Protocol):
    """A stretch of time."""

    @property
    def start_ms(self) -> int:
        """Where it starts."""

    @property
    def end_ms(self) -> int:
        """Where it ends."""


@dataclass(frozen=True, slots=True)
class Said:
    """Speech with the pieces of text that were spoken in it."""

    start_ms: int
    end_ms: int
    pieces: tuple[int, ...]
    """Indices of the pieces, in order; at least one."""


def align(pieces: Sequence[Timed], speech: Sequence[Timed]) -> list[Said]:
    """Cut recognised text back to the stretches of speech it was spoken in.

    A piece goes to the stretch that it overlaps most, or to the nearest when it overlaps none. When it covers most of
    several stretches, these become one. Each piece is given once; a stretch without text gives nothing.

    Args:
        pieces: the times of the pieces of text, in order, in the same milliseconds as `speech`.
        speech: stretches of speech in order, apart from each other; at least one if there are pieces.
    """
    homes = [_homes(piece, speech) for piece in pieces]
    joined_to_next = {at for home in homes for at in home[:-1]}
    group_of: list[int] = []
    for at in range(len(speech)):
        group_of.append(group_of[-1] if at - 1 in joined_to_next else at)
    members: dict[int, list[int]] = {}
    for piece, home in enumerate(homes):
        members.setdefault(group_of[home.start], []).append(piece)
    ends_ms = {group: stretch.end_ms for group, stretch in zip(group_of, speech, strict=True)}
    return [
        Said(start_ms=speech[group].start_ms, end_ms=ends_ms[group], pieces=tuple(numbers))
        for group, numbers in sorted(members.items())
    ]


def _homes(piece: Timed, speech: Sequence[Timed]) -> range:
    """Give the neighbouring stretches that a piece belongs to: those it covers most of, else the one it fits best."""
    mostly = [at for at, part in enumerate(speech) if 2 * _overlap_ms(piece, part) > part.end_ms - part.start_ms]
    if mostly:
        return range(mostly[0], mostly[-1] + 1)
    best = max(range(len(speech)), key=lambda at: (_overlap_ms(piece, speech[at]), -_distance_ms(piece, speech[at])))
    return range(best, best + 1)


def _overlap_ms(piece: Timed, stretch: Timed) -> int:
    return max(0, min(piece.end_ms, stretch.end_ms) - max(piece.start_ms, stretch.start_ms))


def _distance_ms(piece: Timed, stretch: Timed) -> int:
    return max(0, stretch.start_ms - piece.end_ms, piece.start_ms - stretch.end_ms)


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
