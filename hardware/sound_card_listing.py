"""The microphones that the operating system knows, as they are now."""

from dataclasses import dataclass

from hardware import sound_server
from hardware.sound_card_pipe import listed
from hardware.sound_card_process import LISTS
from models.errors import AudioError

# What PortAudio calls the sound server: as a microphone it is the default, and its sources are listed by themselves.
SOUND_SERVER_ALIASES = frozenset({"default", "pulse", "pipewire", "sysdefault"})


@dataclass(frozen=True, slots=True)
class SoundCard:
    """An input of the operating system."""

    device: str
    """As RawCapture takes it."""
    name: str
    """As people know it."""
    channels: int
    bluetooth: bool


def sound_cards() -> list[SoundCard]:
    """Return every input: first what PortAudio reaches by itself, then the sound server's sources.

    An array is better taken from the first: the sound server may mix its channels anew.

    Raises:
        AudioError: portaudio_missing, or microphone_not_opened where PortAudio does not answer.
    """
    direct = [card for card in portaudio_inputs() if card.device not in SOUND_SERVER_ALIASES]
    return [*direct, *sound_server_inputs()]


def sound_server_inputs() -> list[SoundCard]:
    """Return the sound server's sources, without those that give what a loudspeaker plays; none where it is not."""
    try:
        return [
            SoundCard(source.name, source.description, len(source.channel_map), source.is_bluetooth)
            for source in sound_server.sources()
            if not source.is_monitor
        ]
    except sound_server.SoundServerError:
        return []


def portaudio_inputs() -> list[SoundCard]:
    """Return what PortAudio knows as inputs, in a list that was made now.

    Raises:
        AudioError: as `sound_cards`.
    """
    try:
        answer = listed(LISTS)
    except TimeoutError as error:
        advice = "The sound server hangs: restart it (systemctl --user restart pipewire pulseaudio)."
        raise AudioError(str(error), code="microphone_not_opened", permanent=False, advice=advice) from error
    except OSError as error:
        advice = "Check ALSA's configuration with `arecord -L`."
        raise AudioError(str(error), code="microphone_not_opened", permanent=False, advice=advice) from error
    if answer["error"]:
        raise AudioError(
            f"PortAudio does not load: {answer['error']}",
            code="portaudio_missing",
            advice="Install PortAudio (Debian and Ubuntu: apt install libportaudio2) and voicetrail[edge].",
        )
    return [SoundCard(item["name"], item["name"], item["channels"], False) for item in answer["inputs"]]
