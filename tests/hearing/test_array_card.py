"""An array is found among the sound cards, and what it hears says where it came from. Needs PulseAudio; no array."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hardware.array_card import array_cards, array_source
from hardware.array_geometry import AZIMUTHS_DEG
from hardware.array_profile import find_profile
from hardware.array_source import ArraySource
from hardware.audio import AudioFrame
from hardware.microphones import list_microphones, open_microphone
from models.errors import AudioError
from support.plane_waves import as_device, plane_wave, speech_like
from support.virtual_microphone import Jack, VirtualMicrophone, virtual_microphone

FROM_DEG = 145.0


@pytest.fixture
def microphone(tmp_path: Path) -> Iterator[VirtualMicrophone]:
    """Microphones with six and eight channels, heard by what this process starts."""
    jacks = (Jack("vmic", channels=6), Jack("vmic8", channels=8))
    with virtual_microphone(tmp_path / "pulse", *jacks) as virtual, pytest.MonkeyPatch.context() as patch:
        for name, value in virtual.environment.items():
            patch.setenv(name, value)
        yield virtual


def test_an_array_is_found_by_its_name_and_hears_directions(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """Played into a device that is named as a ReSpeaker, speech is found within 10° of where it comes from."""
    microphone.publish("alsa_input.usb-SEEED_ReSpeaker_4_Mic_Array-00.multichannel-input")
    profile = find_profile("respeaker-v2")
    spoken = as_device(plane_wave(0.1 * speech_like(1.5, seed=1), profile, from_deg=FROM_DEG), profile)
    recording = tmp_path / "spoken.raw"
    recording.write_bytes(np.round(spoken * 32_767).astype(np.int16).tobytes())
    source = open_microphone("array:respeaker-v2")
    assert isinstance(source, ArraySource)
    source.look_toward(FROM_DEG)
    powers, player = np.zeros(len(AZIMUTHS_DEG)), None
    try:
        for frame in source.frames():
            player = player or microphone.play(recording)
            if isinstance(frame, AudioFrame) and frame.directions is not None:
                powers += frame.directions
            if (player.poll() is not None and np.ptp(powers) > 0) or frame.end_ms > 60_000:
                source.close()
    finally:
        if player is not None:
            player.kill()
            player.wait()
    assert abs(AZIMUTHS_DEG[powers.argmax()] - FROM_DEG) <= 10


def test_arrays_are_listed_with_what_is_known_of_them(microphone: VirtualMicrophone) -> None:
    """Each array has its address, its channels, and a word where its geometry is not confirmed."""
    microphone.publish("usb-ReSpeaker_4_Mic_Array")
    microphone.publish("usb-miniDSP_UMA-8", of="vmic8")
    errors: list[AudioError] = []
    listed = [one for one in list_microphones(on_error=errors.append) if one.kind == "microphone_array"]
    assert sorted((one.address, one.channels, one.geometry_confirmed) for one in listed) == [
        ("array:respeaker-v2@usb-ReSpeaker_4_Mic_Array", 6, True),
        ("array:uma-8@usb-miniDSP_UMA-8", 8, False),
    ]


def test_an_array_that_is_not_there_is_waited_for(microphone: VirtualMicrophone) -> None:
    """A sound card that is no array is not taken for one, and the error says that it may come."""
    assert array_cards() == []
    with pytest.raises(AudioError) as caught:
        list(array_source("uma-8").frames())
    assert caught.value.code == "array_not_found"
    assert not caught.value.permanent


def test_an_array_of_no_known_profile_is_refused_at_once() -> None:
    """An address with a profile that does not exist is an error before anything is opened."""
    with pytest.raises(AudioError) as caught:
        array_source("no-such-array@vmic")
    assert caught.value.code == "array_profile_unknown"
