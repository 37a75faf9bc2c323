"""A site's own words found without and with the second reading, and what it gets wrong elsewhere.

    python -m benchmarks.terms [--set FILE.tsv] [--every N] [--json]

The terms are names that occur in the recorded set's own texts: 33 people, places and makes. Each utterance is read as a
device reads it; where the text has something that sounds like a term it is read again with that term in mind, and the
second text is taken or not by the rules of `edge_agent.terms`. Utterances without a term show what that costs and
whether terms appear where nobody said them. The set is not part of the repository. Wanted: more terms found, and none
invented in more than one utterance of a hundred.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.machine import machine, told
from edge_agent import weights
from edge_agent.evaluation import RecordedUtterance, read_recorded_set
from edge_agent.recognition import Recogniser
from edge_agent.terms import Term, Terms
from hardware.audio import AudioFrame
from hardware.media_file import MediaFileSource, Pace
from nlp.bundle import SHIPPED
from nlp.features import Sounds
from nlp.normalise import to_simplified

SHARED: Final = Path(os.environ.get("VOICETRAIL_SHARED", Path(__file__).parents[2] / "shared"))
NAMES: Final = (
    "佐野",
    "左小蕾",
    "六本木",
    "张伟",
    "哈根达斯",
    "星巴克",
    "虹桥",
    "崇明岛",
    "孔乙己",
    "黄浦",
    "龙耀",
    "滨江",
    "赫夫",
    "陈真",
    "陈小春",
    "万科",
    "中原",
    "三井",
    "三星电子",
    "雷诺",
    "会徽",
    "昂纳",
    "迪卡侬",
    "奥斯卡",
    "周杰伦",
    "搜狐",
    "南沙",
    "荣昌",
    "藏獒",
    "沧浪",
    "芜湖",
    "繁昌",
    "丽江",
)
MOST_INVENTED_SHARE: Final = 0.01


@dataclass(slots=True)
class Counted:
    """What became of the terms."""

    utterances: int = 0
    said: int = 0
    """Terms that are in the texts, once for each utterance."""
    found_without: int = 0
    found_with: int = 0
    invented: int = 0
    """Terms in a second text that are not in what was said."""
    read_again: int = 0
    first_cpu_s: float = 0.0
    second_cpu_s: float = 0.0

    def add(self, row: RecordedUtterance, *, recogniser: Recogniser, terms: Terms) -> None:
        """Read one utterance."""
        frames = MediaFileSource(row.path, pace=Pace.FAST).frames()
        clip = np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])
        first = recogniser.recognise(clip)
        plain = text = to_simplified("".join(segment.text for segment in first.segments))
        if hints := terms.hints(plain):
            again = recogniser.recognise(clip, hints=hints)
            self.read_again += 1
            self.second_cpu_s += again.cpu_s
            second = to_simplified("".join(segment.text for segment in again.segments))
            text = second if terms.takes(second, instead_of=plain, hints=hints) else plain
        said = [name for name in NAMES if name in row.text]
        self.utterances += 1
        self.first_cpu_s += first.cpu_s
        self.said += len(said)
        self.found_without += sum(name in plain for name in said)
        self.found_with += sum(name in text for name in said)
        self.invented += sum(name in text and name not in plain for name in NAMES if name not in said)


def main() -> int:
    """Measure, print; 1 when a wanted figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=SHARED / "speech" / "utterances.tsv", help="the recorded set")
    parser.add_argument("--every", type=int, default=1, help="of utterances without a term take every N-th")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    if not chosen.set.exists():
        print(f"terms: skipped, there is no {chosen.set} (name one with --set, or VOICETRAIL_SHARED)")
        return 0

    recogniser = Recogniser(weights.locate("base", weights.default_cache_dir()), model_name="base")
    terms = Terms([Term(name) for name in NAMES], sounds=Sounds.read(SHIPPED / "sounds.txt"))
    counted = Counted()
    rows = read_recorded_set(chosen.set)
    for at, row in enumerate(track(rows, "utterances", console=Console(stderr=True, quiet=chosen.json))):
        if at % chosen.every == 0 or any(name in row.text for name in NAMES):
            counted.add(row, recogniser=recogniser, terms=terms)
    report = {
        "machine": told(machine()),
        **{name: round(value, 2) for name, value in asdict(counted).items()},
    }
    if chosen.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:14} {value}")
    invented_share = counted.invented / counted.utterances
    return 0 if counted.found_with > counted.found_without and invented_share <= MOST_INVENTED_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
