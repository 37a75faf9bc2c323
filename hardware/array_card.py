"""Microphone arrays among the operating system's sound cards: found by their names, opened with all their channels."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from hardware.array_profile import ArrayProfile, find_profile, known_profiles
from hardware.array_source import ArraySource
from hardware.audio import AudioGap
from hardware.signals import OnSignal
from hardware.sound_card_capture import RawBlock, RawCapture
from hardware.sound_card_listing import SoundCard, sound_cards
from models.errors import AudioError


@dataclass(frozen=True, slots=True)
class ArrayCard:
    """A sound card that is a known array with all its channels."""

    profile_name: str
    profile: ArrayProfile
    device: str
    """As RawCapture takes it."""


def array_cards() -> list[ArrayCard]:
    """Return every known array that is there now and gives all its channels.

    Raises:
        AudioError: as `sound_cards`.
    """
    return [
        ArrayCard(name, profile, card.device)
        for card in sound_cards()
        for name, profile in known_profiles().items()
        if _is(profile, card) and card.channels >= profile.channels
    ]


def array_source(wanted: str, *, on_signal: OnSignal = lambda signal: None) -> ArraySource:
    """Return the array of an address; its `frames` opens it.

    Args:
        wanted: PROFILE or PROFILE@DEVICE: a known array or a TOML file, and the device as RawCapture takes it; without
            one, the first that the profile recognises.
        on_signal: as ArraySource takes it.

    Raises:
        AudioError: array_profile_unknown, array_profile_bad.
    """
    profile_name, _, device = wanted.partition("@")
    profile = find_profile(profile_name)
    return ArraySource(_Card(profile, device or None), profile, name=device or None, on_signal=on_signal)


class _Card:
    """The capture of an array whose device may only be looked for when it is needed."""

    def __init__(self, profile: ArrayProfile, device: str | None) -> None:
        self._profile = profile
        self._device = device
        self._capture: RawCapture | None = None
        self._closed = False
        self._changing = threading.Lock()

    def blocks(self) -> Iterator[RawBlock | AudioGap]:
        """Give audio from now until `close`; once.

        Raises:
            AudioError: array_not_found; as RawCapture.
        """
        device = self._device or self._found()
        capture = RawCapture(device, channels=self._profile.channels, rate_hz=self._profile.rate_hz)
        with self._changing:
            if self._closed:
                return
            self._capture = capture
        yield from capture.blocks()

    def close(self) -> None:
        """End `blocks`."""
        with self._changing:
            self._closed = True
            capture = self._capture
        if capture is not None:
            capture.close()

    def _found(self) -> str:
        for card in sound_cards():
            if _is(self._profile, card):
                return card.device
        raise AudioError(
            f"there is no {self._profile.title}",
            code="array_not_found",
            permanent=False,
            advice="Plug it in, or name its device: `voicetrail-edge devices` lists all.",
        )


def _is(profile: ArrayProfile, card: SoundCard) -> bool:
    return profile.matches(card.name) or profile.matches(card.device)
