"""A conversation heard by an array, from its microphones to who said what. The recording is written and synthesised."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from edge_agent.sides import Sides
from edge_agent.speakers import Speakers
from edge_agent.voice_embedder import VoiceEmbedder
from hardware.array_profile import find_profile
from hardware.array_source import ArraySource
from hardware.audio import SAMPLE_RATE_HZ, AudioFrame, AudioGap
from hardware.media_file import MediaFileSource, Pace
from hardware.sound_card_capture import RawBlock
from models.labels import Role
from support.plane_waves import Heard, as_device, diffuse_noise, plane_wave
from support.shared_data import shared

pytestmark = pytest.mark.speech

RESPEAKER = find_profile("respeaker-v2")
UNTIL_S = 24
"""Six turns; a whole conversation takes longer, and says no more."""
STAFF_DEG, CUSTOMER_DEG = 120.0, 290.0


class Played:
    """What the device gives, 20 ms at a time."""

    def __init__(self, channels: Heard) -> None:
        self._channels = channels

    def blocks(self) -> Iterator[RawBlock | AudioGap]:
        """Give it."""
        for at in range(0, len(self._channels), 320):
            piece = self._channels[at : at + 320]
            yield RawBlock(at // 16, (at + len(piece)) // 16, piece)

    def close(self) -> None:
        """Nothing is open."""


def test_an_array_alone_tells_who_said_what(recogniser: Recogniser) -> None:
    """With nothing enrolled and words that say nothing of roles, every decided turn has the role of its side."""
    gold = json.loads(shared("conversations/auto-04.json").read_text())
    turns = [turn for turn in gold["turns"] if turn["end"] < UNTIL_S]
    source = MediaFileSource(shared("conversations/auto-04.opus"), pace=Pace.FAST)
    sound = np.concatenate([item.samples for item in source.frames() if isinstance(item, AudioFrame)]).astype(float)
    sound = sound[: UNTIL_S * SAMPLE_RATE_HZ]
    heard = 0.03 * np.sqrt(np.mean(sound**2)) * diffuse_noise(len(sound) / SAMPLE_RATE_HZ, RESPEAKER, seed=1)
    for role, from_deg in (("staff", STAFF_DEG), ("customer", CUSTOMER_DEG)):
        spoken = np.zeros_like(sound)
        for turn in turns:
            if turn["role"] == role:
                when = slice(round(turn["start"] * SAMPLE_RATE_HZ), round(turn["end"] * SAMPLE_RATE_HZ))
                spoken[when] = sound[when]
        heard = heard + plane_wave(spoken, RESPEAKER, from_deg=from_deg)
    sides = Sides(staff_deg=STAFF_DEG, customer_deg=CUSTOMER_DEG)
    array = ArraySource(Played(as_device(heard.astype(np.float32), RESPEAKER)), RESPEAKER)
    sides.turn(array)
    embedder = VoiceEmbedder()
    hearing = Hearing(
        recogniser, speakers=lambda staff: Speakers(embedder=embedder, staff_log_odds=lambda text: 0.0, sides=sides)
    )
    said = [utterance for block in hearing.hear(array, staff="S-1") for utterance in block.utterances]
    decided = [one for one in said if one.role is not Role.UNKNOWN]
    assert len(decided) >= 0.85 * len(said)
    told = set()
    for one in decided:
        together_s = [min(one.end_ms / 1000, turn["end"]) - max(one.start_ms / 1000, turn["start"]) for turn in turns]
        turn = int(np.argmax(together_s))
        assert one.role.value == turns[turn]["role"], one
        told.add(turn)
    # Of one and a third seconds of "yes" the recogniser may make nothing; who speaks on makes one utterance.
    assert len(told) >= len(turns) - 1
