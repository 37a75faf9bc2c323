"""Every kind of microphone by its address: `default`, `sound:NAME`, `array:PROFILE@NAME`, `file:PATH`, …

An address says what opens it before the first colon and which one after it. A kind of its own is a row in `_KINDS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from hardware.audio import AudioSource
from hardware.signals import OnSignal
from models.errors import AudioError


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneInfo:
    """A microphone that is there now."""

    address: str
    """As `open_microphone` takes it."""
    name: str
    """As people know it; empty for the default."""
    kind: str
    """default, sound_card, bluetooth_headset, or a kind of a scheme of its own."""
    channels: int
    """0 where it is not known."""
    encrypted: bool = True
    """False for a radio link that anybody near can listen to."""
    battery_percent: int | None = None
    geometry_confirmed: bool = True
    """False for an array whose microphones may be elsewhere than its profile says."""


Open = Callable[[str, OnSignal], AudioSource]
"""Gives a source, not yet opened, from what stands behind the scheme."""

List = Callable[[], Iterator[MicrophoneInfo]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a scheme can do; libraries are imported inside, so that none is needed that is not used."""

    open: Open
    list: List


def list_microphones(*, on_error: Callable[[AudioError], None]) -> list[MicrophoneInfo]:
    """Return every microphone that can be found now, of every kind.

    Args:
        on_error: is told of a kind that cannot be looked for (portaudio_missing, …); others are listed all the same.
    """
    found: list[MicrophoneInfo] = []
    for kind in _KINDS.values():
        try:
            found += kind.list()
        except AudioError as error:
            on_error(error)
    return found


def open_microphone(address: str, *, on_signal: OnSignal = lambda signal: None) -> AudioSource:
    """Return the microphone of an address; its `frames` opens it.

    Args:
        address: as above; one without a scheme that is known is the name of a sound card.
        on_signal: is told what the microphone says besides sound.

    Raises:
        AudioError: microphone_address, the address cannot be one.
    """
    scheme, colon, rest = address.partition(":")
    kind = _KINDS.get(scheme)
    if kind is None:
        return _KINDS["sound"].open(address, on_signal)
    if bool(colon) != bool(rest):
        raise AudioError(
            f"{address!r} names no microphone",
            code="microphone_address",
            advice="`voicetrail-edge devices` lists the addresses of what is there.",
        )
    return kind.open(rest, on_signal)


def _open_sound(name: str, _on_signal: OnSignal) -> AudioSource:
    from hardware.sound_card import SoundCardSource

    return SoundCardSource(name or None)


def _list_sound() -> Iterator[MicrophoneInfo]:
    from hardware.sound_card_listing import sound_cards

    cards = sound_cards()
    if cards:
        yield MicrophoneInfo(address="default", name="", kind="default", channels=1)
    for card in cards:
        kind = "bluetooth_headset" if card.bluetooth else "sound_card"
        yield MicrophoneInfo(address=f"sound:{card.device}", name=card.name, kind=kind, channels=card.channels)


def _open_array(wanted: str, on_signal: OnSignal) -> AudioSource:
    from hardware.array_card import array_source

    return array_source(wanted, on_signal=on_signal)


def _list_arrays() -> Iterator[MicrophoneInfo]:
    from hardware.array_card import array_cards

    for card in array_cards():
        yield MicrophoneInfo(
            address=f"array:{card.profile_name}@{card.device}",
            name=card.profile.title,
            kind="microphone_array",
            channels=card.profile.channels,
            geometry_confirmed=card.profile.confirmed,
        )


def _open_omi(address: str, on_signal: OnSignal) -> AudioSource:
    from hardware.ble_omi import OmiSource  # bleak loads the system's Bluetooth libraries

    return OmiSource(address, on_signal=on_signal)


def _open_atvv(address: str, on_signal: OnSignal) -> AudioSource:
    from hardware.ble_atvv import AtvvSource  # bleak loads the system's Bluetooth libraries

    return AtvvSource(address, on_signal=on_signal)


def _list_near() -> Iterator[MicrophoneInfo]:
    from hardware.ble_scan import near_microphones  # bleak loads the system's Bluetooth libraries

    try:
        yield from near_microphones()
    except AudioError as error:
        # Without Bluetooth none is near; the other kinds are still to be listed.
        if error.code != "bluetooth_unavailable":
            raise


def _open_file(path: str, _on_signal: OnSignal) -> AudioSource:
    from hardware.media_file import MediaFileSource, Pace  # PyAV takes a while

    return MediaFileSource(path, pace=Pace.REAL)


def _open_network(_rest: str, on_signal: OnSignal) -> AudioSource:
    from hardware.network_door import DOOR
    from hardware.network_microphone import NetworkMicrophone  # PyAV takes a while

    return NetworkMicrophone(door=DOOR, on_signal=on_signal)


def _none() -> Iterator[MicrophoneInfo]:
    yield from ()


_KINDS: Final = {
    "default": _Kind(_open_sound, _none),
    "sound": _Kind(_open_sound, _list_sound),
    "array": _Kind(_open_array, _list_arrays),
    "omi": _Kind(_open_omi, _list_near),
    # Found by the scan for Omi.
    "atvv": _Kind(_open_atvv, _none),
    "file": _Kind(_open_file, _none),
    "network": _Kind(_open_network, _none),
}
