"""Frames of an Omi survive any split and wrap, and every loss is counted once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.ble_frames import LostFrames
from hardware.ble_omi_packets import OmiFrames, fragment_bytes

FULL = 20


def fragments(frames: list[bytes], *, first_id: int, full: int = FULL) -> list[bytes]:
    """What the firmware would notify for these frames."""
    notifications = []
    for frame in frames:
        for index, at in enumerate(range(0, len(frame), full)):
            identifier = (first_id + len(notifications)) % 65_536
            notifications.append(identifier.to_bytes(2, "little") + bytes([index]) + frame[at : at + full])
    return notifications


def received(notifications: list[bytes]) -> list[bytes | LostFrames]:
    assembler = OmiFrames(full_fragment=FULL)
    items = [item for notification in notifications for item in assembler.push(notification)]
    return [*items, *assembler.end()]


any_frames = st.lists(st.binary(min_size=1, max_size=5 * FULL - 1).filter(lambda frame: len(frame) % FULL), min_size=1)


@settings(deadline=None)
@given(frames=any_frames, first_id=st.integers(0, 65_535))
def test_whole_frames_come_out_as_they_went_in(frames: list[bytes], first_id: int) -> None:
    """Nothing lost: byte-equal, wherever the ids start and wrap and however a frame is split."""
    assert received(fragments(frames, first_id=first_id)) == frames


@settings(deadline=None)
@given(
    count=st.integers(3, 40),
    length=st.integers(1, 4 * FULL - 1).filter(lambda length: length % FULL),
    first_id=st.integers(65_000, 65_535),
    data=st.data(),
)
def test_frames_given_and_lost_are_the_frames_sent(count: int, length: int, first_id: int, data: st.DataObject) -> None:
    """Whatever is lost between a first and a last whole frame: all frames are given or counted, none is mended."""
    frames = [bytes([number]) * length for number in range(count)]
    sent = fragments(frames, first_id=first_id)
    per_frame = len(sent) // count
    kept = data.draw(st.sets(st.integers(per_frame, len(sent) - per_frame - 1)), label="kept")
    edges = {*range(per_frame), *range(len(sent) - per_frame, len(sent))}
    items = received([sent[at] for at in sorted(kept | edges)])
    given_frames = [item for item in items if isinstance(item, bytes)]
    assert sum(item.count for item in items if isinstance(item, LostFrames)) + len(given_frames) == count
    position = 0
    for item in items:
        if isinstance(item, bytes):
            assert item == frames[position], "a frame stands where it was spoken"
        position += item.count if isinstance(item, LostFrames) else 1


@settings(deadline=None)
@given(notifications=st.lists(st.binary(max_size=30)))
def test_garbage_never_raises(notifications: list[bytes]) -> None:
    """Any bytes may come; losses stay positive and payloads non-empty."""
    for item in received(notifications):
        assert item.count > 0 if isinstance(item, LostFrames) else item


def test_a_full_last_fragment_before_a_gap_is_dropped() -> None:
    """It may have been continued in what was lost: the frame is counted, not given as if it were whole."""
    sent = fragments([b"a" * 15, b"b" * (FULL + 5), b"c" * 15], first_id=0)
    del sent[2]
    assert received(sent) == [b"a" * 15, LostFrames(2), b"c" * 15]


def test_a_device_that_counts_anew_loses_one_frame_not_twenty_minutes() -> None:
    """A jump back by more than half the ids is a restart."""
    sent = [*fragments([b"a" * 15], first_id=20_000), *fragments([b"b" * 15, b"c" * 15], first_id=0)]
    assert received(sent) == [b"a" * 15, LostFrames(1), b"b" * 15, b"c" * 15]


def test_the_fragment_follows_from_the_mtu() -> None:
    """The firmware takes the MTU less three for ATT and three for its header."""
    assert fragment_bytes(247) == 241
