"""An Omi is heard through bleak's own BlueZ back end, with BlueZoo in the place of bluetoothd; see docs/lab.md."""

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from bleak.backends.bluezdbus.manager import get_global_bluez_manager

from hardware.ble_omi import OmiSource
from hardware.ble_scan import near_microphones
from hardware.ble_timeline import Tolerance
from hardware.microphones import MicrophoneInfo
from models.errors import AudioError
from support.bluez_omi import speak
from support.listening_in import ListeningIn

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.environ.get("VOICETRAIL_LAB") != "1", reason="a lab test: asked for by VOICETRAIL_LAB=1"),
]

PATIENT = Tolerance(stalled_ms=60_000, behind_ms=60_000, ahead_ms=60_000)
ADDRESSES = ("00:11:22:33:44:55", "66:77:88:99:AA:BB")

noise = np.random.default_rng(3).integers(-9000, 9000, size=16_000 * 2).astype("<i2")
FRAMES = [noise[at : at + 160].tobytes() for at in range(0, 32_000, 160)]


@pytest.fixture
def bluez(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system bus of its own with a daemon that has two adapters."""
    command = os.environ.get("VOICETRAIL_BLUEZOO", "bluezoo")
    if shutil.which("dbus-daemon") is None or shutil.which(command) is None:
        pytest.skip("needs dbus-daemon and bluezoo")
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    ) as bus:
        assert bus.stdout is not None
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.stdout.readline().strip())
        adapters = [word for address in ADDRESSES for word in ("--adapter", address)]
        with subprocess.Popen([command, "--auto-enable", "--scan-interval", "1", *adapters]) as daemon:
            yield
            daemon.terminate()
        bus.terminate()


@pytest.fixture
def omi(bluez: None) -> Iterator[threading.Event]:
    """An Omi that both adapters offer to each other; set when they do."""
    there = threading.Event()

    async def until_registered() -> None:
        for _ in range(100):
            try:
                await speak(adapters=["hci0", "hci1"], frames=FRAMES, frame_s=0.01, there=there.set)
            except AssertionError:  # the daemon is not there yet
                await asyncio.sleep(0.1)
            else:
                return

    speaking = threading.Thread(target=lambda: asyncio.run(until_registered()), daemon=True)
    speaking.start()
    yield there


async def bleaks_adapter() -> int:
    """The number of the adapter that bleak takes, which is any."""
    manager = await get_global_bluez_manager()
    return int(manager.get_default_adapter()[-1])


def near() -> list[MicrophoneInfo]:
    """Scan for a moment; nothing while the daemon still starts."""
    try:
        return list(near_microphones(scan_s=2.0))
    except AudioError as error:
        assert error.code == "bluetooth_unavailable"
        time.sleep(0.5)
        return []


def test_an_omi_is_found_through_bluez(omi: threading.Event) -> None:
    """The scan lists it, and that its link is open."""
    (row,) = next(rows for _ in range(20) if (rows := near()))
    assert (row.kind, row.name, row.encrypted) == ("omi", "Omi", False)


def test_an_omi_is_heard_through_bluez(omi: threading.Event) -> None:
    """Every sample that it sends arrives."""
    assert omi.wait(timeout=30)
    source = OmiSource(ADDRESSES[1 - asyncio.run(bleaks_adapter())], tolerance=PATIENT)
    with ListeningIn(source, []) as heard:
        heard.wait(lambda: source.counts.heard >= len(FRAMES) - 1)
    assert (heard.samples * 32_768).astype("<i2").tobytes() == b"".join(FRAMES)
