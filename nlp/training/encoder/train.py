"""Training of the encoder beside the linear models of a folder of weights."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from models.labels import Role
from nlp import bundle
from nlp import encoder as runtime
from nlp.features import Sounds
from nlp.training.corpora import Example
from nlp.training.encoder import bert, graph, learn
from nlp.training.encoder.batches import Labels, Shapes, batches, by_length, drawn
from nlp.training.encoder.calibration import calibrated, shares
from nlp.training.encoder.columns import QUESTIONS
from nlp.training.encoder.earlier import Earlier
from nlp.training.encoder.lessons import Lesson, counter_lessons, sources
from nlp.training.encoder.tiny import write_tiny
from nlp.training.fine import fit_fine
from nlp.training.tasks import OPINION
from nlp.training.vectors import Vectors, readable_all

NAME: Final = "encoder-1"
_TINY_EXAMPLES: Final = 96
_TINY_EACH: Final = 40
_TINY_SHAPES: Final = Shapes(tokens=512, lengths=(32,))
# Encoder and characters fail on different texts; measured on the clean half of CIC, see the reference of the base.
_FINE_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained, for the model card."""

    model: str
    presented: int
    seen: dict[str, int]
    """Set -> how many of its lessons there are."""
    held_loss: float
    """Mean cross-entropy per answered question of the held counter conversations, before calibration."""
    cpu_s: float
    """CPU seconds of the learning alone."""
    bytes: int
    """Of encoder, tokeniser and columns together."""
    share: dict[str, float]


def train_encoder(
    *,
    data: Path,
    base: Path | None,
    out: Path,
    examples: int,
    tiny: bool,
    licensed_only: bool,
    seed: int,
    progress: Callable[[str], None],
) -> Trained:
    """Train the encoder, calibrate it on held conversations and add it in 8 bits to the weights in `out`.

    Args:
        data: folder with the labelled sets.
        base: Hugging Face folder, as `voicetrail-nlp base` writes it; not read when tiny.
        out: folder that holds the linear models.
        examples: presentations, noise new in each.
        tiny: a random encoder that sees some turns: proves the way, and is of no use.
        licensed_only: leave out the sets whose repositories state no licence.
        seed: of all that is drawn; the same seed, data and machine give the same weights.
        progress: told what begins now.

    Raises:
        UnderstandingError: `out` holds no linear models (weights_missing, weights_altered), `base` no encoder
            (base_missing), `data` no set (data_missing), or a line is broken (broken_line).
    """
    linear = bundle.check(out).split("+", 1)[-1] if (out / runtime.GRAPH).is_file() else bundle.check(out)
    earlier = Earlier.read(out)
    with TemporaryDirectory() as place:
        if tiny or base is None:
            base, examples = Path(place), _TINY_EXAMPLES
            write_tiny(base, seed=seed)
        weights, config = bert.read(base)
        tokeniser = Tokenizer.from_file(str(base / bert.TOKENISER))
    progress("reading")
    found = sources(
        data, licensed_only=licensed_only, seed=seed, most=_TINY_EACH if tiny else None,
        cleaned=lambda some: _cleaned(some, earlier.sounds, seed=seed, progress=progress),
    )  # fmt: skip
    labels = Labels(QUESTIONS, tuple(sorted({one.fine for source in found for one in source.lessons if one.fine})))
    weights = learn.with_head(weights, columns=len(QUESTIONS) + len(labels.fine), seed=seed)
    progress("drawing")
    shapes = _TINY_SHAPES if tiny else Shapes()
    lessons = drawn(found, count=examples, seed=seed)
    made = list(batches(lessons, tokeniser, labels, shapes=shapes))
    started = time.process_time()
    weights = learn.learn(
        weights, config, made, steps=len(made), rates=learn.Rates(), progress=_told(progress, len(made))
    )
    spent = time.process_time() - started
    progress("calibrating")
    held = tuple(counter_lessons(held=True))[: 4 * _TINY_EACH if tiny else None]
    columns, held_loss = _columns(
        weights, config, tokeniser, labels, held=held, shapes=shapes, earlier=earlier, licensed_only=licensed_only
    )
    progress("writing")
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    graph.write(out / runtime.GRAPH, arrays, config)
    tokeniser.save(str(out / runtime.TOKENISER), pretty=False)
    (out / runtime.COLUMNS).write_text(columns.model_dump_json(indent=1) + "\n", encoding="utf-8")
    bundle.write_manifest(out, model=f"{columns.model}+{linear}")
    size = sum((out / name).stat().st_size for name in runtime.FILES)
    seen = Counter({source.name: len(source.lessons) for source in found})
    return Trained(columns.model, examples, dict(seen), held_loss, round(spent, 1), size, columns.share)


def _told(progress: Callable[[str], None], steps: int) -> Callable[[int, float], None]:
    recent: list[float] = []

    def tell(step: int, loss: float) -> None:
        recent.append(loss)
        progress(f"batch {step} of {steps}, loss {np.mean(recent[-50:]):.3f}")

    return tell


def _cleaned(
    found: Sequence[Example], sounds: Sounds, *, seed: int, progress: Callable[[str], None]
) -> tuple[str, ...]:
    progress("fine intents: which labels look wrong")
    vectors = Vectors.of(readable_all([one.text for one in found], processes=1), sounds, at_least=1)
    return fit_fine(vectors, [one.label for one in found], keep=1, seed=seed).labels


def _columns(
    weights: bert.Weights,
    config: bert.Config,
    tokeniser: Tokenizer,
    labels: Labels,
    *,
    held: Sequence[Lesson],
    shapes: Shapes,
    earlier: Earlier,
    licensed_only: bool,
) -> tuple[runtime.Columns, float]:
    """Calibration and shares, on held conversations."""
    groups = by_length(held, tokeniser, shapes=shapes)
    rows = [learn.answered(weights, config, group.batch(labels), rows=len(group.lessons)) for group in groups]
    raw, answers, counted = (np.concatenate(parts)[:, : len(QUESTIONS)] for parts in zip(*rows, strict=True))
    # The feeling of staff is not asked at run time: Thresholds.staff_bias answers it.
    staff = [one.said.role is Role.STAFF for group in groups for one in group.lessons]
    counted[staff, QUESTIONS.index(OPINION)] = 0
    slope, offset = calibrated(raw, answers, counted)
    ours = (raw * np.array(slope) + np.array(offset)).astype(np.float32)
    before = earlier.log_odds([one.said.text for group in groups for one in group.lessons])
    share = shares(QUESTIONS, ours, before.get, answers, counted) | {runtime.FINE: _FINE_SHARE if labels.fine else 0.0}
    wrong = np.logaddexp(0, np.where(answers > 0.5, -raw, raw))
    columns = runtime.Columns(
        model=NAME + ("-licensed" if licensed_only else ""),
        questions=QUESTIONS,
        fine=labels.fine,
        slope=tuple(slope),
        offset=tuple(offset),
        share=share,
    )
    return columns, float((wrong * counted).sum() / counted.sum())
