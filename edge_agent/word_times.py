"""When each word was spoken, by the attention of the model that wrote it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import ctranslate2
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

LONGEST_WORD_MS = 350
"""The time between two words counts to the later one, pauses and all; a character takes 130–300 ms."""

_MARKS = re.compile(r"[\s\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, in Chinese mostly a character, with the marks behind it."""

    start_ms: int
    """Milliseconds since the start of the clip."""
    end_ms: int
    text: str
    probability: float = 1.0
    """The model's own, given the words before it."""

    def later(self, by_ms: int) -> Self:
        """Return the same word in the time of a longer recording."""
        return replace(self, start_ms=self.start_ms + by_ms, end_ms=self.end_ms + by_ms)


def timed_words(
    whisper: WhisperModel,
    tokenizer: Tokenizer,
    encoded: ctranslate2.StorageView,
    texts: Sequence[Sequence[int]],
    *,
    frames: int,
    at_ms: int,
) -> list[tuple[Word, ...]]:
    """Return the words of each text, together as long as the texts are.

    Dynamic time warping over the attention heads that follow the sound (Whisper's own word time stamps), for all texts
    of a clip at once; it costs 6 % of their recognition.

    Args:
        whisper: the model that wrote the texts.
        tokenizer: of their language.
        encoded: the clip as the model encoded it.
        texts: tokens of each text without time stamps, in order, together what was decoded from the clip.
        frames: of 10 ms in the clip, without padding.
        at_ms: where the clip starts.
    """
    tokens = [token for text in texts for token in text]
    aligned = iter(whisper.find_alignment(tokenizer, [tokens], encoded, frames)[0]) if tokens else iter(())
    found = []
    for text in texts:
        left, words = len(text), []
        while left > 0 and (spoken := next(aligned, None)) is not None:
            left -= len(spoken["tokens"])
            end_ms = at_ms + round(1000 * spoken["end"])
            start_ms = max(at_ms + round(1000 * spoken["start"]), end_ms - LONGEST_WORD_MS)
            words.append(
                Word(start_ms=start_ms, end_ms=end_ms, text=spoken["word"], probability=float(spoken["probability"]))
            )
        found.append(tuple(with_marks(words)))
    return found


def with_marks(words: Sequence[Word]) -> Iterator[Word]:
    """Give the words with marks put to the word before them, or after them at the beginning; none is lost."""
    kept: Word | None = None
    for word in words:
        if kept is None:
            kept = word
        elif _MARKS.fullmatch(word.text):
            kept = replace(kept, text=kept.text + word.text)
        elif _MARKS.fullmatch(kept.text):
            kept = replace(word, text=kept.text + word.text)
        else:
            yield kept
            kept = word
    if kept is not None:
        yield kept
