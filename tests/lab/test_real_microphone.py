"""A microphone that is really there gives audio for ten seconds; see docs/lab.md."""

import os

import numpy as np
import pytest

from hardware.microphones import open_microphone
from hardware.signals import Signal
from support.listening_in import ListeningIn

ADDRESS = os.environ.get("VOICETRAIL_LAB_MICROPHONE", "")
LISTEN_MS = 10_000

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        os.environ.get("VOICETRAIL_LAB") != "1" or not ADDRESS,
        reason="a lab test: asked for by VOICETRAIL_LAB=1 and VOICETRAIL_LAB_MICROPHONE=ADDRESS",
    ),
]


def test_a_real_microphone_is_heard() -> None:
    """Ten seconds of its audio, not all of it zero, with what it said and lost in between."""
    signals: list[Signal] = []
    source = open_microphone(ADDRESS, on_signal=signals.append)
    with ListeningIn(source, signals) as heard:
        heard.wait(lambda: heard.error is not None or len(heard.samples) >= 16 * LISTEN_MS)
    lost_ms = sum(gap.end_ms - gap.start_ms for gap in heard.gaps)
    print(f"{source.name}: {len(heard.samples) / 16:.0f} ms heard, {lost_ms} ms lost, {signals}")
    assert heard.error is None
    assert np.any(heard.samples)
