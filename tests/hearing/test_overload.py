"""When speech comes faster than it can be read, memory stays bounded and what was given up is said."""

from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path

import ctranslate2
import pytest

from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from hardware.audio import AudioFrame, AudioGap
from hardware.intake import read_ahead
from hardware.media_file import MediaFileSource, Pace
from models.errors import RecognitionError
from models.labels import CoverageState
from support.programs import DEMO_AUDIO

pytestmark = pytest.mark.speech

SPOKEN_MS = 60_000
ROOM_MS = 15_000


class TooFast:
    """A conversation that comes in as fast as it is decoded, hundreds of times faster than it is recognised."""

    name = "too fast"

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give what found room, as a live source does."""
        frames = MediaFileSource(DEMO_AUDIO / "02-third-trip.opus", pace=Pace.FAST).frames()
        spoken = takewhile(lambda frame: frame.end_ms <= SPOKEN_MS, frames)
        return read_ahead(spoken, stop=lambda: None, capacity_ms=ROOM_MS)

    def close(self) -> None:
        """Nothing is open."""


def test_what_cannot_be_kept_is_lost_time_with_its_reason(recogniser: Recogniser) -> None:
    """Some is heard, the rest is lost to overload, and together they are the whole conversation."""
    blocks = list(Hearing(recogniser).hear(TooFast()))
    spans = [span for block in blocks for span in block.spans]
    lost = [span for span in spans if span.state is CoverageState.LOST]
    assert {span.reason for span in lost} == {"overload"}
    assert any(block.utterances for block in blocks)
    assert spans[0].start_ms == 0
    assert all(one.end_ms == later.start_ms for one, later in pairwise(spans))
    assert spans[-1].end_ms == pytest.approx(SPOKEN_MS, abs=300)


@pytest.mark.skipif(ctranslate2.get_cuda_device_count() > 0, reason="this machine has a GPU")
def test_a_gpu_that_is_asked_for_and_missing_is_an_error_and_auto_takes_the_cpu(weights_cache: Path) -> None:
    """No silent change of what was set; without a wish the CPU does."""
    with pytest.raises(RecognitionError) as missing:
        Recogniser(weights_cache / "whisper-base", model_name="base", device="cuda")
    assert missing.value.code == "model_unusable"
    assert Recogniser(weights_cache / "whisper-base", model_name="base", device="auto").whisper.model.device == "cpu"
