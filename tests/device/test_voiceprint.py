"""A voiceprint is made when asked for, stays sealed on the device, and is gone when it is to be forgotten."""

import base64
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge_agent.sealing import KEY_FILE
from edge_agent.speech import WINDOW_SAMPLES
from edge_agent.voice_embedder import VoiceEmbedder
from edge_agent.voice_enrolment import LEAST_SPEECH_S, VoiceEnrolment
from edge_agent.voice_model import DIMENSIONS
from edge_agent.voiceprint import VOICES_FILE, VoiceError, Voiceprint, Voiceprints
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame
from hardware.media_file import MediaFileSource, Pace
from support.edge_device import NOW, settings
from support.programs import BIN, DEMO_AUDIO, run, run_json
from support.scripted_server import scripted_server

TALK = DEMO_AUDIO / "01-wealth-advice.opus"


def voiceprint(staff: str, *, at: int = 0) -> Voiceprint:
    vector = [0.0] * DIMENSIONS
    vector[at] = 1.0
    return Voiceprint(staff=staff, vector=tuple(vector), speech_s=13.0, made_at=NOW)


def kept_in(folder: Path) -> Voiceprints:
    return Voiceprints(folder, settings=settings())


def test_what_is_kept_is_found_again_and_each_staff_has_one(tmp_path: Path) -> None:
    """Voiceprints are found by staff; a new one replaces the old, and looking alone writes nothing."""
    assert kept_in(tmp_path / "device").of("S-1") is None
    assert not (tmp_path / "device").exists()
    for one in (voiceprint("S-1"), voiceprint("S-2"), voiceprint("S-1", at=7)):
        kept_in(tmp_path / "device").keep(one)
    assert kept_in(tmp_path / "device").of("S-1") == voiceprint("S-1", at=7)
    assert kept_in(tmp_path / "device").all() == [voiceprint("S-1", at=7), voiceprint("S-2")]


def test_the_file_says_nothing_without_the_key(tmp_path: Path) -> None:
    """Neither staff nor vector stands in the file; under another key it is refused, and can still be deleted."""
    kept_in(tmp_path).keep(voiceprint("S-KENNWORT"))
    content = (tmp_path / VOICES_FILE).read_bytes()
    assert b"KENNWORT" not in content
    assert b"vector" not in content
    assert (tmp_path / VOICES_FILE).stat().st_mode & 0o077 == 0
    (tmp_path / KEY_FILE).write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(VoiceError) as caught:
        kept_in(tmp_path).of("S-KENNWORT")
    assert caught.value.code == "voices_unreadable"
    kept_in(tmp_path).forget_all()
    assert kept_in(tmp_path).all() == []


def test_a_forgotten_voice_is_gone_and_the_last_one_takes_the_file_along(tmp_path: Path) -> None:
    """Forgetting one leaves the others; forgetting what is not there says so."""
    prints = kept_in(tmp_path)
    prints.keep(voiceprint("S-1"))
    prints.keep(voiceprint("S-2"))
    assert prints.forget("S-1")
    assert not prints.forget("S-1")
    assert prints.all() == [voiceprint("S-2")]
    assert prints.forget("S-2")
    assert not (tmp_path / VOICES_FILE).exists()


def test_another_embedders_voiceprint_is_not_used(tmp_path: Path) -> None:
    """A vector of another model would name the wrong person; it is kept for show and not given."""
    kept_in(tmp_path).keep(voiceprint("S-1").model_copy(update={"model": "another"}))
    assert kept_in(tmp_path).of("S-1") is None
    assert len(kept_in(tmp_path).all()) == 1


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """A demonstration conversation as a whole."""
    frames = MediaFileSource(TALK, pace=Pace.FAST).frames()
    return np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])


@pytest.mark.speech
def test_a_voice_is_learnt_from_enough_speech_however_it_is_cut(talk: np.ndarray) -> None:
    """Half a minute of talk is enough, a unit vector comes of it, and the length of frames makes no difference."""
    embedder = VoiceEmbedder()
    learnt = []
    for frame_samples in (WINDOW_SAMPLES, 4001):
        enrolment = VoiceEnrolment(embedder)
        for at in range(0, 30 * SAMPLE_RATE_HZ, frame_samples):
            enrolment.add(talk[at : min(at + frame_samples, 30 * SAMPLE_RATE_HZ)])
        assert enrolment.is_enough
        learnt.append(enrolment.finish(staff="S-1", at=NOW))
    assert learnt[0].voice == pytest.approx(learnt[1].voice)
    assert np.linalg.norm(learnt[0].voice) == pytest.approx(1.0)
    assert LEAST_SPEECH_S <= learnt[0].speech_s <= 30


@pytest.mark.speech
@pytest.mark.parametrize("seconds", [0, 8])
def test_too_little_speech_makes_no_voiceprint(talk: np.ndarray, seconds: int) -> None:
    """Eight seconds of talk, or silence for ever, are refused with what is missing."""
    enrolment = VoiceEnrolment(VoiceEmbedder())
    enrolment.add(talk[: seconds * SAMPLE_RATE_HZ])
    enrolment.add(np.zeros(20 * SAMPLE_RATE_HZ, dtype=np.float32))
    with pytest.raises(VoiceError, match="a voiceprint needs 12 s") as caught:
        enrolment.finish(staff="S-1", at=NOW)
    assert caught.value.code == "voice_too_short"


@dataclass(frozen=True)
class Heard:
    """A device with an enrolled voice after a replay, and what it sent."""

    device: Path
    sent: bytes
    shown: list[dict[str, object]]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """Enrol a voice by command, replay a conversation with it, and gather all that left."""
    device = tmp_path_factory.mktemp("voice") / "device"
    edge = BIN / "voicetrail-edge"
    with scripted_server() as server:
        run(edge, "enrol", "--server", server.url, "--code", server.CODE, "--data", device)
        run(edge, "voice", "enrol", TALK, "--staff", "S-1", "--data", device)
        shown = json.loads(run(edge, "voice", "show", "--data", device, "--json").stdout)
        who = ("--staff", "S-1", "--site", "bank-01", "--consent", "granted", "--data", device)
        summary = run_json(edge, "replay", DEMO_AUDIO / "02-third-trip.opus", *who, "--json")
        assert summary["utterances"] > 5
        return Heard(device, b"\n".join(gzip.decompress(body) for body in server.bodies), shown)


@pytest.mark.speech
def test_a_voiceprint_is_in_no_record_and_nothing_of_it_is_sent(heard: Heard) -> None:
    """What leaves are the known kinds of record; no number of the vector is among them, in any of its writings."""
    assert [one["staff"] for one in heard.shown] == ["S-1"]
    kept = kept_in(heard.device).of("S-1")
    assert kept is not None
    batches = [json.loads(line) for line in heard.sent.splitlines()]
    kinds = {record["body"]["body"] for batch in batches for record in batch["records"]}
    assert {"conversation", "utterance"} <= kinds <= {"conversation", "consent", "utterance", "coverage", "role"}
    assert b"voiceprint" not in heard.sent
    assert b"vector" not in heard.sent
    for number in kept.vector:
        if abs(number) > 1e-3:
            assert f"{number:.6f}".encode() not in heard.sent
    assert np.array(kept.vector, dtype=np.float32).tobytes()[:16] not in heard.sent


@pytest.mark.speech
def test_a_voice_forgotten_by_command_is_gone(heard: Heard) -> None:
    """After `voice forget` the file is gone; asking again is an error that says so."""
    edge = BIN / "voicetrail-edge"
    run(edge, "voice", "forget", "--staff", "S-1", "--data", heard.device)
    assert not (heard.device / VOICES_FILE).exists()
    assert json.loads(run(edge, "voice", "show", "--data", heard.device, "--json").stdout) == []
    assert (
        "voice_unknown"
        in run(edge, "voice", "forget", "--staff", "S-1", "--data", heard.device, "--lang", "en", expect=1).stderr
    )
