"""What the console says of hearing: one word that is never better than the truth."""

from enum import StrEnum

from edge_agent.agent.port import Phase, Snapshot


class Mood(StrEnum):
    """The word at the top of every page."""

    OFF = "off"
    READY = "ready"
    ASKING = "asking"
    HEARING = "hearing"
    WITHHOLDING = "withholding"
    DEAF = "deaf"
    """A shift goes on and the microphone gives nothing."""


def mood_of(snapshot: Snapshot) -> Mood:
    """Return what to say: a shift whose microphone gives nothing is not hearing, whatever its phase."""
    if snapshot.phase is not Phase.OFF and not snapshot.microphone.hearing:
        return Mood.DEAF
    return Mood(snapshot.phase.value)
