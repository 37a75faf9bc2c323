"""What a device needs to hear: what is missing of it, and how to get it."""

from collections.abc import Iterator

from edge_agent.doctor_check import Check
from hardware import sound_server
from hardware.bluetooth import check_service, radios
from hardware.sound_card_listing import SOUND_SERVER_ALIASES, SoundCard, portaudio_inputs, sound_server_inputs
from models.errors import AudioError


def hearing_checks() -> Iterator[Check]:
    """Look at everything between a voice and this program; nothing is recorded.

    All are warnings: a replay works without any of them.
    """
    try:
        inputs = portaudio_inputs()
    except AudioError as error:
        yield Check(
            name="sound", status="warning", detail=f"{error.message}; replay works without", advice=error.advice
        )
    else:
        yield Check(name="sound", status="ok", detail=f"PortAudio loads; inputs: {_names(inputs) or 'none'}")
        sources = sound_server_inputs()
        yield _microphones(inputs, sources)
        yield _sound_server(inputs, sources)
    yield _bluetooth()


def _names(cards: list[SoundCard]) -> str:
    return ", ".join(card.name for card in cards)


def _microphones(inputs: list[SoundCard], sources: list[SoundCard]) -> Check:
    cards = [*sources, *(card for card in inputs if card.device not in SOUND_SERVER_ALIASES)]
    if cards:
        return Check(name="microphones", status="ok", detail=_names(cards))
    return Check(
        name="microphones",
        status="warning",
        detail="none; replay works without one",
        advice="Plug one in or pair a headset; then `voicetrail-edge devices` lists it with its level.",
    )


def _sound_server(inputs: list[SoundCard], sources: list[SoundCard]) -> Check:
    try:
        sound_server.sources()
    except AudioError as error:
        return Check(
            name="sound_server",
            status="ok",
            detail=f"none is reached ({error.message}); sound cards are used directly, headsets are not",
            advice=error.advice,
        )
    if any(card.device in SOUND_SERVER_ALIASES for card in inputs):
        return Check(name="sound_server", status="ok", detail=f"it has {len(sources)} microphones")
    return Check(
        name="sound_server",
        status="warning",
        detail="it runs, and PortAudio does not reach it: its headsets cannot be heard",
        advice="Install ALSA's plug-in for it (Debian and Ubuntu: apt install libasound2-plugins).",
    )


def _bluetooth() -> Check:
    try:
        check_service()
    except AudioError as error:
        return Check(
            name="bluetooth",
            status="warning",
            detail=f"{error.message}; wearables and headsets need it",
            advice=error.advice,
        )
    found = radios()
    if found:
        return Check(name="bluetooth", status="ok", detail=", ".join(found))
    return Check(
        name="bluetooth",
        status="warning",
        detail="the service runs, and there is no radio",
        advice="Plug in a USB adapter for Bluetooth 5, or lift the block: rfkill unblock bluetooth.",
    )
