"""Audio of ATVV remotes, both versions: nothing lost is byte-equal, what is lost is counted, garbage is harmless."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardware import ble_adpcm
from hardware.ble_adpcm import AdpcmState, Int16
from hardware.ble_atvv_frames import HEADER_04, Atvv04Frames, Atvv10Frames
from hardware.ble_frames import LostFrames

NIBBLES = 32
FRAME_04 = HEADER_04.size + NIBBLES
PIECE = 20

speech = np.random.default_rng(7).integers(-9000, 9000, size=2 * NIBBLES * 60).astype(np.int16)


def encoded(count: int) -> tuple[list[bytes], list[AdpcmState], list[Int16]]:
    """Nibbles of so many frames, the coder's state before each, and what a decoder makes of each."""
    state, frames, states, decoded = AdpcmState(), [], [], []
    for at in range(count):
        states.append(state)
        samples, _ = speech[2 * NIBBLES * at : 2 * NIBBLES * (at + 1)], None
        nibbles, after = ble_adpcm.encode(samples, state)
        decoded.append(ble_adpcm.decode(nibbles, state)[0])
        frames.append(nibbles)
        state = after
    return frames, states, decoded


def pieces_04(count: int, *, first: int, piece: int = PIECE) -> list[list[bytes]]:
    """The notifications of each frame."""
    frames, states, _ = encoded(count)
    packed = [
        HEADER_04.pack((first + at) % 65_536, 0, state.predictor, state.index) + nibbles
        for at, (nibbles, state) in enumerate(zip(frames, states, strict=True))
    ]
    return [[frame[at : at + piece] for at in range(0, FRAME_04, piece)] for frame in packed]


def laid_out(items: list[Int16 | LostFrames]) -> dict[int, bytes]:
    """Samples by the number of their frame."""
    position, frames = 0, {}
    for item in items:
        if isinstance(item, LostFrames):
            position += item.count
        else:
            frames[position] = item.tobytes()
            position += 1
    return frames


@settings(deadline=None)
@given(count=st.integers(1, 20), first=st.integers(65_520, 65_535), piece=st.sampled_from([PIECE, FRAME_04]))
def test_version_04_decodes_each_frame_by_its_own_header(count: int, first: int, piece: int) -> None:
    """Whole or in pieces, across the wrap of the sequence: the same samples as decoding directly."""
    receiver = Atvv04Frames(frame_bytes=FRAME_04)
    notifications = [part for parts in pieces_04(count, first=first, piece=piece) for part in parts]
    items = [item for notification in notifications for item in receiver.push(notification)]
    assert [item.tobytes() for item in items if not isinstance(item, LostFrames)] == [
        samples.tobytes() for samples in encoded(count)[2]
    ]


@settings(deadline=None)
@given(lost=st.sets(st.tuples(st.integers(1, 18), st.integers(0, 1))), first=st.integers(65_500, 65_535))
def test_version_04_puts_every_surviving_frame_where_it_was_spoken(lost: set[tuple[int, int]], first: int) -> None:
    """A frame with a lost piece is gone, all others keep their place.

    A tail and the head behind it are not lost together: pieces carry no number, so the rest would look like a frame.
    """
    assume(not any((number + 1, 0) in lost for number, piece in lost if piece == 1))
    receiver = Atvv04Frames(frame_bytes=FRAME_04)
    items = []
    for number, parts in enumerate(pieces_04(20, first=first)):
        for index, part in enumerate(parts):
            if (number, index) not in lost:
                items += receiver.push(part)
    gone = {number for number, _ in lost}
    assert laid_out(items) == {
        number: samples.tobytes() for number, samples in enumerate(encoded(20)[2]) if number not in gone
    }


@settings(deadline=None)
@given(lost=st.sets(st.integers(1, 18)), piece=st.sampled_from([NIBBLES, 20]))
def test_version_10_is_exact_again_after_a_sync(lost: set[int], piece: int) -> None:
    """The remote sends AUDIO_SYNC before the frame that follows a loss."""
    frames, states, decoded = encoded(20)
    receiver = Atvv10Frames(frame_bytes=NIBBLES)
    items: list[Int16 | LostFrames] = []
    for number, (frame, state) in enumerate(zip(frames, states, strict=True)):
        if number in lost:
            continue
        if number - 1 in lost:
            items += receiver.sync(number=number, predictor=state.predictor, index=state.index)
        for at in range(0, NIBBLES, piece):
            items += receiver.push(frame[at : at + piece])
    assert laid_out(items) == {n: samples.tobytes() for n, samples in enumerate(decoded) if n not in lost}


@settings(deadline=None)
@given(data=st.lists(st.binary(max_size=60)))
def test_garbage_never_raises(data: list[bytes]) -> None:
    """Both versions take any bytes."""
    old, new = Atvv04Frames(frame_bytes=FRAME_04), Atvv10Frames(frame_bytes=NIBBLES)
    for piece in data:
        list(old.push(piece))
        list(new.push(piece))


@settings(deadline=None)
@given(number=st.integers(0, 65_535), predictor=st.integers(-32_768, 32_767), index=st.integers(89, 255))
def test_a_sync_with_an_impossible_index_is_ignored(number: int, predictor: int, index: int) -> None:
    """A damaged sync leaves the decoder where it was."""
    frames, _, decoded = encoded(1)
    receiver = Atvv10Frames(frame_bytes=NIBBLES)
    assert list(receiver.sync(number=number, predictor=predictor, index=index)) == []
    (samples,) = receiver.push(frames[0])
    assert isinstance(samples, np.ndarray)
    assert np.array_equal(samples, decoded[0])
