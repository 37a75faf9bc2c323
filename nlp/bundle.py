"""The folder that holds a trained model, and the manifest that proves it unaltered."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.errors import UnderstandingError

MANIFEST: Final = "manifest.json"
SHIPPED: Final = Path(__file__).parent / "weights"
"""The weights that come with the package."""
_ADVICE = "Install the package again, or train the weights: voicetrail-nlp train --data DIR --out DIR."


def write_manifest(folder: Path, *, model: str) -> None:
    """Record the name of the model and the sha256 of each file of the folder; call it last."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST and path.suffix != ".md")
    digests = {name: sha256((folder / name).read_bytes()).hexdigest() for name in names}
    text = json.dumps({"model": model, "sha256": digests}, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def check(folder: Path) -> str:
    """Check each file of the folder against the manifest and return the model's name.

    Raises:
        UnderstandingError: a file is absent (weights_missing) or is not what was trained (weights_altered).
    """
    manifest = _manifest(folder)
    digests, model = manifest.get("sha256"), manifest.get("model")
    if not isinstance(digests, dict) or not isinstance(model, str):
        raise _altered(folder / MANIFEST)
    for name, digest in digests.items():
        path = folder / Path(str(name)).name
        try:
            content = path.read_bytes()
        except OSError as absent:
            raise UnderstandingError(f"{path} is missing.", code="weights_missing", advice=_ADVICE) from absent
        if sha256(content).hexdigest() != digest:
            raise _altered(path)
    return model


def _manifest(folder: Path) -> Mapping[str, object]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as absent:
        raise UnderstandingError(
            f"{folder} holds no weights: {MANIFEST} is missing.", code="weights_missing", advice=_ADVICE
        ) from absent
    except ValueError as broken:
        raise _altered(path) from broken
    if not isinstance(manifest, dict):
        raise _altered(path)
    return manifest


def _altered(path: Path) -> UnderstandingError:
    return UnderstandingError(f"{path} is not the file that was trained.", code="weights_altered", advice=_ADVICE)
