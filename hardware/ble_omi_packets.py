"""Notifications of an Omi to whole frames: pure. The wire is `u16le id, u8 fragment, payload`.

Source: omi/firmware/omi/src/lib/core/transport.c (push_to_gatt) and docs.omi.me/doc/developer/Protocol.
"""

from collections.abc import Iterator

from hardware.ble_frames import LostFrames

HEADER_BYTES = 3
_IDS = 65_536
# A jump of more than half the ids is a device that started to count anew, not 11 minutes that were lost.
_FARTHEST_JUMP = _IDS // 2


def fragment_bytes(mtu: int) -> int:
    """Return the payload of a full fragment: ATT takes 3 bytes of the MTU, the header 3 more."""
    return mtu - 3 - HEADER_BYTES


class OmiFrames:
    """Puts fragments together, and counts the frames that an id gap took.

    A frame ends when fragment 0 returns. Where ids are missing behind it, it is whole only if its last fragment was
    shorter than a full one; else it is dropped and counted. Ids count notifications, so the frames in a gap are
    reckoned with the fragments that the last whole frame had.
    """

    def __init__(self, *, full_fragment: int) -> None:
        """Name the payload of a full fragment, in bytes; one assembler serves one connection."""
        self._full_fragment = full_fragment
        self._fragments: list[bytes] = []
        self._last_id: int | None = None
        # Ids without their wrap: the next one expected, and the first that no frame given or counted covers.
        self._next = 0
        self._uncounted = 0
        self._fragments_per_frame = 1

    def push(self, notification: bytes) -> Iterator[bytes | LostFrames]:
        """Take one notification; give the frame that it completes, and losses in their place.

        One without payload is damaged and leaves a gap, as one that never came; one that repeats an id is ignored.
        """
        if len(notification) <= HEADER_BYTES:
            return
        identifier = int.from_bytes(notification[:2], "little")
        fragment = notification[2]
        if self._last_id is None:
            if fragment:  # of a frame that began before us
                return
        elif identifier == self._last_id:
            return
        else:
            yield from self._follow((identifier - self._last_id - 1) % _IDS)
        self._last_id = identifier
        if fragment == 0:
            yield from self._settle()
            self._fragments = [notification[HEADER_BYTES:]]
        elif self._fragments and fragment == len(self._fragments):
            self._fragments.append(notification[HEADER_BYTES:])
        else:
            self._fragments = []
        self._next += 1

    def end(self) -> Iterator[bytes | LostFrames]:
        """Give the last frame if it is whole, or count it; the connection is over."""
        if not self._is_ended():
            self._fragments = []
        yield from self._settle()

    def _follow(self, missing: int) -> Iterator[bytes]:
        """Go on behind so many missing ids."""
        if missing == 0:
            return
        if self._is_ended():
            yield from self._give()
        self._fragments = []
        # A device that counts anew lost something; the wall clock tells how much.
        self._next += missing if missing < _FARTHEST_JUMP else 1

    def _is_ended(self) -> bool:
        return bool(self._fragments) and len(self._fragments[-1]) < self._full_fragment

    def _settle(self) -> Iterator[bytes | LostFrames]:
        """At a border between frames: give what is whole, count what is not."""
        if self._fragments:
            yield from self._give()
        missing = self._next - self._uncounted
        if missing:
            yield LostFrames(max(1, round(missing / self._fragments_per_frame)))
        self._uncounted = self._next

    def _give(self) -> Iterator[bytes]:
        self._fragments_per_frame = len(self._fragments)
        self._uncounted += len(self._fragments)
        yield b"".join(self._fragments)
        self._fragments = []
