"""Real speech becomes text in blocks; what is no speech becomes no trusted text."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_agent.error_rate import edits_with_numerals_folded
from edge_agent.evaluation import evaluate_asr
from edge_agent.hearing import HeardBlock, Hearing
from edge_agent.recognition import Recogniser
from edge_agent.segmentation import Segmentation
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap, GapReason
from hardware.media_file import MediaFileSource, Pace
from models.labels import CoverageState
from support.programs import ROOT
from support.shared_data import shared

pytestmark = pytest.mark.speech

DEMO = ROOT / "demo" / "conversations" / "02-third-trip.opus"
FIRST_S = 40.0
SPOKEN = (
    "您好，我这里服务是录音的，您介意吗？录！正好录，我还怕你们不录呢。您别着急，什么事您说。我这张卡，就三天前，手机上转两万给我妈住院用，显示什么，"
    "交易受限。打客服，客服让我来网点，前天来了，说要带证明，昨天带了证明来，说主管不在，今天第三趟了啊。抱歉让您来回跑。您把卡号报一下，我查查。"
    "6222000000004731588。"
)


class InMemory:
    """Samples, 16 kHz mono, as a source; cut into frames of any length, with gaps where there are None."""

    name = "in memory"

    def __init__(self, *parts: np.ndarray | int, frame_samples: int = 4096) -> None:
        """Play arrays as sound and numbers as gaps of so many milliseconds."""
        self._parts = parts
        self._frame_samples = frame_samples
        self.was_closed = False

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give frames and gaps."""
        now_ms = 0
        for part in self._parts:
            if isinstance(part, int):
                yield AudioGap(start_ms=now_ms, end_ms=now_ms + part, reason=GapReason.DECODE_ERROR)
                now_ms += part
                continue
            for at in range(0, len(part), self._frame_samples):
                frame = AudioFrame(start_ms=now_ms, samples=part[at : at + self._frame_samples])
                now_ms = frame.end_ms
                yield frame

    def close(self) -> None:
        """Remember that it was closed."""
        self.was_closed = True


def samples_of(path: Path) -> np.ndarray:
    """A file's sound as a whole."""
    frames = MediaFileSource(path, pace=Pace.FAST).frames()
    return np.concatenate([item.samples for item in frames if isinstance(item, AudioFrame)])


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """The first 40 s of a demonstration conversation."""
    return samples_of(DEMO)[: round(FIRST_S * SAMPLE_RATE_HZ)]


@pytest.fixture(scope="module")
def heard(recogniser: Recogniser, speech: np.ndarray) -> list[HeardBlock]:
    """Its blocks."""
    return list(Hearing(recogniser).hear(InMemory(speech)))


def test_what_was_said_is_written_in_simplified_chinese(heard: list[HeardBlock]) -> None:
    """Of the demonstration's first sentences at most three tenths of the characters are misheard."""
    text = "".join(utterance.text for block in heard for utterance in block.utterances)
    assert edits_with_numerals_folded(SPOKEN, text).rate < 0.3
    assert not set(text) & set("們說這個還來")


def test_a_recorded_conversation_is_close_to_its_text(recogniser: Recogniser) -> None:
    """A conversation with babble at 12 dB: at most three tenths of its characters are misheard."""
    gold = json.loads(shared("conversations/bank-03.json").read_text())
    source = MediaFileSource(shared("conversations/bank-03.opus"), pace=Pace.FAST)
    text = "".join(said.text for block in Hearing(recogniser).hear(source) for said in block.utterances)
    counted = edits_with_numerals_folded("".join(turn["text"] for turn in gold["turns"]), text)
    assert counted.rate < 0.3


def test_short_context_costs_less_than_stock_decoding_and_reads_as_well(recogniser: Recogniser, tmp_path: Path) -> None:
    """On 7 real utterances: at most half of the CPU, and no more than 2 points of CER above stock (few characters)."""
    public = shared("speech/utterances.tsv")
    head, *rows = public.read_text().splitlines()
    some = tmp_path / "some.tsv"
    some.write_text("\n".join([head, *rows[::40]]))
    (tmp_path / "public").symlink_to(public.parent / "public")
    done: list[int] = []
    result = evaluate_asr(
        some, recogniser=recogniser, compare_stock=True, progress=lambda at, total: done.append(total - at)
    )
    assert result.stock is not None
    assert done[-1] == 0
    assert result.utterances == len(rows[::40])
    assert result.cpu_s <= 0.5 * result.stock.cpu_s
    assert result.cer_folded <= result.stock.cer_folded + 0.02


def test_blocks_and_their_spans_tile_the_time(heard: list[HeardBlock]) -> None:
    """Each moment of the recording is heard or silent, once."""
    assert [block.ordinal for block in heard] == list(range(len(heard)))
    spans = [span for block in heard for span in block.spans]
    assert spans[0].start_ms == 0
    assert all(one.end_ms == later.start_ms for one, later in pairwise(spans))
    assert spans[-1].end_ms == heard[-1].end_ms == FIRST_S * 1000
    assert {span.state for span in spans} == {CoverageState.HEARD, CoverageState.SILENT}


def test_utterances_stand_in_order_inside_their_block(heard: list[HeardBlock]) -> None:
    """An utterance lies where its speech was heard."""
    for block in heard:
        times = [(said.start_ms, said.end_ms) for said in block.utterances]
        assert times == sorted(times)
        assert all(block.start_ms <= start_ms < end_ms <= block.end_ms for start_ms, end_ms in times)
        assert all(said.text.strip() for said in block.utterances)


def test_the_same_sound_gives_the_same_blocks_however_it_is_cut(
    recogniser: Recogniser, speech: np.ndarray, heard: list[HeardBlock]
) -> None:
    """A second hearing, in frames of 10 ms, gives what frames of 256 ms gave, to the last figure."""
    again = Hearing(recogniser).hear(InMemory(speech, frame_samples=160))
    assert [comparable(block) for block in again] == [comparable(block) for block in heard]


def test_hearing_goes_on_where_it_stopped(recogniser: Recogniser, speech: np.ndarray, heard: list[HeardBlock]) -> None:
    """Skipped blocks are not given, and those behind them are the same as if nothing had been skipped."""
    rest = list(Hearing(recogniser).hear(InMemory(speech), skip_blocks=2))
    assert [comparable(block) for block in rest] == [comparable(block) for block in heard[2:]]


def test_the_source_is_closed_when_hearing_ends_or_is_left(recogniser: Recogniser, speech: np.ndarray) -> None:
    """A microphone is let go, whoever stops first."""
    whole, left = InMemory(speech[:16_000]), InMemory(speech)
    list(Hearing(recogniser).hear(whole))
    blocks = Hearing(recogniser).hear(left)
    next(blocks)
    blocks.close()
    assert whole.was_closed
    assert left.was_closed


def test_a_short_gap_is_lost_time_and_hearing_goes_on(recogniser: Recogniser, speech: np.ndarray) -> None:
    """Some lost packets cost their own time and no more."""
    blocks = list(Hearing(recogniser).hear(InMemory(speech[:160_000], 300, speech[164_800:320_000])))
    lost = [span for block in blocks for span in block.spans if span.state is CoverageState.LOST]
    assert [(span.start_ms, span.end_ms, span.reason) for span in lost] == [(10_000, 10_300, "decode_error")]
    assert blocks[-1].end_ms == 20_000


def test_a_long_gap_is_a_block_of_its_own(recogniser: Recogniser, speech: np.ndarray) -> None:
    """An hour that is lost parts what was said before it from what was said after it."""
    blocks = list(Hearing(recogniser).hear(InMemory(speech[:160_000], 3_600_000, speech[160_000:320_000])))
    lost = next(block for block in blocks if block.spans[0].state is CoverageState.LOST)
    assert (lost.start_ms, lost.end_ms, lost.utterances) == (10_000, 3_610_000, ())
    assert blocks[-1].end_ms == 3_620_000
    assert any(block.utterances for block in blocks if block.start_ms >= lost.end_ms)


def seconds(count: float) -> np.ndarray:
    """Time stamps of samples."""
    return np.arange(round(count * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


NOISE = np.random.default_rng(7).standard_normal(20 * SAMPLE_RATE_HZ)
NON_SPEECH = {
    "silence": np.zeros(20 * SAMPLE_RATE_HZ),
    "quiet noise": 0.01 * NOISE,
    "loud noise": 0.3 * NOISE,
    "air conditioner": np.convolve(NOISE, np.ones(40) / 40, mode="same"),
    "hum": 0.2 * np.sin(2 * np.pi * 50 * seconds(20)) + 0.1 * np.sin(2 * np.pi * 150 * seconds(20)),
    "door chime": sum(
        0.2 * np.sin(2 * np.pi * tone_hz * seconds(20)) * np.exp(-4 * (seconds(20) % 2)) for tone_hz in (523, 659, 784)
    ),
    "keyboard": 0.7 * NOISE * (np.random.default_rng(8).random(20 * SAMPLE_RATE_HZ) < 0.0005),
}


@pytest.mark.parametrize("name", NON_SPEECH)
def test_what_is_no_speech_becomes_no_trusted_text(recogniser: Recogniser, name: str) -> None:
    """Silence, noise, hum, chimes and keys give nothing, or text that is marked as suspect."""
    blocks = list(Hearing(recogniser).hear(InMemory(NON_SPEECH[name].astype(np.float32))))
    assert [said.text for block in blocks for said in block.utterances if said.suspect is None] == []
    assert blocks[-1].end_ms == 20_000


@pytest.mark.parametrize("name", ["silence", "loud noise", "hum", "door chime", "keyboard"])
def test_invented_text_is_suspect_where_the_detector_is_fooled(recogniser: Recogniser, name: str) -> None:
    """A detector that takes everything for speech, half-sure: whatever the model then makes up is marked."""
    gullible = Hearing(recogniser, segmentation=Segmentation(speech_threshold=0.0, silence_threshold=0.0))
    sound = NON_SPEECH[name][: 12 * SAMPLE_RATE_HZ].astype(np.float32)
    blocks = list(gullible.hear(InMemory(sound)))
    assert [said.text for block in blocks for said in block.utterances if said.suspect is None] == []


def comparable(block: HeardBlock) -> tuple[object, ...]:
    """A block without what it cost."""
    return (block.ordinal, block.start_ms, block.end_ms, block.utterances, block.spans)
