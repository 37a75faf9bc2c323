"""How many of the events of written conversations are found, and how many are invented.

Compares what the rules derive with the gold events of a folder of conversations (ID.json as in the project's shared
data) by kind and a shared turn. The conversations were written and synthesised for the project.

    python benchmarks/events.py ../shared/conversations --labels model --roles gold
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table

from models.analysis import Analysis, Label
from models.labels import Intent, Role, Sentiment, StaffAct
from nlp import understanding
from nlp.event_scores import match, utterance_id
from nlp.events.derive import Spoken, derive
from nlp.events.rules import shipped_rules
from nlp.gold import UNDATED, GoldEvent
from nlp.journeys.attach import Journey
from nlp.journeys.shipped import shipped_maps
from nlp.noise import homophone_noise
from nlp.redaction import redact

Gold = dict[str, Any]


def read(folder: Path) -> Iterator[Gold]:
    """Yield the conversations whose customers agreed; withdrawn ones count up to the withdrawal."""
    for path in sorted(folder.glob("*.json")):
        gold = json.loads(path.read_text(encoding="utf-8"))
        if gold["consent"] == "granted":
            yield gold


def gold_analysis(turn: Gold, utterance_id: UUID) -> Analysis:
    """Make an analysis of the gold labels, as a perfect model would give it."""
    return Analysis(
        utterance_id=utterance_id,
        role=Role(turn["role"]),
        sentiment=Sentiment(turn["sentiment"]),
        sentiment_probability=0.9,
        sentiment_uncertain=False,
        intents=tuple(Label(name=name, probability=0.9) for name in turn["intents"] if name in set(Intent)),
        acts=tuple(Label(name=name, probability=0.9) for name in turn["intents"] if name in set(StaffAct)),
        model="gold",
    )


def misheard(turns: list[Gold], *, share: float) -> list[Gold]:
    """Return turns with a share of homophones and without punctuation, as a poor recogniser writes them."""
    return [turn | {"text": homophone_noise(turn["text"], share=share, seed=turn["i"])} for turn in turns]


def spoken(gold: Gold, *, labels: str, roles: str, noise: float) -> list[Spoken]:
    """Return a conversation's turns with labels of the gold, of the model, or none."""
    turns = misheard(gold["turns"], share=noise) if noise else gold["turns"]
    ids = [utterance_id(turn["i"]) for turn in turns]
    role = [Role(turn["role"]) if roles == "gold" else Role.UNKNOWN for turn in turns]
    if labels == "model":
        texts = [redact(turn["text"]).text for turn in turns]
        heard = [
            understanding.Turn(ids[i], role[i], int(turn["start"] * 1000), int(turn["end"] * 1000), texts[i])
            for i, turn in enumerate(turns)
        ]
        found = {analysis.utterance_id: analysis for analysis in _models().analyse(heard)}
    else:
        texts = [turn["text"] for turn in turns]
        found = {ids[i]: gold_analysis(turn, ids[i]) for i, turn in enumerate(turns)}
        if labels == "none":
            blank = {"intents": (), "acts": (), "sentiment_uncertain": True}
            found = {one: analysis.model_copy(update=blank) for one, analysis in found.items()}
    return [
        Spoken(
            id=ids[i],
            start_ms=int(turn["start"] * 1000),
            end_ms=int(turn["end"] * 1000),
            text=texts[i],
            role=role[i],
            analysis=found.get(ids[i]),
        )
        for i, turn in enumerate(turns)
    ]


@cache
def _models() -> understanding.Understanding:
    return understanding.load()


def measure(folder: Path, *, labels: str, roles: str, noise: float, verbose: bool) -> dict[str, Any]:
    """Return precision, recall and touchpoint accuracy, overall and by kind."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    placed = right = on_empty = 0
    for gold in read(folder):
        turns = spoken(gold, labels=labels, roles=roles, noise=noise)
        drafts = derive(turns, rules=shipped_rules(), at=UNDATED)
        journey = Journey(turns, journey=shipped_maps()[gold["industry"]], channel=gold["channel"])
        pairs, invented, missed = match(drafts, [GoldEvent.model_validate(event) for event in gold["events"]])
        on_empty += 0 if gold["events"] else len(drafts)
        for draft, event in pairs:
            counts[draft.kind]["found"] += 1
            touchpoint = journey.place_event(draft).touchpoint.code
            placed, right = placed + 1, right + (touchpoint == event.touchpoint)
            if verbose and touchpoint != event.touchpoint:
                print(f"{gold['id']} placed  {draft.kind} {touchpoint}, gold {event.touchpoint}: {draft.quote}")
        for draft in invented:
            counts[draft.kind]["invented"] += 1
            if verbose:
                print(f"{gold['id']} invented {draft.kind} {draft.probability}: {draft.quote}")
        for event in missed:
            counts[event.kind]["missed"] += 1
            if verbose:
                print(f"{gold['id']} missed   {event.kind} {event.turns}")
    total: Counter[str] = sum(counts.values(), Counter())
    return {
        "labels": labels,
        "roles": roles,
        "noise": noise,
        "overall": _figures(total),
        "kinds": {kind: _figures(count) for kind, count in sorted(counts.items())},
        "touchpoint_accuracy": round(right / placed, 3) if placed else None,
        "events_on_empty_conversations": on_empty,
    }


def _figures(count: Counter[str]) -> dict[str, float]:
    derived, wanted = count["found"] + count["invented"], count["found"] + count["missed"]
    precision = count["found"] / derived if derived else 0.0
    recall = count["found"] / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {
        "gold": wanted,
        "derived": derived,
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(f1, 3),
    }


def main() -> None:
    """Print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", choices=("model", "gold", "none"), default="model")
    parser.add_argument("--roles", choices=("gold", "unknown"), default="gold")
    parser.add_argument("--noise", type=float, default=0.0, help="share of characters swapped for homophones")
    parser.add_argument("--verbose", action="store_true", help="print what was missed, invented or placed elsewhere")
    chosen = parser.parse_args()
    figures = measure(
        chosen.folder, labels=chosen.labels, roles=chosen.roles, noise=chosen.noise, verbose=chosen.verbose
    )
    table = Table("kind", "gold", "derived", "precision", "recall", "F1", title="events of written conversations")
    for kind, row in {**figures["kinds"], "overall": figures["overall"]}.items():
        table.add_row(kind, *(str(row[name]) for name in ("gold", "derived", "precision", "recall", "f1")))
    Console().print(table)
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
