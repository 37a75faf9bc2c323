"""Character error rate and CPU of recognition beside stock faster-whisper, on the same weights in the same run.

    python -m benchmarks.recognition [--set FILE.tsv] [--conversations FOLDER] [--json]

utterances      each utterance of the recorded set as a clip of its own; the two decodings take turns utterance by
                utterance, so the machine's ups and downs meet both. CPU is counted, not the clock on the wall.
conversations   whole recordings through detection, blocks and recognition, as a device hears them, against their
                written text; four of them, two with babble and two with noise. Written and synthesised.

The sets are not part of the repository: by default they are looked for in `shared` beside the checkout. Wanted: at most
half of stock's CPU at a CER (numerals folded) no more than 0.5 points higher.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import ctranslate2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import machine, told
from edge_agent import weights
from edge_agent.error_rate import Edits, edits_with_numerals_folded
from edge_agent.evaluation import AsrEvaluation, evaluate_asr
from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from hardware.media_file import MediaFileSource, Pace

SHARED: Final = Path(os.environ.get("VOICETRAIL_SHARED", Path(__file__).parents[2] / "shared"))
CONVERSATIONS: Final = ("auto-01", "bank-03", "home-02", "insurance-03")
MOST_CPU_SHARE: Final = 0.5
MOST_CER_ABOVE: Final = 0.005


@dataclass(frozen=True, slots=True)
class HeardConversation:
    """What a device makes of a whole recording."""

    name: str
    noise: str
    seconds: float
    cer_folded: float
    cpu_rtf: float
    """CPU seconds of decoding the file, detection and recognition, per second of audio."""
    utterances: int
    suspect: int


def main() -> int:
    """Measure, print a table or JSON; 1 when a wanted figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SHARED / "speech" / "utterances.tsv", help="the recorded set")
    parser.add_argument("--conversations", type=Path, default=SHARED / "conversations", help="folder of the recordings")
    parser.add_argument("--model", default=weights.DEFAULT_MODEL, help="a Whisper by name, folder or hub id")
    parser.add_argument("--threads", type=int, default=1, help="threads inside one decoding")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    chosen = parser.parse_args()
    if not chosen.set.exists():
        print(f"recognition: skipped, there is no {chosen.set} (name one with --set, or VOICETRAIL_SHARED)")
        return 0

    folder = weights.locate(chosen.model, weights.default_cache_dir())
    recogniser = Recogniser(folder, model_name=chosen.model, cpu_threads=chosen.threads)
    evaluation = _utterances(chosen.set, recogniser, quiet=chosen.json)
    heard = _conversations(chosen.conversations, recogniser, quiet=chosen.json)
    known = machine(ctranslate2=ctranslate2.__version__, threads_per_decoding=chosen.threads)
    if chosen.json:
        report = {
            "machine": known,
            "utterances": evaluation.model_dump(),
            "cpu_share": round(_cpu_share(evaluation), 4),
            "cer_folded_above_stock": round(_cer_above(evaluation), 5),
            "conversations": [asdict(conversation) for conversation in heard],
        }
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(known, evaluation, heard)
    return 0 if _cpu_share(evaluation) <= MOST_CPU_SHARE and _cer_above(evaluation) <= MOST_CER_ABOVE else 1


def _utterances(tsv: Path, recogniser: Recogniser, *, quiet: bool) -> AsrEvaluation:
    console = Console(stderr=True, quiet=quiet)
    with console.status("utterances") as status:
        return evaluate_asr(
            tsv,
            recogniser=recogniser,
            compare_stock=True,
            progress=lambda done, total: status.update(f"utterances {done}/{total}"),
        )


def _conversations(folder: Path, recogniser: Recogniser, *, quiet: bool) -> list[HeardConversation]:
    names = [name for name in CONVERSATIONS if (folder / f"{name}.opus").exists()]
    console = Console(stderr=True, quiet=quiet)
    return [_conversation(folder, name, recogniser) for name in track(names, "conversations", console=console)]


def _conversation(folder: Path, name: str, recogniser: Recogniser) -> HeardConversation:
    written = json.loads((folder / f"{name}.json").read_text())
    started_s = time.process_time()
    blocks = list(Hearing(recogniser).hear(MediaFileSource(folder / f"{name}.opus", pace=Pace.FAST)))
    cpu_s = time.process_time() - started_s
    said = [utterance for block in blocks for utterance in block.utterances]
    counted: Edits = edits_with_numerals_folded(
        "".join(turn["text"] for turn in written["turns"]), "".join(utterance.text for utterance in said)
    )
    seconds = blocks[-1].end_ms / 1000
    return HeardConversation(
        name=name,
        noise=f"{written['audio']['noise']} {written['audio']['snr_db']} dB",
        seconds=round(seconds, 1),
        cer_folded=round(counted.rate, 5),
        cpu_rtf=round(cpu_s / seconds, 4),
        utterances=len(said),
        suspect=sum(utterance.suspect is not None for utterance in said),
    )


def _cpu_share(evaluation: AsrEvaluation) -> float:
    assert evaluation.stock is not None
    return evaluation.cpu_s / evaluation.stock.cpu_s


def _cer_above(evaluation: AsrEvaluation) -> float:
    assert evaluation.stock is not None
    return evaluation.cer_folded - evaluation.stock.cer_folded


def _print(known: dict[str, object], evaluation: AsrEvaluation, heard: Sequence[HeardConversation]) -> None:
    console = Console()
    console.print(told(known))
    table = Table("decoding", "utterances", "CER", "CER folded", "CPU s", "CPU RTF", "peak MB")
    for name, figures in (("short context", evaluation), ("stock", evaluation.stock)):
        if figures is not None:
            table.add_row(
                name,
                str(figures.utterances),
                f"{figures.cer:.2%}",
                f"{figures.cer_folded:.2%}",
                f"{figures.cpu_s:.1f}",
                f"{figures.cpu_rtf:.3f}",
                f"{figures.peak_mb:.0f}",
            )
    console.print(table)
    console.print(
        f"CPU {_cpu_share(evaluation):.2f} × stock (wanted ≤ {MOST_CPU_SHARE}), "
        f"CER folded {100 * _cer_above(evaluation):+.2f} points (wanted ≤ +{100 * MOST_CER_ABOVE})"
    )
    conversations = Table("conversation", "noise", "s", "CER folded", "CPU RTF", "utterances", "suspect")
    for conversation in heard:
        conversations.add_row(*(str(value) for value in asdict(conversation).values()))
    console.print(conversations)


if __name__ == "__main__":
    sys.exit(main())
