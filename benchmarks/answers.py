"""Spoken answers to the question for consent: how many are understood, read only and read and weighed by their sound.

    python -m benchmarks.answers [--half odd|even] [--every N] [--json]

Answers are the customers' turns that answer the question in the shared conversations (written and synthesised); their
other short turns, short recorded utterances and noise are none. The numbers of `edge_agent.agent.spoken_answer` were
chosen on odd conversations. The sets are not part of the repository. Wanted: nothing but a yes is taken for one.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.machine import machine, told
from benchmarks.terms import SHARED
from edge_agent import weights
from edge_agent.agent.answer_listening import listened
from edge_agent.agent.spoken_answer import Said, answer_of, decided
from edge_agent.answer_scoring import AnswerScoring
from edge_agent.evaluation import read_recorded_set
from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from hardware.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, Samples
from hardware.media_file import MediaFileSource, Pace
from models.labels import ConsentState

_ROOM: Final = 3e-4
"""Hiss around each sound, full scale 1."""
_EDGE_S: Final = 0.2
_LONGEST_S: Final = 8.0
_OTHER_TURN_S: Final = 3.0
_OTHER_SPEECH_S: Final = 2.2
_ANSWERS: Final = {"granted": ConsentState.GRANTED, "declined": ConsentState.DECLINED}


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What somebody may say, or not, after the question."""

    kind: str
    """answer, turn, speech or noise."""
    samples: Samples
    means: ConsentState | None

    name = "answer"

    def frames(self) -> Iterator[AudioFrame]:
        """Give it with a second of room before it and three after."""
        hiss = np.random.default_rng(1).normal(0, _ROOM, 4 * SAMPLE_RATE_HZ).astype(np.float32)
        whole = np.concatenate([hiss[:SAMPLE_RATE_HZ], self.samples, hiss[SAMPLE_RATE_HZ:]])
        for at in range(0, len(whole) - FRAME_SAMPLES, FRAME_SAMPLES):
            yield AudioFrame(start_ms=at // SAMPLES_PER_MS, samples=whole[at : at + FRAME_SAMPLES])

    def close(self) -> None:
        """It holds nothing."""


def turns(folder: Path, *, half: str) -> Iterator[Sound]:
    """Give the answers and other short turns of customers."""
    for file in sorted(folder.glob("*.json")):
        known = json.loads(file.read_text("utf-8"))
        if (int(known["id"][-1]) % 2 == 1) != (half == "odd"):
            continue
        sound = whole(folder / known["audio"]["file"])
        for turn in known["turns"]:
            means = _ANSWERS.get(known["consent"]) if turn["i"] == known["consent_turn"] else None
            if means is None and (turn["role"] != "customer" or turn["end"] - turn["start"] > _OTHER_TURN_S):
                continue
            # Where consent was withdrawn, an earlier turn granted it, and none of the labels says which.
            if means is None and (known["consent"] == "withdrawn" or turn["i"] < known["consent_turn"]):
                continue
            first, last = (round(turn[edge] * SAMPLE_RATE_HZ) for edge in ("start", "end"))
            edge = round(_EDGE_S * SAMPLE_RATE_HZ)
            samples = sound[max(0, first - edge) : last + edge][: round(_LONGEST_S * SAMPLE_RATE_HZ)]
            yield Sound(kind="turn" if means is None else "answer", samples=samples, means=means)


def others(tsv: Path, *, half: str) -> Iterator[Sound]:
    """Give short recorded utterances, and noise."""
    for at, row in enumerate(read_recorded_set(tsv)):
        if (at % 2 == 1) == (half == "odd"):
            samples = whole(row.path)
            if len(samples) <= _OTHER_SPEECH_S * SAMPLE_RATE_HZ:
                yield Sound(kind="speech", samples=samples, means=None)
    size = 4 * SAMPLE_RATE_HZ
    dice = np.random.default_rng(3 if half == "odd" else 4)
    hum = np.sum([np.sin(2 * np.pi * hz * np.arange(size) / SAMPLE_RATE_HZ) / hz for hz in (100, 200, 300)], axis=0)
    cough = np.zeros(size)
    cough[8_000:12_000] = dice.normal(0, 0.2, 4_000) * np.exp(-np.arange(4_000) / 1_200)
    for noise in (dice.normal(0, 0.03, size), 3 * hum, cough):
        yield Sound(kind="noise", samples=noise.astype(np.float32), means=None)


def whole(path: Path) -> Samples:
    """Return the sound of a file."""
    items = MediaFileSource(path, pace=Pace.FAST).frames()
    return np.concatenate([item.samples for item in items if isinstance(item, AudioFrame)])


def judged(answered: ConsentState | None, sound: Sound) -> str:
    """Say whether an answer was taken for what it is."""
    if answered is sound.means:
        return "right"
    return "unclear" if answered is None else f"wrong_{'yes' if answered is ConsentState.GRANTED else 'no'}"


def first(said: list[Said], *, weighed: bool) -> ConsentState | None:
    """Return what the agent would take it for: the first answer that it is sure of."""
    for count in range(1, len(said) + 1):
        heard = said[:count]
        state = decided(heard) if weighed else answer_of([text for one in heard for text in one.texts])
        if state is not None:
            return state
    return None


def main() -> int:
    """Measure, print; 1 when something else was taken for a yes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("odd", "even"), default="even", help="of the conversations and utterances")
    parser.add_argument("--every", type=int, default=1, help="of what is no answer take every N-th")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    talks, speech = SHARED / "conversations", SHARED / "speech" / "utterances.tsv"
    if not talks.exists() or not speech.exists():
        print(f"answers: skipped, there is no {talks} or {speech} (set VOICETRAIL_SHARED)")
        return 0
    sounds = [*turns(talks, half=chosen.half), *others(speech, half=chosen.half)]
    answers = [sound for sound in sounds if sound.means is not None]
    none = [sound for sound in sounds if sound.means is None][:: chosen.every]
    recogniser = Recogniser(weights.locate("base", weights.default_cache_dir()), model_name="base")
    hearing, scoring = Hearing(recogniser), AnswerScoring(recogniser)
    read: Counter[str] = Counter()
    weighed: Counter[str] = Counter()
    for sound in track([*answers, *none], "sounds", console=Console(stderr=True, quiet=chosen.json)):
        said = list(listened(sound, hearing=hearing, scoring=scoring))
        kind = f"{sound.kind}{'' if sound.means is None else f'_{sound.means.value}'}"
        read[f"{kind}: {judged(first(said, weighed=False), sound)}"] += 1
        weighed[f"{kind}: {judged(first(said, weighed=True), sound)}"] += 1
    if chosen.json:
        print(json.dumps({"machine": told(machine()), "half": chosen.half, "read": read, "weighed": weighed}))
    else:
        print(told(machine(half=chosen.half)))
        for name in sorted(read.keys() | weighed.keys()):
            print(f"{name:28} read {read[name]:4}   weighed {weighed[name]:4}")
    return 1 if any("wrong_yes" in name for name in weighed) else 0


if __name__ == "__main__":
    sys.exit(main())
