"""`voicetrail-nlp`: analyse a text, measure the models, train them."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.analysis import Analysis, Label
from models.errors import UnderstandingError, VoicetrailError
from models.labels import Role
from nlp.cli_training import base, train
from nlp.gold import Ids
from nlp.redaction import redact
from nlp.settings import NlpSettings
from nlp.understanding import Reason, Turn, Understanding, load

_EXIT_FAILED: Final = 1
_EXIT_BAD_INPUT: Final = 2
_BAD_INPUT: Final = frozenset({"broken_line", "data_missing", "no_rows", "text_too_long", "bad_input", "unknown_label"})

app = typer.Typer(
    name="voicetrail-nlp",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""What a Chinese text says: feeling, intents, aspects, with personal data masked first.

    Try: voicetrail-nlp analyse "等了一个小时还没轮到我"

    Measure: voicetrail-nlp eval sentiment reviews.jsonl --split test
    """,
)
evaluation = typer.Typer(no_args_is_help=True, help="Measure the models on labelled files.")
app.add_typer(evaluation, name="eval")
app.command()(base)
app.command()(train)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", help="Folder of trained weights; by default those of the package.")
]
Rows = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines with text and label.")]
Split = Annotated[
    str | None, typer.Option("--split", help="Only rows of this split (train, dev, test); rows without one stay.")
]
Noise = Annotated[
    float,
    typer.Option("--noise", min=0, max=1, help="Swap this share of characters for homophones and drop punctuation."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of the noise: the same seed gives the same noise.")]


@app.command()
def analyse(
    *,
    text: Annotated[str, typer.Argument(help="What was said; - reads standard input, one turn a line.")],
    role: Annotated[Role, typer.Option("--role", help="Who speaks; unknown: read it from the words.")] = Role.UNKNOWN,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Mask personal data, then say what a text means and which characters speak for it.

    Examples:

      voicetrail-nlp analyse "这也太贵了吧" --role customer

      voicetrail-nlp analyse - --json < turns.txt
    """
    said = _standard_input() if text == "-" else [text]
    understanding = _understanding(weights)
    masked = [redact(one).text for one in said]
    turns = [Turn(UUID(int=number), role, 0, 0, one) for number, one in enumerate(masked)]
    console = Console(highlight=False, soft_wrap=True)
    for turn, analysis in zip(turns, understanding.analyse(turns), strict=True):
        reasons = understanding.explain(turn.text, role=analysis.role)
        if as_json:
            typer.echo(json.dumps(_as_values(turn.text, analysis, reasons), ensure_ascii=False))
        else:
            console.print(_as_table(turn.text, analysis, reasons))


def _standard_input() -> list[str]:
    lines = sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()] or [""]


def _understanding(weights: Path | None) -> Understanding:
    return load(weights or NlpSettings().weights)


def _as_values(text: str, analysis: Analysis, reasons: tuple[Reason, ...]) -> dict[str, object]:
    return {
        "text": text,
        **analysis.model_dump(mode="json", exclude={"utterance_id"}),
        "why": [reason._asdict() for reason in reasons],
    }


def _as_table(text: str, analysis: Analysis, reasons: tuple[Reason, ...]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    uncertain = ", uncertain" if analysis.sentiment_uncertain else ""
    table.add_row("text", Text(text))
    table.add_row("role", analysis.role.value)
    table.add_row("sentiment", f"{analysis.sentiment.value} ({analysis.sentiment_probability:.2f}{uncertain})")
    for name, labels in (("intents", analysis.intents), ("acts", analysis.acts), ("aspects", analysis.aspects)):
        table.add_row(name, _as_words(labels))
    table.add_row("terms", Text(" ".join(analysis.terms) or "–"))
    for label in dict.fromkeys(reason.label for reason in reasons):
        words = "  ".join(f"{one.words} {one.weight:+.1f}" for one in reasons if one.label == label)
        table.add_row(f"why {label}", Text(words))
    return table


def _as_words(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"{label.name} ({label.probability:.2f})" for label in labels) or "–"


@evaluation.command()
def sentiment(
    *,
    file: Rows,
    split: Split = None,
    noise: Noise = 0.0,
    seed: Seed = 0,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Measure sentiment on rows labelled 1 / 0, 1 / 0 / -1 or positive / neutral / negative.

    Where no row is neutral, the models decide between negative and positive only.

    Example:

      voicetrail-nlp eval sentiment sentiment_waimai.jsonl --split test --noise 0.1 --json
    """
    from nlp.evaluation import evaluate_sentiment  # nobody who only analyses should load it
    from nlp.rows import sentiment_rows

    rows = sentiment_rows(file, split=split)
    _print(asdict(evaluate_sentiment(_understanding(weights), rows, noise=noise, seed=seed)), as_json=as_json)


@evaluation.command()
def intent(
    *,
    file: Rows,
    split: Split = None,
    noise: Noise = 0.0,
    seed: Seed = 0,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Measure intents on rows labelled with CIC's fine intents or with the 17 codes (none stands for no intent).

    accuracy_17 and macro_f1_17 are over the 17 intents that fine labels stand for, and none.

    Example:

      voicetrail-nlp eval intent intent_cic_ecommerce118.jsonl --split test --json
    """
    from nlp.evaluation import evaluate_intent  # nobody who only analyses should load it
    from nlp.rows import intent_rows

    rows = intent_rows(file, split=split)
    _print(asdict(evaluate_intent(_understanding(weights), rows, noise=noise, seed=seed)), as_json=as_json)


@evaluation.command()
def conversations(
    *,
    place: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Conversations with gold labels, ID.json each; or our own set's file."),
    ],
    ids: Annotated[
        Ids, typer.Option("--ids", help="Only those whose id ends with an odd or an even number.")
    ] = Ids.ALL,
    read_roles: Annotated[bool, typer.Option("--read-roles", help="Do not tell the models who speaks.")] = False,
    noise: Noise = 0.0,
    seed: Seed = 0,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Measure every label on whole conversations whose customers agreed to be recorded.

    Events count by kind and a shared turn, promises by their turn, due times by their last day, masks by the stretch
    they hide. ece is the calibration error of customers' sentiment. A figure is null where there is nothing to measure.

    Example:

      voicetrail-nlp eval conversations ../shared/conversations --ids odd --json
    """
    from nlp.conversations import evaluate_conversations  # nobody who only analyses should load it

    figures = evaluate_conversations(
        _understanding(weights), place, roles_known=not read_roles, noise=noise, seed=seed, ids=ids
    )
    _print(figures.as_values(), as_json=as_json)


def _print(figures: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for key, value in figures.items():
        if isinstance(value, dict):
            typer.echo(key)
            _print(
                {f"  {name}": part if not isinstance(part, dict) else _line(part) for name, part in value.items()},
                as_json=False,
            )
        else:
            typer.echo(f"{key:20} {value}")


def _line(figures: Mapping[str, object]) -> str:
    return "  ".join(f"{name} {'–' if value is None else value}" for name, value in figures.items())


def main() -> NoReturn:
    """Run the program; foreseeable errors end it with a message, advice and a status, never a traceback."""
    try:
        app()
    except VoicetrailError as error:
        # The one place where errors of ours end: they become words and an exit status.
        _say(error)
        sys.exit(_EXIT_BAD_INPUT if error.code in _BAD_INPUT else _EXIT_FAILED)
    except OSError as error:
        # A file or pipe that the system refuses, wherever it happens; the system's own words say which.
        _say(UnderstandingError(str(error), code="system", advice="Check the file and your rights on it."))
        sys.exit(_EXIT_FAILED)
    sys.exit(0)


def _say(error: VoicetrailError) -> None:
    words = f"{error.code}: {error.message} {error.advice}".rstrip()
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(words, style="red"))


if __name__ == "__main__":
    main()
