"""How likely each moment of audio is speech: Silero VAD, streaming."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from faster_whisper.utils import get_assets_path

from edge_agent.segmentation import WINDOW_MS
from hardware.audio import SAMPLES_PER_MS, Samples
from models.errors import RecognitionError

WINDOW_SAMPLES = WINDOW_MS * SAMPLES_PER_MS
"""512: the graph knows no other at 16 kHz."""

# The graph wants the last 64 samples of the window before in front of each window.
_CONTEXT_SAMPLES = 64

Probabilities = npt.NDArray[np.float32]
"""One probability of speech per window, shape (n,)."""


class SpeechDetector:
    """Silero VAD v6 as faster-whisper ships it; one detector per stream, since it remembers what it heard."""

    def __init__(self, *, model_path: Path | None = None) -> None:
        """Load the graph (1.2 MB).

        Raises:
            RecognitionError: detector_unusable, when the graph is missing or damaged.
        """
        path = model_path or Path(get_assets_path()) / "silero_vad_v6.onnx"
        options = onnxruntime.SessionOptions()
        # The graph is tiny: a second thread costs more than it saves, and spinning threads would eat the device.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except (OSError, RuntimeError) as error:
            raise RecognitionError(
                f"the speech detector {path.name} does not load: {error}",
                code="detector_unusable",
                advice="Install faster-whisper again; its package carries the file.",
            ) from error
        self.reset()

    def reset(self) -> None:
        """Forget what was heard, as after a gap."""
        self._hidden = np.zeros((1, 1, 128), dtype=np.float32)
        self._cell = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)

    def probabilities(self, samples: Samples) -> Probabilities:
        """Give the probability of speech in each window of `samples`, whose length is a multiple of 512.

        Source: the graph takes any number of consecutive windows in one call, which costs half of single calls.
        """
        if not len(samples):
            return np.zeros(0, dtype=np.float32)
        windows = samples.reshape(-1, WINDOW_SAMPLES)
        contexts = np.vstack([self._context, windows[:-1, -_CONTEXT_SAMPLES:]])
        output, self._hidden, self._cell = self._session.run(
            None, {"input": np.hstack([contexts, windows]), "h": self._hidden, "c": self._cell}
        )
        self._context = windows[-1, -_CONTEXT_SAMPLES:].copy()
        return np.asarray(output, dtype=np.float32).reshape(-1)
