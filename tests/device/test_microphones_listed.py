"""`voicetrail-edge devices` and what `doctor` says of hearing: with a sound server and a message bus of its own."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dbus_fast import BusType
from dbus_fast.aio import MessageBus

from edge_agent.cli_devices import level_of
from edge_agent.doctor_check import Check
from edge_agent.doctor_hearing import hearing_checks
from hardware.bluetooth import check_service, radios
from hardware.microphones import open_microphone
from models.errors import AudioError
from support.programs import BIN, DEMO_AUDIO
from support.virtual_microphone import Jack, VirtualMicrophone, virtual_microphone


@pytest.fixture
def microphone(tmp_path: Path) -> Iterator[VirtualMicrophone]:
    """A loud microphone and a headset that is silent, also for this process."""
    jacks = (Jack("loud"), Jack("quiet"))
    with virtual_microphone(tmp_path / "pulse", *jacks) as virtual, pytest.MonkeyPatch.context() as patch:
        for name, value in virtual.environment.items():
            patch.setenv(name, value)
        virtual.publish("headset", of="quiet")
        half = np.tile(np.array([16_384, -16_384], dtype="<i2"), 16_000 * 60)
        (tmp_path / "half.raw").write_bytes(half.tobytes())
        player = virtual.play(tmp_path / "half.raw")
        yield virtual
        player.kill()
        player.wait()


def listed(environment: dict[str, str], *options: str, status: int = 0) -> dict[str, dict[str, Any]]:
    """Return the microphones of `voicetrail-edge devices --json` by their addresses."""
    command = [BIN / "voicetrail-edge", "devices", "--json", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    return {one["address"]: one for one in json.loads(done.stdout)["microphones"]}


def bare_alsa(folder: Path) -> str:
    """Return ALSA's configuration as it is before any plug-in is installed; the test ends without ALSA."""
    full = Path("/usr/share/alsa/alsa.conf")
    if not full.exists():
        pytest.skip("needs ALSA's configuration (libasound2-data)")
    # The hooks are what loads the files of plug-ins.
    (folder / "bare.conf").write_text(re.sub(r"^@hooks \[.*?^\]", "", full.read_text(), flags=re.MULTILINE | re.DOTALL))
    return str(folder / "bare.conf")


def test_devices_lists_what_is_there_with_its_level(microphone: VirtualMicrophone) -> None:
    """A sound card by PortAudio's name, a headset by the sound server's; a tone of half the full scale has -6 dB."""
    found = listed(microphone.environment)
    assert {"default", "sound:loud", "sound:quiet", "sound:headset"} <= set(found)
    assert found["sound:loud"]["level_dbfs"] == pytest.approx(-6, abs=1.5)
    assert found["sound:headset"]["level_dbfs"] < -90
    assert (found["sound:headset"]["kind"], found["sound:headset"]["channels"]) == ("bluetooth_headset", 1)
    assert found["sound:loud"]["kind"] == "sound_card"
    # A monitor gives what a loudspeaker plays: that is no microphone.
    assert not [address for address in found if "monitor" in address]


def test_without_levels_nothing_is_opened(microphone: VirtualMicrophone) -> None:
    """The list alone says nothing of loudness."""
    found = listed(microphone.environment, "--no-levels")
    assert "level_dbfs" not in found["sound:loud"]


def test_an_address_stands_whole_on_a_line_of_its_own(microphone: VirtualMicrophone) -> None:
    """It can be copied from a narrow terminal too; what is known of the microphone follows."""
    command = [BIN / "voicetrail-edge", "devices", "--no-levels", "--lang", "zh"]
    environment = microphone.environment | {"COLUMNS": "24"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True).stdout
    lines = shown.splitlines()
    assert lines[0] == "default"
    assert "系统默认" in lines[1]
    assert "sound:headset" in lines
    assert "bluetooth_headset" in lines[lines.index("sound:headset") + 1]


def test_where_there_is_no_microphone_devices_says_so(tmp_path: Path) -> None:
    """An empty list, status 1, and where to look for the cause."""
    environment = os.environ | {"PULSE_SERVER": f"unix:{tmp_path}/none", "ALSA_CONFIG_PATH": bare_alsa(tmp_path)}
    assert listed(environment, status=1) == {}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("default", "default microphone"),
        ("sound:USB Audio: card (hw:1,0)", "USB Audio: card (hw:1,0)"),
        ("USB Audio: card (hw:1,0)", "USB Audio: card (hw:1,0)"),
        ("vmic", "vmic"),
        (f"file:{DEMO_AUDIO / '02-third-trip.opus'}", "02-third-trip.opus"),
    ],
)
def test_an_address_says_what_opens_it(address: str, name: str) -> None:
    """Before the first colon stands the kind; a name without one is a sound card's, colons and all."""
    assert open_microphone(address).name == name


def test_an_address_that_names_nothing_is_an_error() -> None:
    """A kind alone is none, where there are many of it."""
    with pytest.raises(AudioError) as caught:
        open_microphone("sound:")
    assert caught.value.code == "microphone_address"


def test_the_level_of_what_does_not_open_is_its_error() -> None:
    """Others on the list are measured all the same."""
    assert level_of("file:/nowhere/at/all.wav", seconds=0.1).trouble == "media_not_found"


def hearing() -> dict[str, Check]:
    """Return what the doctor says of hearing, in this environment."""
    return {check.name: check for check in hearing_checks()}


def test_the_doctor_finds_what_is_there(microphone: VirtualMicrophone) -> None:
    """PortAudio, microphones, and the way to the sound server."""
    checks = hearing()
    assert {checks[name].status for name in ("sound", "microphones", "sound_server")} == {"ok"}
    assert "loud" in checks["microphones"].detail


def test_the_doctor_says_how_portaudio_comes_to_the_sound_server(
    microphone: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without ALSA's plug-in PulseAudio runs in vain, and the advice names the package."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", bare_alsa(tmp_path))
    check = hearing()["sound_server"]
    assert check.status == "warning"
    assert "libasound2-plugins" in check.advice


def test_the_doctor_names_a_missing_microphone_and_pactl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No input and no pactl: both are said with what to do."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", bare_alsa(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = hearing()
    if checks["sound"].status == "ok":
        assert checks["microphones"].status == "warning"
        assert checks["microphones"].advice
        assert "pulseaudio-utils" in checks["sound_server"].advice
    else:
        assert "libportaudio2" in checks["sound"].advice


def test_the_doctor_asks_the_message_bus_for_bluetooth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bus, a bus without BlueZ, and one where somebody has its name, are told apart."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("needs dbus-daemon")
    address = f"unix:path={tmp_path}/bus"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    with pytest.raises(AudioError, match="message bus does not answer"):
        check_service()
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--address={address}", "--print-address"], stdout=subprocess.PIPE
    )
    try:
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        with pytest.raises(AudioError, match="BlueZ does not run") as caught:
            check_service()
        assert "systemctl enable --now bluetooth" in caught.value.advice
        assert hearing()["bluetooth"].status == "warning"
        asyncio.run(_while_bluez_is_there(check_service))
    finally:
        daemon.kill()
        daemon.communicate()


async def _while_bluez_is_there(look: Any) -> None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.request_name("org.bluez")
    await asyncio.to_thread(look)
    bus.disconnect()


def test_radios_are_those_of_the_kernel(tmp_path: Path) -> None:
    """Connections that stand beside them are not counted."""
    for name in ("hci1", "hci0", "hci0:12"):
        (tmp_path / name).mkdir()
    assert radios(tmp_path) == ["hci0", "hci1"]
    assert radios(tmp_path / "none") == []
