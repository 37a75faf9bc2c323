"""The sides of a counter turn the beam, and what was heard from them says who spoke."""

import numpy as np

from edge_agent.alignment import Phrase, Piece
from edge_agent.sides import HeardDirections, Sides
from edge_agent.speakers import Speakers
from edge_agent.voice_embedder import VoiceEmbedder
from hardware.array_profile import find_profile
from hardware.array_stream import ArrayStream
from hardware.audio import DIRECTIONS, AudioFrame, AudioGap, Directions
from models.labels import Role
from support.plane_waves import as_device, plane_wave, speech_like

RESPEAKER = find_profile("respeaker-v2")


class Turned:
    """A microphone that remembers where it was turned."""

    def __init__(self) -> None:
        self.sides_deg: list[tuple[float | None, ...]] = []

    def look_toward(self, *sides_deg: float | None) -> None:
        """Remember."""
        self.sides_deg.append(sides_deg)


def heard_from(from_deg: float) -> Directions:
    spoken = as_device(plane_wave(speech_like(1, seed=1), RESPEAKER, from_deg=from_deg), RESPEAKER)
    return np.sum([beam.directions for beam in ArrayStream(RESPEAKER).push(spoken)], axis=0)


def test_a_microphone_is_turned_now_and_when_the_sides_change() -> None:
    """A microphone taken up again looks where it is wanted, and the one before it is left alone."""
    sides, first, second = Sides(), Turned(), Turned()
    sides.turn(first)
    sides.set(staff_deg=120.0, customer_deg=30.0)
    sides.turn(second)
    sides.set(staff_deg=None, customer_deg=40.0)
    assert first.sides_deg == [(None, None), (30.0, 120.0)]
    assert second.sides_deg == [(30.0, 120.0), (40.0, None)]


def test_sides_say_who_spoke_when_both_are_known() -> None:
    """A voice from the staff's side is staff, from the other the customer; with one side unknown it is nobody."""
    sides = Sides()
    assert sides.staff_log_odds(heard_from(120)) == 0
    sides.set(staff_deg=120.0, customer_deg=None)
    assert sides.staff_log_odds(heard_from(120)) == 0
    sides.set(staff_deg=120.0, customer_deg=300.0)
    assert sides.staff_log_odds(heard_from(120)) > 3
    assert sides.staff_log_odds(heard_from(300)) < -3


def test_directions_are_of_the_time_asked_for() -> None:
    """Directions are added up over the frames that touch the time, and forgotten after five minutes."""
    heard = HeardDirections()
    frames: list[AudioFrame | AudioGap] = [
        AudioFrame(100 * at, np.zeros(1_600, dtype=np.float32), np.full(DIRECTIONS, at, dtype=np.float32))
        for at in range(3_200)
    ]
    frames.append(AudioGap(320_000, 321_000, "device_lost"))
    assert list(heard.watch(frames)) == frames
    assert heard.between(100_050, 100_250)[0] == 1_000 + 1_001 + 1_002
    assert not heard.between(1_000, 2_000).any()
    assert not heard.between(320_000, 321_000).any()


def test_two_like_voices_are_told_apart_by_where_they_stand() -> None:
    """The same voice from two sides, saying nothing of its role, is staff on one side and the customer on the other."""
    sides = Sides()
    sides.set(staff_deg=120.0, customer_deg=300.0)
    speakers = Speakers(embedder=VoiceEmbedder(), staff_log_odds=lambda text: 0.0, sides=sides)
    voice = 0.1 * speech_like(2, seed=2).astype(np.float32)
    phrases, frames = [], []
    for turn, from_deg in enumerate((120, 300, 300, 120, 300, 120)):
        # A second apart: over less than a breath the customer's two turns would become one.
        phrases.append(Phrase(3_000 * turn, 3_000 * turn + 2_000, turn, (Piece(turn, "嗯"),)))
        frames.append(AudioFrame(3_000 * turn, np.pad(voice, (0, 16_000)), heard_from(from_deg)))
    assert [*speakers.watch(frames)] == frames
    clip = np.concatenate([frame.samples for frame in frames])
    said = speakers.attribute(phrases, clip, clip_start_ms=0)
    staff, customer = Role.STAFF, Role.CUSTOMER
    assert [turn.said_by.role for turn in said.turns] == [staff, customer, customer, staff, customer, staff]
