"""What a wireless microphone's wire gives besides audio: the count of frames that are missing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LostFrames:
    """So many frames are missing between what came before and what comes next."""

    count: int
