"""Promise 1: audio stays in memory. Never written, never sent; watched while the real program hears real speech."""

import gzip
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.weights import default_cache_dir
from hardware.audio import AudioFrame
from hardware.media_file import MediaFileSource, Pace
from support.programs import BIN, DEMO_AUDIO, run
from support.scripted_server import ScriptedServer, scripted_server
from support.traced import Trace, python, run_traced
from support.virtual_microphone import virtual_microphone

RECORDING = DEMO_AUDIO / "02-third-trip.opus"
CUSTOMER = "C-KENNWORT-77"
OWN_FILES = (
    *("device.key", "data.key", "identity.json", "recorder.lock", "reserve"),
    *("outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db-journal"),
)
MAGICS = (b"OggS", b"OpusHead", b"fLaC", b"WAVEfmt", b"ftypM4A")
LONGEST_STRING = 2000
"""Of characters in a batch; a second of Opus in base64 has 5,000."""


@dataclass
class Watched:
    """A replay that was watched, with what it left behind and what it sent."""

    trace: Trace
    device: Path
    server: ScriptedServer
    summary: dict[str, Any]


def replay_watched(folder: Path, server: ScriptedServer, *, consent: str) -> Watched:
    device = folder / "device"
    # No more than a device has: some libraries keep quiet where they see a variable of a build machine, such as CI.
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME") if key in os.environ}
    command = [str(BIN / "voicetrail-edge"), "enrol", "--server", server.url, "--code", server.CODE]
    enrolled = run_traced([*command, "--data", str(device)], folder / "enrol", environment=environment)
    assert enrolled.status == 0, enrolled.errors
    who = ["--customer", CUSTOMER, "--staff", "S-1", "--site", "bank-01", "--consent", consent]
    command = [str(BIN / "voicetrail-edge"), "replay", str(RECORDING), "--data", str(device), *who, "--json"]
    trace = run_traced(command, folder / "replay", environment=environment)
    assert trace.status == 0, trace.errors
    trace.written |= enrolled.written
    trace.connected |= enrolled.connected
    trace.programs |= enrolled.programs
    return Watched(trace, device, server, json.loads(trace.output))


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A replay with consent."""
    with scripted_server() as server:
        yield replay_watched(tmp_path_factory.mktemp("heard"), server, consent="granted")


@pytest.fixture(scope="module")
def declined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A replay without."""
    with scripted_server() as server:
        yield replay_watched(tmp_path_factory.mktemp("declined"), server, consent="declined")


def violations(watched: Watched, *, shared_memory: Iterable[Path] = ()) -> list[str]:
    """Return what was written or connected beyond the device's own files, the weights' cache and the server."""
    own = [watched.device / name for name in OWN_FILES]
    # Small files are written beside their place and moved there whole.
    own += [
        Path(path) for path in watched.trace.written if path.startswith(f"{watched.device}/.") and path.endswith(".new")
    ]
    places = [*own, *shared_memory, default_cache_dir(), Path("/dev/null"), Path("/dev/tty")]
    address = watched.server.url.removeprefix("http://")
    return watched.trace.violations(may_write=places, may_connect=address)


@cache
def pieces_of(recording: Path) -> tuple[bytes, ...]:
    """Return pieces of the recording's loudest sound, as the samples would lie in a file: 16-bit and float."""
    source = MediaFileSource(recording, pace=Pace.FAST)
    frames = [item.samples for item in source.frames() if isinstance(item, AudioFrame)]
    loudest = sorted(frames, key=lambda samples: -float(np.abs(samples).mean()))[:20]
    middles = [samples[1000:1032] for samples in loudest]
    return tuple(piece for middle in middles for piece in (middle.tobytes(), (middle * 32767).astype("<i2").tobytes()))


def audio_in(content: bytes, recording: Path) -> list[str]:
    """Return the signs of audio in a file's or message's bytes: magic numbers, samples, the recording's own bytes."""
    signs = [f"magic {magic!r}" for magic in MAGICS if magic in content]
    if any(piece in content for piece in pieces_of(recording)):
        signs.append("samples")
    packets = recording.read_bytes()
    if any(packets[at : at + 48] in content for at in range(5000, len(packets) - 64, 5000)):
        signs.append("encoded audio")
    return signs


@pytest.mark.speech
def test_a_replay_writes_its_own_files_only_and_talks_to_its_server_only(heard: Watched) -> None:
    """Outbox, keys, identity and the weights' cache are all that is opened for writing; one address is connected."""
    assert heard.summary["utterances"] > 5
    assert violations(heard) == []
    assert str(heard.device / "outbox.db") in heard.trace.written
    assert heard.server.url.removeprefix("http://") in heard.trace.connected


@pytest.mark.speech
def test_the_devices_files_hold_neither_audio_nor_words_nor_the_customer(heard: Watched) -> None:
    """No sample, packet or magic number, no sentence and no customer id stands in any file of the device."""
    texts = [r["body"]["text"]["text"] for r in heard.server.stored.values() if r["body"]["body"] == "utterance"]
    assert texts
    for path in heard.device.iterdir():
        content = path.read_bytes()
        assert audio_in(content, RECORDING) == [], path.name
        assert CUSTOMER.encode() not in content
        assert [text for text in texts if len(text) > 3 and text.encode() in content] == []


@pytest.mark.speech
def test_what_was_sent_is_text_and_far_too_small_for_audio(heard: Watched) -> None:
    """Every batch is made of short strings, and all that went out weighs a fraction of the audio."""
    assert heard.server.received_bytes < RECORDING.stat().st_size / 5
    for body in heard.server.bodies:
        sent = gzip.decompress(body)
        assert audio_in(sent, RECORDING) == []
        assert max(map(len, strings_in(json.loads(sent)))) < LONGEST_STRING


def test_after_a_no_nothing_is_recognised_and_one_span_leaves(declined: Watched) -> None:
    """The recogniser is not even loaded; one record without a customer is all, on the device and on the wire."""
    assert violations(declined) == []
    assert not {"faster_whisper", "ctranslate2", "onnxruntime"} & declined.trace.imported
    (record,) = declined.server.stored.values()
    assert (record["body"]["body"], record["body"]["state"]) == ("coverage", "withheld")
    assert record["body"]["conversation_id"] is None
    assert CUSTOMER not in json.dumps(record) + declined.trace.errors + declined.trace.output
    for path in declined.device.iterdir():
        assert CUSTOMER.encode() not in path.read_bytes()
        assert audio_in(path.read_bytes(), RECORDING) == []
    assert (declined.summary["utterances"], declined.summary["uploaded"]) == (0, 1)


@pytest.fixture
def listened(tmp_path: Path) -> Iterator[Watched]:
    """Some seconds of speech through a microphone of the system; its process and PulseAudio's tool are watched, too."""
    with virtual_microphone(tmp_path / "pulse") as microphone, scripted_server() as server:
        device = tmp_path / "device"
        run(BIN / "voicetrail-edge", "enrol", "--server", server.url, "--code", server.CODE, "--data", device)
        frames = [item for item in MediaFileSource(RECORDING, pace=Pace.FAST).frames() if isinstance(item, AudioFrame)]
        speech = (np.concatenate([frame.samples for frame in frames]) * 32767).astype("<i2")
        (tmp_path / "speech.raw").write_bytes(speech.tobytes())
        player = microphone.play(tmp_path / "speech.raw")
        who = ["--customer", CUSTOMER, "--staff", "S-1", "--site", "bank-01", "--consent", "declined"]
        command = [str(BIN / "voicetrail-edge"), "run", "--data", str(device), *who, "--device", "vmic"]
        trace = run_traced(
            [*command, "--seconds", "4", "--json"], tmp_path / "run", environment=dict(microphone.environment)
        )
        player.kill()
        player.wait()
        assert trace.status == 0, trace.errors
        yield Watched(trace, device, server, json.loads(trace.output))


def test_a_microphones_process_keeps_its_sound_in_memory(listened: Watched) -> None:
    """It starts itself anew and asks pactl; beside its own files there is the sound system's shared memory only."""
    assert listened.summary["withheld"] > 3
    # sounddevice looks for PortAudio with ldconfig.
    programs = {Path(program).resolve().name for program in listened.trace.programs}
    assert programs == {Path(sys.executable).resolve().name, "pactl", "ldconfig"}
    listened.trace.programs.clear()
    jack = Path(f"/dev/shm/jack_db-{os.getuid()}")  # noqa: S108 - ALSA loads JACK's library, which notes names there
    assert violations(listened, shared_memory=[Path("memfd:pulseaudio"), jack]) == []
    for path in (*listened.device.iterdir(), *jack.glob("*")):
        assert audio_in(path.read_bytes(), RECORDING) == [], path.name


LEAK_FROM_PYTHON = """
import socket, sys
open(sys.argv[1], "wb").write(b"x")
socket.create_connection(("127.0.0.1", int(sys.argv[2]))).close()
"""

# As a library would: no Python event tells of it. The file stays open long enough for a poll of the process table.
LEAK_FROM_A_LIBRARY = """
import ctypes, sys, time
libc = ctypes.CDLL(None)
libc.creat(sys.argv[1].encode(), 0o600)
time.sleep(0.5)
"""


@pytest.mark.parametrize("leak", [LEAK_FROM_PYTHON, LEAK_FROM_A_LIBRARY])
def test_the_watch_catches_a_program_that_leaks(tmp_path: Path, leak: str) -> None:
    """A child that writes a file, or calls another address, is caught: the watch can fail."""
    with scripted_server() as elsewhere:
        port = elsewhere.server_address[1]
        trace = run_traced(python(leak, tmp_path / "leak.wav", port), tmp_path / "watch", environment=dict(os.environ))
    found = trace.violations(may_write=[tmp_path / "device"], may_connect="127.0.0.1:1")
    assert f"wrote {tmp_path / 'leak.wav'}" in found
    if leak is LEAK_FROM_PYTHON:
        assert f"connected to 127.0.0.1:{port}" in found


def test_each_witness_alone_catches_what_it_is_there_for(tmp_path: Path) -> None:
    """The audit events alone see Python's files; the process table alone sees a library's."""
    for leak in (LEAK_FROM_PYTHON, LEAK_FROM_A_LIBRARY):
        with pytest.MonkeyPatch.context() as patch, scripted_server() as elsewhere:
            patch.setenv("PATH", "")  # so that strace is not found
            name = "python" if leak is LEAK_FROM_PYTHON else "library"
            command = python(leak, tmp_path / f"{name}.wav", elsewhere.server_address[1])
            trace = run_traced(command, tmp_path / name, environment=dict(os.environ))
        assert trace.witnesses == {"audit", "process table"}
        assert str(tmp_path / f"{name}.wav") in trace.written


def test_the_search_for_audio_finds_audio() -> None:
    """Raw samples, a WAV's head and a piece of the encoded file are each recognised among other bytes."""
    samples = pieces_of(RECORDING)
    noise = os.urandom(3000)
    assert audio_in(noise + samples[0] + noise, RECORDING) == ["samples"]
    assert audio_in(noise + b"RIFF\x00\x00\x00\x00WAVEfmt " + noise, RECORDING) == ["magic b'WAVEfmt'"]
    assert "encoded audio" in audio_in(noise + RECORDING.read_bytes()[5000:6000] + noise, RECORDING)
    assert audio_in(noise, RECORDING) == []


def strings_in(value: object) -> list[str]:
    """Return every string inside a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings_in(inner)]
    return []
