"""Text that remembers which characters of its source each of its characters came from."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aligned:
    """A text derived from a source text by replacing and dropping stretches.

    `offsets` never decreases, so a span found here can always be shown in the source.
    """

    text: str
    offsets: tuple[int, ...]
    """For each character of `text`, the index in the source of the first character it stands for."""
    ends: tuple[int, ...]
    """For each character of `text`, the index in the source after the last character it stands for."""

    @classmethod
    def of(cls, source: str) -> "Aligned":
        """The source itself, each character standing for itself."""
        return cls(source, tuple(range(len(source))), tuple(range(1, len(source) + 1)))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters [start, end) of `text` stand in the source, as (start, end).

        An empty span is empty in the source too. Raises IndexError when the span is not within the text.
        """
        if not 0 <= start <= end <= len(self.text):
            raise IndexError(f"[{start}, {end}) is outside a text of {len(self.text)} characters")
        if start == end:
            at = self.offsets[start] if start < len(self.text) else (self.ends[-1] if self.ends else 0)
            return at, at
        return self.offsets[start], self.ends[end - 1]

    def substitute(self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> "Aligned":
        """This text with each match of `pattern` replaced; matches replaced by themselves keep their alignment.

        A replacement as long as its match is taken to stand character for character; any other one stands as a
        whole for the whole match.
        """
        text: list[str] = []
        offsets: list[int] = []
        ends: list[int] = []
        done = 0
        for match in pattern.finditer(self.text):
            new = replacement(match)
            start, end = match.span()
            if start == end or new == match[0]:
                continue
            text += (self.text[done:start], new)
            offsets += self.offsets[done:start]
            ends += self.ends[done:start]
            if len(new) == end - start:
                offsets += self.offsets[start:end]
                ends += self.ends[start:end]
            else:
                offsets += [self.offsets[start]] * len(new)
                ends += [self.ends[end - 1]] * len(new)
            done = end
        if not text:
            return self
        text.append(self.text[done:])
        offsets += self.offsets[done:]
        ends += self.ends[done:]
        return Aligned("".join(text), tuple(offsets), tuple(ends))

    def replaced(self, text: str) -> "Aligned":
        """The same alignment under a text of the same length, character for character."""
        if len(text) != len(self.text):
            raise ValueError(f"{len(text)} characters cannot stand for {len(self.text)} one by one")
        return Aligned(text, self.offsets, self.ends)
