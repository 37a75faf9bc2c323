"""How well and at what cost the recogniser reads a recorded set, beside stock faster-whisper in the same run."""

import csv
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_agent.error_rate import Edits, edits, edits_with_numerals_folded
from edge_agent.recognition import Recogniser
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, Samples
from hardware.media_file import MediaFileSource, Pace
from models.errors import AudioError, VoicetrailError
from models.noun import Noun

Progress = Callable[[int, int], None]
"""Called with the utterances done and the utterances in all."""


class EvaluationError(VoicetrailError):
    """A recorded set cannot be read."""

    code = "evaluation_input"


class AsrFigures(Noun):
    """What one way of decoding reached on a recorded set."""

    utterances: int
    audio_s: float
    cer: float
    """Character edits per reference character (NFKC, simplified, lower case, no punctuation)."""
    cer_folded: float
    """The same with digits as hanzi, by value or digit by digit, whichever fits better."""
    cpu_s: float
    """CPU seconds of this process, user and system, all threads, for recognition alone."""
    cpu_rtf: float
    """CPU seconds per second of audio."""
    peak_mb: float
    """Most memory this process has held so far; with a comparison both ways share the process."""


class AsrEvaluation(AsrFigures):
    """The recogniser's figures, and stock faster-whisper's when it was compared."""

    model: str
    stock: AsrFigures | None = None


@dataclass(frozen=True, slots=True)
class RecordedUtterance:
    """One row of a recorded set."""

    line: int
    """Where it stands in the file, from 1."""
    path: Path
    text: str


@dataclass(slots=True)
class _Tally:
    written: Edits = field(default_factory=lambda: Edits(edits=0, characters=0))
    folded: Edits = field(default_factory=lambda: Edits(edits=0, characters=0))
    cpu_s: float = 0.0

    def add(self, *, reference: str, recognised: str, cpu_s: float) -> None:
        self.written += edits(reference, recognised)
        self.folded += edits_with_numerals_folded(reference, recognised)
        self.cpu_s += cpu_s

    def figures(self, *, utterances: int, audio_s: float) -> AsrFigures:
        return AsrFigures(
            utterances=utterances,
            audio_s=round(audio_s, 2),
            cer=round(self.written.rate, 5),
            cer_folded=round(self.folded.rate, 5),
            cpu_s=round(self.cpu_s, 2),
            cpu_rtf=round(self.cpu_s / audio_s, 5),
            peak_mb=round(_peak_mb(), 1),
        )


def evaluate_asr(
    tsv: Path, *, recogniser: Recogniser, compare_stock: bool = False, progress: Progress | None = None
) -> AsrEvaluation:
    """Recognise each utterance of a recorded set as a clip of its own.

    Args:
        tsv: tab-separated with a head line; columns `path` (relative to the file) and `text` are read.
        recogniser: what is judged.
        compare_stock: decode each utterance also as `WhisperModel.transcribe` does by default, on the same weights;
            the two take turns, so that a busy machine is equally busy for both.
        progress: told after each utterance.

    Raises:
        EvaluationError: the file is missing, lacks a column, holds no rows, or names audio that cannot be read.
    """
    rows = read_recorded_set(tsv)
    own, stock, audio_s = _Tally(), _Tally(), 0.0
    for done, row in enumerate(rows, start=1):
        samples = _audio(row)
        audio_s += len(samples) / SAMPLE_RATE_HZ
        recognised = recogniser.recognise(samples)
        own.add(
            reference=row.text,
            recognised="".join(segment.text for segment in recognised.segments),
            cpu_s=recognised.cpu_s,
        )
        if compare_stock:
            text, cpu_s = stock_decoding(recogniser, samples)
            stock.add(reference=row.text, recognised=text, cpu_s=cpu_s)
        if progress is not None:
            progress(done, len(rows))
    figures = own.figures(utterances=len(rows), audio_s=audio_s)
    return AsrEvaluation(
        **figures.model_dump(),
        model=recogniser.model_name,
        stock=stock.figures(utterances=len(rows), audio_s=audio_s) if compare_stock else None,
    )


def read_recorded_set(tsv: Path) -> Sequence[RecordedUtterance]:
    """Read the rows of a recorded set.

    Raises:
        EvaluationError: the file is missing, is no UTF-8, lacks a column, or holds no rows.
    """
    try:
        with tsv.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = {"path", "text"} - set(table.fieldnames or ())
            if missing:
                raise _bad_input(tsv, 1, f"the head line lacks the column {' and '.join(sorted(missing))}")
            rows = [_row(tsv, line, cells) for line, cells in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"{tsv} cannot be read: {error}", advice="Name a UTF-8 file with tab-separated columns."
        ) from error
    if not rows:
        raise _bad_input(tsv, 2, "there is no utterance under the head line")
    return rows


def _row(tsv: Path, line: int, cells: dict[str, str | None]) -> RecordedUtterance:
    path, text = cells["path"], cells["text"]
    if not path or not text:
        raise _bad_input(tsv, line, f"{'text' if path else 'path'} is empty")
    return RecordedUtterance(line=line, path=tsv.parent / path, text=text)


def _bad_input(tsv: Path, line: int, what: str) -> EvaluationError:
    return EvaluationError(
        f"{tsv.name} line {line}: {what}",
        advice="Columns are separated by tabs; `path` is relative to the file and `text` is what is said.",
    )


def _audio(row: RecordedUtterance) -> Samples:
    source = MediaFileSource(row.path, pace=Pace.FAST)
    try:
        parts = [item.samples for item in source.frames() if isinstance(item, AudioFrame)]
    except AudioError as error:
        raise EvaluationError(f"line {row.line}: {error.message}", advice=error.advice) from error
    return np.concatenate(parts)


def stock_decoding(recogniser: Recogniser, samples: Samples) -> tuple[str, float]:
    """Decode as faster-whisper does by default: padded to 30 s, on the same weights; give text and CPU seconds."""
    started_s = time.process_time()
    segments, _ = recogniser.whisper.transcribe(
        samples, language=recogniser.decoding.language, beam_size=recogniser.decoding.beam_size
    )
    text = "".join(segment.text for segment in segments)
    return text, time.process_time() - started_s


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB on Linux.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
