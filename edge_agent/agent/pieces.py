"""Parts of frames and gaps, and the same in another time."""

from dataclasses import replace

from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap


def within(item: AudioFrame | AudioGap, *, from_ms: int, until_ms: int | None) -> AudioFrame | AudioGap | None:
    """Return the part of an item in a stretch of time; None when there is none."""
    start_ms = max(item.start_ms, from_ms)
    end_ms = item.end_ms if until_ms is None else min(item.end_ms, until_ms)
    if end_ms <= start_ms:
        return None
    if isinstance(item, AudioGap):
        return replace(item, start_ms=start_ms, end_ms=end_ms)
    first = (start_ms - item.start_ms) * SAMPLES_PER_MS
    samples = item.samples[first : first + (end_ms - start_ms) * SAMPLES_PER_MS]
    return replace(item, start_ms=start_ms, samples=samples)


def moved(item: AudioFrame | AudioGap, *, by_ms: int) -> AudioFrame | AudioGap:
    """Return an item in a time that began elsewhere."""
    if isinstance(item, AudioGap):
        return replace(item, start_ms=item.start_ms + by_ms, end_ms=item.end_ms + by_ms)
    return replace(item, start_ms=item.start_ms + by_ms)
