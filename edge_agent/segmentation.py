"""Probabilities of speech to stretches of speech, and neighbouring stretches to blocks: pure, time is the window count.

Cutting at every pause costs recognition 4 points of CER; merging neighbours gets them back and costs the least CPU. So
a block grows over short pauses until it is long enough, until the next stretch would not fit, or until a long pause.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

WINDOW_MS = 32
"""What the detector judges at once: one Silero window, 512 samples at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Where speech starts and stops, and how much of it is recognised at once."""

    speech_threshold: float = 0.5
    """Speech starts at this probability."""
    silence_threshold: float = 0.35
    """Speech goes on until the probability falls below this."""
    end_pause_ms: int = 256
    """A pause this long ends a stretch of speech; at least twice the padding. Speakers take turns after 270 ms: with
    416 ms every fourth utterance held two speakers, with 256 ms every eighth."""
    shortest_speech_ms: int = 160
    """A shorter stretch is a click, not a word."""
    padding_ms: int = 128
    """Kept before and after speech, since the detector is late at soft consonants."""
    enough_clip_ms: int = 26_000
    """A clip this long ends with its first pause: what was said around a word helps to read it. Of the conversations
    that this was chosen on, clips of 12, 22 and 26 s are read at 20.5, 18.8 and 18.4 % CER (docs/adr/0008)."""
    longest_clip_ms: int = 29_000
    """Speech and short pauses recognised at once; Whisper takes 30 s."""
    longest_pause_ms: int = 1_500
    """A longer pause ends the block: its text is wanted now, and silence invites inventions."""
    first_pause_ms: int = 128
    """After this pause a live block is worth a first text; at least the padding, so that it has all of the speech."""
    longest_silence_ms: int = 30_000
    """Silence is reported at least this often, so that progress shows."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A stretch of speech with its padding."""

    start_ms: int
    end_ms: int
    peak: float
    """The detector's highest probability in it."""


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A stretch of time and the speech in it; blocks follow each other without a hole."""

    start_ms: int
    end_ms: int
    speech: tuple[Speech, ...]
    """In order, apart from each other, inside the block; empty for silence."""


@dataclass(slots=True)
class _OpenSpeech:
    """Speech that has started and not ended."""

    start_ms: int
    """With padding."""
    voiced_from_ms: int
    voiced_until_ms: int
    levels: deque[float]
    """One for each window since `levels_from_ms`."""
    levels_from_ms: int
    peak: float = 0.0
    is_rest: bool = False
    """What remains after a cut; kept however short."""


class Segmenter:
    """Plans blocks window by window; it holds no more than one clip's worth of levels, however long people speak."""

    def __init__(self, *, settings: Segmentation, start_ms: int = 0) -> None:
        """Start at `start_ms`, the time of the first window."""
        self._settings = settings
        self._now_ms = start_ms
        self._block_start_ms = start_ms
        self._group: list[Speech] = []
        self._open: _OpenSpeech | None = None

    @property
    def keep_from_ms(self) -> int:
        """Audio before this time is never asked for again."""
        if self._group:
            return self._group[0].start_ms
        if self._open is not None:
            return self._open.start_ms
        return max(self._block_start_ms, self._now_ms - self._settings.padding_ms)

    def push(self, *, probability: float, level: float) -> list[PlannedBlock]:
        """Take one window; give the blocks that are complete now.

        Args:
            probability: of speech in the window.
            level: mean square of the window's samples; a long speech is cut where it is lowest.
        """
        if self._open is None and probability >= self._settings.speech_threshold:
            self._open = self._opened()
        self._now_ms += WINDOW_MS
        if self._open is not None:
            self._follow(self._open, probability=probability, level=level)
        return [*self._full_clips(), *self._over_pauses(), *self._over_silences()]

    def so_far(self) -> tuple[Speech, ...]:
        """Give the speech of the block that is not over yet, at a pause; nothing while somebody speaks."""
        if self._open is None:
            return tuple(self._group)
        if self._now_ms - self._open.voiced_until_ms < self._settings.first_pause_ms or not self._is_speech(self._open):
            return ()
        return (*self._group, self._ended(self._open))

    def finish(self, *, end_ms: int) -> list[PlannedBlock]:
        """Give the rest when the audio ends at `end_ms`, which may lie inside the last window."""
        self._now_ms = end_ms
        if self._open is not None:
            self._close(self._open)
        blocks = self._over_silences()
        if end_ms > self._block_start_ms:
            blocks.append(self._block(end_ms=end_ms))
        return blocks

    def _opened(self) -> _OpenSpeech:
        floor_ms = self._group[-1].end_ms if self._group else self._block_start_ms
        return _OpenSpeech(
            start_ms=max(floor_ms, self._now_ms - self._settings.padding_ms),
            voiced_from_ms=self._now_ms,
            voiced_until_ms=self._now_ms,
            levels=deque(),
            levels_from_ms=self._now_ms,
        )

    def _follow(self, speech: _OpenSpeech, *, probability: float, level: float) -> None:
        speech.levels.append(level)
        speech.peak = max(speech.peak, probability)
        in_pause = speech.voiced_until_ms < self._now_ms - WINDOW_MS
        if probability >= (self._settings.speech_threshold if in_pause else self._settings.silence_threshold):
            speech.voiced_until_ms = self._now_ms
        elif self._now_ms - speech.voiced_until_ms >= self._settings.end_pause_ms:
            self._close(speech)

    def _close(self, speech: _OpenSpeech) -> None:
        if self._is_speech(speech):
            self._group.append(self._ended(speech))
        self._open = None

    def _is_speech(self, speech: _OpenSpeech) -> bool:
        return speech.is_rest or speech.voiced_until_ms - speech.voiced_from_ms >= self._settings.shortest_speech_ms

    def _ended(self, speech: _OpenSpeech) -> Speech:
        end_ms = min(speech.voiced_until_ms + self._settings.padding_ms, self._now_ms)
        return Speech(start_ms=speech.start_ms, end_ms=end_ms, peak=speech.peak)

    def _full_clips(self) -> list[PlannedBlock]:
        """Blocks that must end because the open speech does not fit any more."""
        longest_ms = self._settings.longest_clip_ms
        blocks = []
        if self._open is not None and self._group and self._now_ms - self._group[0].start_ms > longest_ms:
            blocks.append(self._block(end_ms=self._group[-1].end_ms))
        if self._open is not None and self._now_ms - self._open.start_ms > longest_ms:
            cut_ms = _cut_at_quietest(self._open)
            self._group.append(Speech(start_ms=self._open.start_ms, end_ms=cut_ms, peak=self._open.peak))
            blocks.append(self._block(end_ms=cut_ms))
            self._open.start_ms = cut_ms
        return blocks

    def _over_pauses(self) -> list[PlannedBlock]:
        if self._open is None and self._group:
            end_ms = self._group[-1].end_ms
            is_enough = end_ms - self._group[0].start_ms >= self._settings.enough_clip_ms
            if is_enough or self._now_ms - end_ms > self._settings.longest_pause_ms:
                return [self._block(end_ms=end_ms)]
        return []

    def _over_silences(self) -> list[PlannedBlock]:
        blocks: list[PlannedBlock] = []
        if self._open is None and not self._group:
            reach_ms = self._settings.longest_silence_ms
            while self._now_ms - self._settings.padding_ms >= self._block_start_ms + reach_ms:
                blocks.append(self._block(end_ms=self._block_start_ms + reach_ms))
        return blocks

    def _block(self, *, end_ms: int) -> PlannedBlock:
        block = PlannedBlock(start_ms=self._block_start_ms, end_ms=end_ms, speech=tuple(self._group))
        self._block_start_ms = end_ms
        self._group = []
        return block


def _cut_at_quietest(speech: _OpenSpeech) -> int:
    """Give the start of the quietest window in the later half, over three windows (96 ms), and forget what is before.

    The cut lies before the last voiced window, so that speech remains on both sides.
    """
    levels = list(speech.levels)
    voiced = (speech.voiced_until_ms - speech.levels_from_ms) // WINDOW_MS
    quietest = min(range(len(levels) // 2, voiced), key=lambda at: sum(levels[at - 1 : at + 2]))
    for _ in range(quietest):
        speech.levels.popleft()
    speech.levels_from_ms += quietest * WINDOW_MS
    speech.is_rest = True
    return speech.levels_from_ms


def plan(
    windows: Iterable[tuple[float, float]], *, settings: Segmentation, start_ms: int, end_ms: int
) -> list[PlannedBlock]:
    """Plan the blocks of audio that is at hand as a whole.

    Args:
        windows: probability and level of each window.
        settings: where to cut.
        start_ms: time of the first window.
        end_ms: end of the audio.
    """
    segmenter = Segmenter(settings=settings, start_ms=start_ms)
    blocks = [block for probability, level in windows for block in segmenter.push(probability=probability, level=level)]
    return blocks + segmenter.finish(end_ms=end_ms)
