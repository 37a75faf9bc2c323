"""What a tap holds back behind a loss of the link, while the microphone may have kept the sound. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from edge_agent.agent.pieces import within
from hardware.audio import AudioFrame, AudioGap, GapReason, Samples

CATCH_UP_MS: Final = 120_000
"""How long live sound waits, once the link is back, for what was kept: 120 s are 7.7 MB."""
_AWAY_MS: Final = 1_800_000
"""A link that is away for half an hour is not waited for."""
_EARLY_MS: Final = 4_000
_LATE_MS: Final = 1_000
"""A stretch continues what is there if it is stamped at most so much earlier or later than that ends.

Wearables are set to whole seconds and stamp in whole seconds, so sound is stamped up to 2 s early; the first second of
a loss is not waited for, and stretches that follow each other are rounded each for itself.
"""
_ROUNDED_MS: Final = 500
"""Stretches come the oldest first; one that is stamped no later than the one before, but for rounding, is the same."""
LAID_EARLY_MS: Final = 3_000
"""How much earlier than it was heard sound can be laid: stamped 2 s early, and continued 1 s early."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of a stretch."""

    items: tuple[AudioFrame | AudioGap, ...]
    """What need not be held any longer: the stretch, and what lies before its end."""
    end_ms: int


class Held:
    """Frames and gaps that tile the time from a start on; gaps of the link can still be filled."""

    def __init__(self, *, start_ms: int) -> None:
        """Hold from a moment on, milliseconds since the tap began."""
        self._began_ms = start_ms
        self._start_ms = start_ms
        self._back_ms: int | None = None
        self._latest_ms: int | None = None
        self._items: list[AudioFrame | AudioGap] = []

    def add(self, item: AudioFrame | AudioGap) -> None:
        """Hold what follows."""
        last = self._items[-1] if self._items else None
        if isinstance(last, AudioGap) and isinstance(item, AudioGap) and last.reason == item.reason:
            self._items[-1] = replace(last, end_ms=item.end_ms)
        else:
            self._items.append(item)

    def link_is_back(self, *, now_ms: int) -> None:
        """Sound comes again; the first such moment counts."""
        self._back_ms = now_ms if self._back_ms is None else self._back_ms

    def has_waited_enough(self, *, now_ms: int) -> bool:
        """Say whether what was kept would come too late."""
        if self._back_ms is not None and now_ms - self._back_ms > CATCH_UP_MS:
            return True
        return now_ms - self._began_ms > _AWAY_MS

    def lay(self, samples: Samples, *, stamped_ms: int, until_ms: int | None) -> Laid | None:
        """Fill gaps of the link with a stretch; None when nothing of it falls into one.

        Sound from before the tap began is never laid: a stretch is moved to a later time only where the seconds
        before the loss are the tap's own.

        Args:
            samples: of the stretch.
            stamped_ms: when it began, by the stamp, milliseconds since the tap began.
            until_ms: nothing is laid behind this.
        """
        if self._latest_ms is not None and stamped_ms < self._latest_ms + _ROUNDED_MS:
            return None
        ahead_ms = stamped_ms - self._start_ms
        follows = 0 <= ahead_ms <= _LATE_MS or (-_EARLY_MS <= ahead_ms < 0 and self._start_ms >= _EARLY_MS)
        start_ms = self._start_ms if follows else stamped_ms
        sound = within(AudioFrame(start_ms, samples), from_ms=self._start_ms, until_ms=until_ms)
        if sound is None:
            return None
        filled = [piece for item in self._items for piece in _filled(item, sound)]
        if len(filled) == len(self._items) and all(a is b for a, b in zip(filled, self._items, strict=True)):
            return None
        self._latest_ms = stamped_ms
        early = [within(item, from_ms=self._start_ms, until_ms=sound.end_ms) for item in filled]
        late = [within(item, from_ms=sound.end_ms, until_ms=None) for item in filled]
        self._items = [item for item in late if item is not None]
        let_go = tuple(item for item in early if item is not None)
        self._start_ms = let_go[-1].end_ms
        return Laid(items=let_go, end_ms=self._start_ms)

    def let_go(self) -> tuple[AudioFrame | AudioGap, ...]:
        """Return all that is held, as it is."""
        return tuple(self._items)


def _filled(item: AudioFrame | AudioGap, sound: AudioFrame | AudioGap) -> list[AudioFrame | AudioGap]:
    """Return an item with the sound in it, if it is a gap of the link."""
    heard = within(sound, from_ms=item.start_ms, until_ms=item.end_ms)
    if heard is None or not isinstance(item, AudioGap) or item.reason != GapReason.LINK_LOST:
        return [item]
    before = within(item, from_ms=item.start_ms, until_ms=heard.start_ms)
    after = within(item, from_ms=heard.end_ms, until_ms=None)
    return [piece for piece in (before, heard, after) if piece is not None]
