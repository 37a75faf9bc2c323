"""How well feeling is read where words mislead: sarcasm, negation, rhetorical questions, mixed feeling.

Reads the turns of `benchmarks/data/hard_turns.tsv` (written for this measurement, never trained on) with the shipped
models, each after the turn of staff that it answers. With the interpreter of an environment that has snownlp and
cnsenti, those are measured on the same turns, in the same run; they see no context.

    python -m benchmarks.hard_turns --peers /tmp/peers/bin/python
"""

import argparse
import json
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, told
from models.analysis import Analysis
from models.labels import Intent, Role, Sentiment
from nlp.evaluation import scores
from nlp.understanding import Turn, Understanding, load

FILE: Final = Path(__file__).parent / "data" / "hard_turns.tsv"

# SnowNLP gives one probability: around its middle it says neither. cnsenti counts words of its lexicon.
_PEERS: Final = """
import json, sys
texts = json.load(sys.stdin)
from snownlp import SnowNLP
from cnsenti import Sentiment
lexicon = Sentiment()
def snow(text):
    positive = SnowNLP(text).sentiments
    return "neutral" if 0.4 <= positive <= 0.6 else "positive" if positive > 0.6 else "negative"
def words(text):
    found = lexicon.sentiment_calculate(text)
    return "neutral" if found["pos"] == found["neg"] else "positive" if found["pos"] > found["neg"] else "negative"
json.dump({"SnowNLP": list(map(snow, texts)), "cnsenti": list(map(words, texts))}, sys.stdout)
"""


class Hard(NamedTuple):
    """One turn of a customer that is easily misread."""

    kind: str
    sentiment: Sentiment
    intent: Intent | None
    """None where none is clear."""
    before: str
    """The turn of staff that it answers; empty where it needs none."""
    text: str


def hard_turns() -> list[Hard]:
    """Read the suite."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [
        Hard(kind, Sentiment(sentiment), None if intent == "-" else Intent(intent), before.removeprefix("-"), text)
        for kind, sentiment, intent, before, text in rows
    ]


def analysed(turns: Sequence[Hard], understanding: Understanding) -> list[Analysis]:
    """Analyse each turn after the one before it."""
    found = []
    for turn in turns:
        said = [(Role.STAFF, turn.before)] if turn.before else []
        spoken = [
            Turn(UUID(int=place), role, 3000 * place, 3000 * place + 2500, text)
            for place, (role, text) in enumerate([*said, (Role.CUSTOMER, turn.text)])
        ]
        found.append(understanding.analyse(spoken)[-1])
    return found


def peers(turns: Sequence[Hard], python: Path) -> dict[str, list[str]]:
    """What SnowNLP and cnsenti say of the same turns."""
    texts = json.dumps([turn.text for turn in turns])
    done = subprocess.run([python, "-c", _PEERS], input=texts, capture_output=True, text=True, check=True, timeout=300)
    answers: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def figures(turns: Sequence[Hard], given: Sequence[str]) -> dict[str, float]:
    """Accuracy of the three sentiments, of each kind and of all; and between negative and positive alone."""
    rows: dict[str, list[bool]] = defaultdict(list)
    for turn, answer in zip(turns, given, strict=True):
        rows[turn.kind].append(turn.sentiment == answer)
    whole = scores([turn.sentiment for turn in turns], given)
    felt = [(turn, answer) for turn, answer in zip(turns, given, strict=True) if turn.sentiment != Sentiment.NEUTRAL]
    return {
        **{kind: round(sum(hits) / len(hits), 3) for kind, hits in sorted(rows.items())},
        "all": whole.accuracy,
        "macro_f1": whole.macro_f1,
        "felt": round(sum(turn.sentiment == answer for turn, answer in felt) / len(felt), 3),
    }


def measure(understanding: Understanding, *, python: Path | None = None) -> dict[str, Any]:
    """Measure the models, and what people would take instead where an interpreter has it."""
    turns = hard_turns()
    ours = analysed(turns, understanding)
    answers: dict[str, Sequence[str]] = {understanding.model: [one.sentiment.value for one in ours]}
    answers |= peers(turns, python) if python else {}
    intents = [(turn.intent, one) for turn, one in zip(turns, ours, strict=True) if turn.intent]
    named = sum(intent in {label.name for label in one.intents} for intent, one in intents)
    return {
        "n": len(turns),
        "sentiment": {name: figures(turns, given) for name, given in answers.items()},
        "always_negative": figures(turns, [Sentiment.NEGATIVE.value] * len(turns)),
        "intent_recall": round(named / len(intents), 3),
        "intents": len(intents),
        "machine": told(machine()),
    }


def main() -> None:
    """Print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="folder of trained weights; by default those of the package")
    parser.add_argument("--peers", type=Path, help="interpreter of an environment with snownlp and cnsenti")
    chosen = parser.parse_args()
    found = measure(load(chosen.weights), python=chosen.peers)
    columns = {**found["sentiment"], "always negative": found["always_negative"]}
    table = Table("accuracy", *columns, title=f"{found['n']} turns whose words mislead")
    for row in next(iter(columns.values())):
        table.add_row(row, *(str(one[row]) for one in columns.values()))
    Console().print(table)
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
