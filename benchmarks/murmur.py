"""What becomes of a murmur, and of a voice near it: crowds of 4 to 24 voices, alone and below somebody who speaks.

    python -m benchmarks.murmur [--set FILE.tsv] [--conversations FOLDER] [--minutes N] [--seed N] [--json]

crowds          through the agent's hearing: minutes, the seconds that count as lost to a murmur, utterances. Wanted: no
                utterance. The speakers are not those that the weights were fitted on.
near voices     sentences 0 to 10 dB above a crowd, each followed by 2 or 12 s without: how many of their seconds are
                lost with a clip that was taken for a murmur. The talkers are not those that the weights were fitted on.
what is real    each utterance of the recorded set, and the whole conversations: clips that were taken for a murmur.
                Wanted: none.

The sets are not part of the repository: by default they are looked for in `shared` beside the checkout.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.crowds import Crowd, at_level, recorded_speakers, sound_of, with_echoes, without_pauses
from edge_agent import weights
from edge_agent.evaluation import read_recorded_set
from edge_agent.hearing import Hearing
from edge_agent.listening import Listened, Listening
from edge_agent.murmur import MURMUR, is_murmur
from edge_agent.recognition import Recogniser
from edge_agent.segmentation import Segmentation
from hardware.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, Samples

SHARED: Final = Path(os.environ.get("VOICETRAIL_SHARED", Path(__file__).parents[2] / "shared"))
VOICES: Final = (4, 8, 16, 24)
ECHOES_S: Final = (0.0, 0.5, 0.9)
LEVELS_DBFS: Final = (-20.0, -30.0, -40.0)
ABOVE_DB: Final = (0.0, 5.0, 7.5, 10.0)
_NEAR_DBFS: Final = -30.0
_NEAR_ECHOES_S: Final = 0.5
_NEAR_ECHOES_DB: Final = -6.0
_NEAR_FOR_S: Final = 90
_BETWEEN_S: Final = (2.0, 12.0)

Speakers = Mapping[str, Sequence[Samples]]


@dataclass(frozen=True, slots=True)
class CrowdHeard:
    """What the agent makes of a crowd."""

    voices: int
    pauses: bool
    minutes: float
    detected_s: float
    """What the detector took for speech."""
    lost_s: float
    """Of it, lost to a murmur."""
    utterances: int


@dataclass(frozen=True, slots=True)
class NearHeard:
    """What is left of a voice so far above a crowd."""

    above_db: float
    between_s: float
    """Seconds of the crowd alone after each sentence."""
    voices: int
    spoken_s: float
    lost_s: float


@dataclass(frozen=True, slots=True)
class RealHeard:
    """What is taken for a murmur of speech that is none."""

    what: str
    recordings: int
    clips: int
    murmurs: int


def main() -> int:
    """Measure, print tables or JSON; 1 when a wanted figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SHARED / "speech" / "utterances.tsv", help="the recorded set")
    parser.add_argument("--conversations", type=Path, default=SHARED / "conversations", help="folder of the recordings")
    parser.add_argument("--minutes", type=int, default=32, help="of crowds, in all")
    parser.add_argument("--seed", type=int, default=2026, help="of the crowds")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    chosen = parser.parse_args()
    if not chosen.set.exists():
        print(f"murmur: skipped, there is no {chosen.set} (name one with --set, or VOICETRAIL_SHARED)")
        return 0

    rng = np.random.default_rng(chosen.seed)
    speakers = recorded_speakers(chosen.set, fitted=False)
    crowds = list(_crowds(speakers, rng, minutes=chosen.minutes))
    around, rng = recorded_speakers(chosen.set, fitted=True), np.random.default_rng([chosen.seed, 1])
    near = [
        _near(
            Crowd(voices=voices, echoes_s=_NEAR_ECHOES_S), around, speakers, rng, above_db=above_db, between_s=between_s
        )
        for above_db in ABOVE_DB
        for between_s in _BETWEEN_S
        for voices in VOICES
    ]
    utterances = [row.path for row in read_recorded_set(chosen.set)]
    real = [_real("utterances", utterances), _real("conversations", sorted(chosen.conversations.glob("*.opus")))]
    if chosen.json:
        parts = {"crowds": crowds, "near": near, "real": real}
        print(json.dumps({name: [asdict(one) for one in figures] for name, figures in parts.items()}))
    else:
        _print(crowds, near, real)
    return int(any(one.utterances for one in crowds) or any(one.murmurs for one in real))


class Sounding:
    """A sound as a source."""

    name = "a sound"

    def __init__(self, sound: Samples) -> None:
        """Play 16 kHz mono."""
        self._sound = sound

    def frames(self) -> Iterator[AudioFrame]:
        """Give it at once."""
        for at in range(0, len(self._sound), FRAME_SAMPLES):
            yield AudioFrame(start_ms=at // SAMPLES_PER_MS, samples=self._sound[at : at + FRAME_SAMPLES])

    def close(self) -> None:
        """Nothing is open."""


def _crowds(speakers: Speakers, rng: np.random.Generator, *, minutes: int) -> Iterator[CrowdHeard]:
    """Let the agent hear each crowd as long as the others, at all levels, with and without echoes."""
    model = weights.DEFAULT_MODEL
    recogniser = Recogniser(weights.locate(model, weights.default_cache_dir()), model_name=model)
    samples = minutes * 60 * SAMPLE_RATE_HZ // (2 * len(VOICES) * len(ECHOES_S))
    for voices in VOICES:
        for pauses in (False, True):
            parts = [
                at_level(
                    Crowd(voices=voices, pauses=pauses, echoes_s=echoes_s).murmur(speakers, rng, samples=samples),
                    dbfs=dbfs,
                )
                for echoes_s, dbfs in zip(ECHOES_S, rng.permutation(LEVELS_DBFS), strict=True)
            ]
            sound = np.clip(np.concatenate(parts), -1, 1).astype(np.float32)
            blocks = list(Hearing(recogniser).hear(Sounding(sound)))
            spans = [span for block in blocks for span in block.spans]
            yield CrowdHeard(
                voices=voices,
                pauses=pauses,
                minutes=round(len(sound) / SAMPLE_RATE_HZ / 60, 2),
                detected_s=sum(span.end_ms - span.start_ms for span in spans if span.state != "silent") / 1000,
                lost_s=sum(span.end_ms - span.start_ms for span in spans if span.reason == MURMUR) / 1000,
                utterances=sum(len(block.utterances) for block in blocks),
            )


def _near(
    crowd: Crowd, around: Speakers, talkers: Speakers, rng: np.random.Generator, *, above_db: float, between_s: float
) -> NearHeard:
    """Let one after the other speak above a crowd, all in one room."""
    said = [recording for recordings in talkers.values() for recording in recordings]
    samples = _NEAR_FOR_S * SAMPLE_RATE_HZ
    sound = at_level(crowd.murmur(around, rng, samples=samples), dbfs=_NEAR_DBFS - above_db)
    spoken: list[tuple[int, int]] = []
    at = SAMPLE_RATE_HZ
    while True:
        sentence = at_level(without_pauses(said[rng.integers(len(said))], ends_only=True), dbfs=_NEAR_DBFS)
        if at + len(sentence) > samples:
            break
        heard = with_echoes(sentence, rng, echoes_s=_NEAR_ECHOES_S, louder_db=_NEAR_ECHOES_DB)
        sound[at : at + len(sentence)] += heard
        spoken.append((at // SAMPLES_PER_MS, (at + len(sentence)) // SAMPLES_PER_MS))
        at += len(sentence) + round(between_s * SAMPLE_RATE_HZ)
    murmurs = [(one.plan.speech[0].start_ms, one.plan.speech[-1].end_ms) for one in _murmurs(_clips(sound))]
    lost_ms = sum(
        max(0, min(end_ms, until_ms) - max(start_ms, from_ms))
        for start_ms, end_ms in spoken
        for from_ms, until_ms in murmurs
    )
    return NearHeard(
        above_db, between_s, crowd.voices, sum(end_ms - start_ms for start_ms, end_ms in spoken) / 1000, lost_ms / 1000
    )


def _real(what: str, recordings: Sequence[Path]) -> RealHeard:
    clips = [clip for path in recordings for clip in _clips(sound_of(path))]
    return RealHeard(what, len(recordings), len(clips), len(_murmurs(clips)))


def _clips(sound: Samples) -> list[Listened]:
    """Give the blocks with speech, as the agent finds them."""
    blocks = Listening(settings=Segmentation()).blocks(Sounding(sound.astype(np.float32)).frames())
    return [block for block in blocks if isinstance(block, Listened) and block.plan.speech]


def _murmurs(clips: Sequence[Listened]) -> list[Listened]:
    return [clip for clip in clips if is_murmur(clip.clip)]


def _print(crowds: Sequence[CrowdHeard], near: Sequence[NearHeard], real: Sequence[RealHeard]) -> None:
    console = Console()
    for title, figures in (("crowds", crowds), ("near voices", near), ("what is real", real)):
        rows = [asdict(one) for one in figures]
        table = Table(*rows[0], title=title)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
