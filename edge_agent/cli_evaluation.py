"""The commands that measure: `voicetrail-edge eval asr` and `voicetrail-edge eval conversations`.

What they need is imported within: faster-whisper takes over a second to load, which no other command should wait for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import Progress

from edge_agent import cli_options as options

evaluation = typer.Typer(no_args_is_help=True, help="Measure recognition on recordings with known text.")

Compare = Annotated[
    Literal["stock"] | None, typer.Option("--compare", help="stock: also decode as faster-whisper does by default.")
]


@evaluation.command()
def asr(
    *,
    file: Annotated[Path, typer.Argument(help="Tab-separated, columns path (relative to the file) and text.")],
    compare: Compare = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Measure character error rate and CPU cost of recognition on a recorded set.

    Example:

      voicetrail-edge eval asr utterances.tsv --compare stock --json
    """
    from edge_agent.evaluation import evaluate_asr
    from edge_agent.recogniser_loading import load_recogniser

    given = options.invocation(None, lang)
    recogniser = load_recogniser(given.settings, messages=given.messages)
    with _progress(file.name) as progress:
        figures = evaluate_asr(file, recogniser=recogniser, compare_stock=compare == "stock", progress=progress)
    _print(figures, as_json=as_json)


@evaluation.command()
def conversations(
    *,
    folder: Annotated[Path, typer.Argument(help="Holds ID.json with gold turns (role, text, start, end) and ID.opus.")],
    enrol: Annotated[
        bool, typer.Option("--enrol", help="Learn each staff member's voice first, from another conversation.")
    ] = False,
    compare: Compare = None,
    as_json: options.AsJson = False,
    lang: options.Lang = None,
) -> None:
    """Measure who spoke, what was said, its CPU cost, and how soon the text is there, on conversations with gold turns.

    Example:

      voicetrail-edge eval conversations talks --enrol --compare stock --json
    """
    from edge_agent.evaluation_conversations import evaluate_conversations
    from edge_agent.recogniser_loading import load_recogniser
    from edge_agent.voice_embedder import VoiceEmbedder
    from nlp import understanding

    given = options.invocation(None, lang)
    recogniser = load_recogniser(given.settings, messages=given.messages)
    with _progress(folder.name) as progress:
        figures = evaluate_conversations(
            folder,
            recogniser=recogniser,
            embedder=VoiceEmbedder(),
            staff_log_odds=understanding.load().staff_log_odds,
            enrol=enrol,
            compare_stock=compare == "stock",
            progress=progress,
        )
    _print(figures, as_json=as_json)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while it lasts; give what is told how many of how many are done."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(figures: BaseModel, *, as_json: bool) -> None:
    if as_json:
        typer.echo(figures.model_dump_json())
        return
    known = figures.model_dump(exclude_none=True)
    width = max(map(len, known))
    for key, value in known.items():
        typer.echo(f"{key:{width}} {value}")
