"""Conversations with gold labels: what was really said, by whom and when."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_agent.evaluation import EvaluationError
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, Samples
from hardware.media_file import MediaFileSource, Pace
from models.errors import AudioError
from models.labels import Role


class _Read(BaseModel):
    """Part of a file that others wrote; what is not asked for is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class GoldTurn(_Read):
    """What one speaker said."""

    role: Role
    text: str
    start_s: float = Field(alias="start", ge=0)
    """Seconds since the start of the recording; turns may overlap a little."""
    end_s: float = Field(alias="end")


class _Audio(_Read):
    file: str | None = None
    staff_voice_f0: float | None = None


class _Talk(_Read):
    id: str
    turns: tuple[GoldTurn, ...] = Field(min_length=1)
    audio: _Audio = _Audio()


@dataclass(frozen=True, slots=True)
class GoldTalk:
    """One conversation with its recording."""

    id: str
    turns: tuple[GoldTurn, ...]
    recording: Path
    staff_voice: float | None
    """Which of the synthetic voices is staff: equal in conversations with the same one; None when it is not told."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ID.json; its recording is the file that it names, or ID.opus beside it.

        Raises:
            EvaluationError: it is not of this form.
        """
        try:
            talk = _Talk.model_validate_json(path.read_bytes())
        except OSError as error:
            raise EvaluationError(
                f"{path} cannot be read: {error.strerror}", advice="Name a readable folder."
            ) from error
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise EvaluationError(
                f"{path.name}: {where}: {first['msg']}", advice="Turns need role, text, start and end in seconds."
            ) from error
        recording = path.with_name(talk.audio.file) if talk.audio.file else path.with_suffix(".opus")
        return cls(id=talk.id, turns=talk.turns, recording=recording, staff_voice=talk.audio.staff_voice_f0)

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(turn.text for turn in self.turns)

    def sound(self) -> Samples:
        """Return the whole recording, shape (n,), 16 kHz.

        Raises:
            EvaluationError: it cannot be read.
        """
        try:
            frames = MediaFileSource(self.recording, pace=Pace.FAST).frames()
            return np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])
        except AudioError as error:
            raise EvaluationError(f"{self.id}: {error.message}", advice=error.advice) from error


def read_talks(folder: Path) -> list[GoldTalk]:
    """Read the conversations of a folder, by name.

    Raises:
        EvaluationError: there is none, or one is not of the form.
    """
    talks = [GoldTalk.read(path) for path in sorted(folder.glob("*.json"))]
    if not talks:
        raise EvaluationError(f"{folder} holds no ID.json", advice="Name a folder with ID.json and ID.opus.")
    return talks


def sound_of(turn: GoldTurn, recording: Samples) -> Samples:
    """Return a turn's part of its recording."""
    return recording[round(turn.start_s * SAMPLE_RATE_HZ) : round(turn.end_s * SAMPLE_RATE_HZ)]
