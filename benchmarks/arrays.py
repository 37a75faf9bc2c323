"""What an array of microphones is worth at a noisy counter: who spoke by direction, and characters read wrong.

    python -m benchmarks.arrays [--set FILE.tsv] [--rooms measured|development] [--count N] [--quick] [--json]

Simulated rooms (benchmarks/array_rooms.py) with recorded speech, babble of others 10, 5 and 0 dB below the customer.
Figures come from the measured rooms, on which nothing is ever chosen; settings are tried in the development rooms.
roles   the side with the greater log-odds by direction, for segments of 0.5 s and 1 s that hold speech and for turns.
CER     numerals folded, of staff and customer at 10 and 5 dB, each turn as a clip of its own, one decoding each:
        one microphone of the array; the beam that stays with the customer; the beam that turns to who speaks, which is
        what devices do; and MVDR toward the customer with the noise covariance of the pauses, which are known here: the
        best that estimating it could reach.

The recorded set is not part of the repository: by default it is looked for in `shared` beside the checkout. Wanted:
95 % of 1 s segments right at 10 dB; with the turning beam fewer characters of either role read wrong than with one
microphone at 10 and at 5 dB, of the customer also by the lower end of the 95 % interval (bootstrap over turns); at most
a tenth of one core.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyroomacoustics
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import signal

from benchmarks.array_rooms import Scene, Signals, Turn, Voices, scene
from benchmarks.machine import machine, told
from edge_agent.direction_evidence import direction_log_odds
from edge_agent.error_rate import Edits, edits_with_numerals_folded
from edge_agent.messages import Messages, language_of
from edge_agent.recogniser_loading import load_recogniser
from edge_agent.recognition import Recogniser
from edge_agent.settings import EdgeSettings
from hardware.array_beamforming import minimum_variance
from hardware.array_geometry import WINDOW_SAMPLES
from hardware.array_profile import ArrayProfile, find_profile
from hardware.array_stream import BLOCK_SAMPLES, HOP_SAMPLES, ArrayStream, Beam
from hardware.audio import SAMPLE_RATE_HZ, Samples

SHARED: Final = Path(os.environ.get("VOICETRAIL_SHARED", Path(__file__).parents[2] / "shared"))
ROLE_SNRS_DB: Final = (10, 5, 0)
CER_SNRS_DB: Final = (10, 5)
SEGMENT_BLOCKS: Final = {"0.5 s": 8, "1 s": 16}
ARRAYS: Final = {
    "ReSpeaker v2 (4)": find_profile("respeaker-v2"),
    # Simulated at 16 kHz: what reducing the rate does has a test of its own.
    "UMA-8 (7)": find_profile("uma-8").model_copy(update={"rate_hz": SAMPLE_RATE_HZ}),
}
CER_ARRAY: Final = "ReSpeaker v2 (4)"
ONE: Final = "one microphone"
TURNING: Final = "turning beam"
MEASURED: Final = "measured"
DEVELOPMENT: Final = "development"
FIRST_SEED: Final = {MEASURED: 20_261_122, DEVELOPMENT: 0}
"""Rooms by the seed of the first of them. Settings were chosen in up to 40 of the development rooms."""
LEAST_ACCURACY: Final = 0.95
MOST_RTF: Final = 0.1

# A detector of speech would have cut what is quieter than this, against the turn it lies in.
_SPEECH_DB = -10.0
# A little before and after a turn, as segmentation leaves it.
_MARGIN_SAMPLES = SAMPLE_RATE_HZ // 10
_RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class RoleFigure:
    """How often direction alone told staff from customer."""

    array: str
    snr_db: int
    segment: str
    right: float
    segments: int


@dataclass(frozen=True, slots=True)
class CerFigure:
    """What was read wrong, and by how much less than with one microphone."""

    way: str
    array: str
    snr_db: int
    role: str
    cer_folded: float
    gain: float
    """CER of one microphone less this one."""
    gain_low: float
    """Lower end of its 95 % interval."""
    turns: int


def main() -> int:
    """Measure, print tables or JSON; 1 when a wanted figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SHARED / "speech" / "utterances.tsv", help="the recorded set")
    parser.add_argument("--rooms", choices=list(FIRST_SEED), default=MEASURED, help="which rooms")
    parser.add_argument("--count", type=int, default=10, help="how many rooms, each with six turns")
    parser.add_argument("--quick", action="store_true", help="three development rooms: the intervals are wide")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    chosen = parser.parse_args()
    if not chosen.set.exists():
        print(f"arrays: skipped, there is no {chosen.set} (name one with --set, or VOICETRAIL_SHARED)")
        return 0

    recogniser = load_recogniser(EdgeSettings.load(), messages=Messages(language_of()))
    bench = Bench(recogniser)
    voices = Voices(chosen.set)
    rooms, count = (DEVELOPMENT, 3) if chosen.quick else (chosen.rooms, chosen.count)
    seeds = range(FIRST_SEED[rooms], FIRST_SEED[rooms] + count)
    for seed in track(seeds, "rooms", console=Console(stderr=True, quiet=chosen.json)):
        bench.measure(scene(voices, ARRAYS, seed=seed), seed=seed)
    roles, cers, rtf = bench.roles(), bench.cers(), bench.rtf()
    known = machine(pyroomacoustics=pyroomacoustics.__version__, model=recogniser.model_name, rooms=f"{count} {rooms}")
    if chosen.json:
        report = {"machine": known, "rtf": rtf, "roles": [*map(asdict, roles)], "cer": [*map(asdict, cers)]}
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(known, roles, cers, rtf)
    return 0 if _reached(roles, cers, rtf) else 1


class Bench:
    """Collects what each scene gives."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._right: dict[tuple[str, int, str], list[bool]] = defaultdict(list)
        self._edits: dict[tuple[str, str, int, str], list[Edits]] = defaultdict(list)
        self._cpu_s: dict[str, float] = defaultdict(float)
        self._audio_s: dict[str, float] = defaultdict(float)

    def measure(self, talk: Scene, *, seed: int) -> None:
        """Hear one conversation with every array, at every level of babble."""
        for array, profile in ARRAYS.items():
            for snr_db in ROLE_SNRS_DB:
                channels = talk.mixed(array, profile, snr_db=snr_db, seed=seed)
                beams = self._heard(array, profile, channels, sides_deg=(talk.customer_deg, talk.staff_deg))
                for turn in talk.turns:
                    self._tell_apart(talk, turn, beams, array=array, snr_db=snr_db)
                if snr_db in CER_SNRS_DB:
                    self._read(talk, TURNING, _samples(beams), array=array, snr_db=snr_db)
                    if array == CER_ARRAY:
                        self._compare(talk, channels, snr_db=snr_db)

    def roles(self) -> list[RoleFigure]:
        """Return how often direction was right."""
        return [RoleFigure(*key, round(float(np.mean(right)), 4), len(right)) for key, right in self._right.items()]

    def cers(self) -> list[CerFigure]:
        """Return what was read wrong by each way of listening."""
        return [self._cer(*key, counted) for key, counted in self._edits.items()]

    def rtf(self) -> Mapping[str, float]:
        """Return CPU seconds of beam and directions per second of audio, by array."""
        return {array: round(cpu_s / self._audio_s[array], 4) for array, cpu_s in self._cpu_s.items()}

    def _heard(self, array: str, profile: ArrayProfile, channels: Signals, *, sides_deg: Iterable[float]) -> list[Beam]:
        stream = ArrayStream(profile)
        stream.look_toward(*sides_deg)
        started_s = time.process_time()
        # As a sound card gives it: 20 ms at a time.
        pieces = np.split(channels, range(320, len(channels), 320))
        beams = [beam for piece in pieces for beam in stream.push(piece)] + [*stream.flush()]
        self._cpu_s[array] += time.process_time() - started_s
        self._audio_s[array] += len(channels) / SAMPLE_RATE_HZ
        return beams

    def _compare(self, talk: Scene, channels: Signals, *, snr_db: int) -> None:
        profile = ARRAYS[CER_ARRAY]
        microphones = channels[:, list(profile.microphone_channels)]
        self._read(talk, ONE, microphones[:, 0], array=CER_ARRAY, snr_db=snr_db)
        staying = self._heard(CER_ARRAY, profile, channels, sides_deg=(talk.customer_deg,))
        self._read(talk, "beam toward the customer", _samples(staying), array=CER_ARRAY, snr_db=snr_db)
        adapted = _adapted(talk, microphones, profile)
        self._read(talk, "MVDR toward the customer", adapted, array=CER_ARRAY, snr_db=snr_db)

    def _tell_apart(self, talk: Scene, turn: Turn, beams: Sequence[Beam], *, array: str, snr_db: int) -> None:
        powers = talk.spoken[array][:, 0] ** 2
        first, last = -(-turn.start // BLOCK_SAMPLES), turn.end // BLOCK_SAMPLES
        whole = range(first, last)
        loud = powers[turn.start : turn.end].mean() * 10 ** (_SPEECH_DB / 10)
        for segment, blocks in {**SEGMENT_BLOCKS, "turn": len(whole)}.items():
            for start in range(first, last - blocks + 1, blocks):
                if powers[start * BLOCK_SAMPLES : (start + blocks) * BLOCK_SAMPLES].mean() < loud:
                    continue
                directions = np.sum([beam.directions for beam in beams[start : start + blocks]], axis=0)
                odds = direction_log_odds(directions, staff_deg=talk.staff_deg, customer_deg=talk.customer_deg)
                self._right[array, snr_db, segment].append((odds > 0) == (turn.role == "staff"))

    def _read(self, talk: Scene, way: str, samples: Samples, *, array: str, snr_db: int) -> None:
        for turn in talk.turns:
            clip = samples[turn.start - _MARGIN_SAMPLES : turn.end + _MARGIN_SAMPLES]
            recognised = "".join(segment.text for segment in self._recogniser.recognise(clip).segments)
            self._edits[way, array, snr_db, turn.role].append(edits_with_numerals_folded(turn.text, recognised))

    def _cer(self, way: str, array: str, snr_db: int, role: str, counted: Sequence[Edits]) -> CerFigure:
        alone = self._edits[ONE, CER_ARRAY, snr_db, role]
        characters = np.array([each.characters for each in counted])
        saved = np.array([one.edits - each.edits for one, each in zip(alone, counted, strict=True)])
        drawn = np.random.default_rng(0).integers(len(saved), size=(_RESAMPLED, len(saved)))
        gains = saved[drawn].sum(axis=1) / characters[drawn].sum(axis=1)
        return CerFigure(
            way=way,
            array=array,
            snr_db=snr_db,
            role=role,
            cer_folded=round(sum(each.edits for each in counted) / int(characters.sum()), 4),
            gain=round(float(saved.sum() / characters.sum()), 4),
            gain_low=round(float(np.quantile(gains, 0.025)), 4),
            turns=len(counted),
        )


def _adapted(talk: Scene, microphones: Signals, profile: ArrayProfile) -> Samples:
    """Return the beam toward the customer against the noise of the pauses between turns."""
    window = np.sqrt(signal.windows.hann(WINDOW_SAMPLES, sym=False))
    transform = signal.ShortTimeFFT(window, HOP_SAMPLES, SAMPLE_RATE_HZ)
    spectra = transform.stft(microphones.astype(np.float64), axis=0)
    centres = transform.t(len(microphones)) * SAMPLE_RATE_HZ
    # The room rings on for a quarter of a second.
    pause = np.all(
        [(centres < turn.start - WINDOW_SAMPLES) | (centres > turn.end + SAMPLE_RATE_HZ / 4) for turn in talk.turns],
        axis=0,
    )
    noise = np.einsum("fmt,fnt->fmn", spectra[..., pause], np.conj(spectra[..., pause]))
    weights = minimum_variance(noise, profile.positions, talk.customer_deg)
    beam: Samples = transform.istft(np.einsum("fm,fmt->ft", weights, spectra), k1=len(microphones)).astype(np.float32)
    return beam


def _samples(beams: Sequence[Beam]) -> Samples:
    return np.concatenate([beam.samples for beam in beams])


def _reached(roles: Sequence[RoleFigure], cers: Sequence[CerFigure], rtf: Mapping[str, float]) -> bool:
    told = [each.right for each in roles if (each.snr_db, each.segment) == (10, "1 s")]
    turning = [each for each in cers if each.way == TURNING and each.array == CER_ARRAY]
    gains = [each.gain_low if each.role == "customer" else each.gain for each in turning]
    return min(told) >= LEAST_ACCURACY and min(gains) > 0 and max(rtf.values()) <= MOST_RTF


def _print(
    known: dict[str, object], roles: Sequence[RoleFigure], cers: Sequence[CerFigure], rtf: Mapping[str, float]
) -> None:
    console = Console()
    console.print(told(known))
    table = Table("array", "babble dB", *SEGMENT_BLOCKS, "turn", "n", title="Roles by direction")
    for array, snr_db in dict.fromkeys((each.array, each.snr_db) for each in roles):
        row = [each for each in roles if (each.array, each.snr_db) == (array, snr_db)]
        cells = {each.segment: f"{each.right:.1%}" for each in row}
        counts = " / ".join(str(each.segments) for each in sorted(row, key=lambda each: -each.segments))
        table.add_row(array, str(snr_db), *(cells[name] for name in (*SEGMENT_BLOCKS, "turn")), counts)
    console.print(table)
    console.print(_characters(cers))
    costs = ", ".join(f"{array} {share:.3f}" for array, share in rtf.items())
    console.print(f"beam and directions, CPU s per s of audio: {costs} (wanted ≤ {MOST_RTF})")


def _characters(cers: Sequence[CerFigure]) -> Table:
    columns = [(snr_db, role) for snr_db in CER_SNRS_DB for role in ("customer", "staff")]
    table = Table("array", "way", title="Characters read wrong (and less than with one microphone, at least)")
    for snr_db, role in columns:
        table.add_column(f"{role}, {snr_db} dB")
    for array, way in dict.fromkeys((each.array, each.way) for each in cers):
        cells = {
            (each.snr_db, each.role): f"{each.cer_folded:.1%}"
            + ("" if way == ONE else f" ({100 * each.gain:+.1f}, {100 * each.gain_low:+.1f})")
            for each in cers
            if (each.array, each.way) == (array, way)
        }
        table.add_row(array, way, *(cells[column] for column in columns))
    turns = cers[0].turns
    table.caption = f"{turns} turns of each role; CER folded, points of gain, lower end of its 95 % interval"
    return table


if __name__ == "__main__":
    sys.exit(main())
