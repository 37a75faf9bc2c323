"""Staff voiceprints: made when staff ask for it, sealed on the device, never sent, deleted when staff say so."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field, RootModel, ValidationError

from edge_agent.outbox_database import DATABASE_FILE
from edge_agent.private_files import make_private_folder, write_whole
from edge_agent.sealing import Sealer, UnreadableError, load_sealer
from edge_agent.settings import EdgeSettings
from edge_agent.voice_model import DIMENSIONS, MODEL_SHA256
from models.errors import VoicetrailError
from models.noun import Moment, Name, Noun

VOICES_FILE: Final = "voices.sealed"
_KIND = "voiceprints"


class VoiceError(VoicetrailError):
    """A voiceprint cannot be made or read."""

    code = "voice_error"


class Voiceprint(Noun):
    """How a member of staff sounds: a direction in the embedder's space, from which no speech can be made again."""

    staff: Name
    vector: tuple[float, ...] = Field(min_length=DIMENSIONS, max_length=DIMENSIONS)
    """Of length 1."""
    speech_s: float = Field(gt=0)
    """Speech that it was made from, seconds."""
    made_at: Moment
    model: str = MODEL_SHA256
    """SHA-256 of the embedder; another one's vectors mean nothing to this one."""

    @property
    def voice(self) -> npt.NDArray[np.float64]:
        """The vector, shape (256,)."""
        return np.array(self.vector)


class _Stored(RootModel[dict[str, Voiceprint]]):
    """Voiceprints by staff."""


class Voiceprints:
    """The voiceprints of one data folder, in one small file sealed under the device's data key."""

    def __init__(self, folder: Path, *, settings: EdgeSettings) -> None:
        """Look into the device's data folder; nothing is written before a voiceprint is kept.

        Raises:
            OutboxError: the data key is missing or invalid.
        """
        self._folder = folder
        self._settings = settings
        self._path = folder / VOICES_FILE

    def of(self, staff: str) -> Voiceprint | None:
        """Return the voiceprint of a member of staff; None when there is none, or one of another embedder.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: the data key is missing or invalid.
        """
        found = self._read().get(staff)
        return found if found is not None and found.model == MODEL_SHA256 else None

    def all(self) -> list[Voiceprint]:
        """Return all voiceprints, by staff.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: the data key is missing or invalid.
        """
        return sorted(self._read().values(), key=lambda found: found.staff)

    def keep(self, voiceprint: Voiceprint) -> None:
        """Keep a voiceprint in place of the one that its staff had.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: it cannot be written.
        """
        self._write({**self._read(), voiceprint.staff: voiceprint})

    def forget(self, staff: str) -> bool:
        """Delete the voiceprint of a member of staff; return False when there was none.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: it cannot be written.
        """
        left = self._read()
        if left.pop(staff, None) is None:
            return False
        self._write(left)
        return True

    def forget_all(self) -> None:
        """Delete all voiceprints, also those that do not open any more."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Voiceprint]:
        try:
            sealed = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            plain = self._sealer().open(sealed, identity=VOICES_FILE, kind=_KIND)
            return _Stored.model_validate_json(plain).root
        except (UnreadableError, ValidationError) as error:
            raise VoiceError(
                f"{self._path} does not open under this device's data key",
                code="voices_unreadable",
                advice="Run: voicetrail-edge voice forget --all, and enrol the voices again.",
            ) from error

    def _write(self, voiceprints: dict[str, Voiceprint]) -> None:
        if not voiceprints:
            self.forget_all()
            return
        make_private_folder(self._folder)
        self._put(voiceprints, self._sealer())

    def _put(self, voiceprints: dict[str, Voiceprint], sealer: Sealer) -> None:
        plain = _Stored(voiceprints).model_dump_json().encode()
        write_whole(self._path, sealer.seal(plain, identity=VOICES_FILE, kind=_KIND))

    def seal_anew(self, following: Sealer) -> None:
        """Seal them under another key; broken off, it can be called again.

        Raises:
            VoiceError: voices_unreadable.
            OutboxError: it cannot be written.
        """
        if voiceprints := self._read():
            self._put(voiceprints, following)

    def _sealer(self) -> Sealer:
        may_make = not (self._folder / DATABASE_FILE).exists() and not self._path.exists()
        make_private_folder(self._folder)
        return load_sealer(self._folder, given=self._settings.data_key, may_make=may_make)
