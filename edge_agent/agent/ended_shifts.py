"""Shifts that are over while their last words are still written down, each with its microphone."""

from edge_agent.agent.ear import Ear
from edge_agent.agent.shift import Shift


class EndedShifts:
    """Keeps them until all is settled; used by one thread."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Shift, Ear]] = []

    @property
    def shifts(self) -> list[Shift]:
        """Those of which something is still to be written down."""
        return [shift for shift, _ in self._waiting]

    def add(self, shift: Shift, ear: Ear) -> None:
        """Wait for what was said in a shift until now, and listen no more: who goes home is not listened for."""
        ear.wait_no_longer()
        self._waiting.append((shift, ear))

    def let_go(self) -> None:
        """Close the microphones of those for whose last sound nobody waits any more."""
        waiting = []
        for shift, ear in self._waiting:
            ear.settle()
            if not ear.is_tapped:
                ear.close()
            if not shift.is_settled or ear.is_tapped:
                waiting.append((shift, ear))
        self._waiting = waiting

    def close_ears(self) -> None:
        """Close their microphones now, since the next shift opens its own."""
        for _, ear in self._waiting:
            ear.close()

    def finish(self) -> None:
        """Wait for sound that is still on its way, and close their microphones."""
        for _, ear in self._waiting:
            ear.finish()
