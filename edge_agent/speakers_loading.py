"""What tells speakers apart, loaded: the voice embedder, what words say of roles, and enrolled voices."""

from collections.abc import Callable
from pathlib import Path

from edge_agent.settings import EdgeSettings
from edge_agent.sides import Sides
from edge_agent.speakers import Speakers
from edge_agent.voice_embedder import VoiceEmbedder
from edge_agent.voiceprint import Voiceprints
from nlp import understanding


def load_speakers(folder: Path, *, settings: EdgeSettings, sides: Sides | None = None) -> Callable[[str], Speakers]:
    """Return what begins a conversation with a member of staff, by whose voiceprint of that moment if there is one.

    Raises:
        RecognitionError: voice_model_unusable.
        UnderstandingError: the weights that read words are absent or altered.
    """
    embedder = VoiceEmbedder()
    words = understanding.load()
    voiceprints = Voiceprints(folder, settings=settings)

    def begin(staff: str) -> Speakers:
        enrolled = voiceprints.of(staff)
        return Speakers(
            embedder=embedder,
            staff_log_odds=words.staff_log_odds,
            staff_voice=None if enrolled is None else enrolled.voice,
            sides=sides,
        )

    return begin
