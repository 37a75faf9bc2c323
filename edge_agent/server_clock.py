"""What the device knows of the server's clock, and for how long that holds."""

from dataclasses import dataclass

from edge_agent.clock import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerClock:
    """One measurement, held against both clocks of the device.

    Within the boot in which it was measured the monotonic clock tells, whatever is done to the wall clock. After
    another start the monotonic clock counts anew and says nothing; then the wall clock is taken to be as wrong as
    before, until the server is met again.
    """

    offset_ms: int = 0
    """Server's clock minus the wall clock."""
    boot: str = ""
    """The start of the device in which it was measured; empty when never, or when the system does not say."""
    since_start_ms: int = 0
    """Server's clock minus the monotonic clock."""

    @classmethod
    def measured(cls, offset_ms: int, *, now: Reading) -> "ServerClock":
        """Return what a measurement says.

        Args:
            offset_ms: server's clock minus the wall clock.
            now: the clocks when it was measured.
        """
        return cls(offset_ms=offset_ms, boot=now.boot, since_start_ms=now.wall_ms + offset_ms - now.monotonic_ms)

    def offset_at(self, now: Reading) -> int:
        """Return server's clock minus the wall clock, milliseconds."""
        if self.boot and self.boot == now.boot:
            return self.since_start_ms + now.monotonic_ms - now.wall_ms
        return self.offset_ms
