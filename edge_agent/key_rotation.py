"""A new data key for everything that is sealed on the device; it may be killed at any point and called again.

Order makes it safe: the next key is on the disk before anything is sealed under it, everything opens under either key
while both are there, and the former key goes last. The list of customers is a copy that is fetched anew.
"""

from pathlib import Path

from edge_agent.device import recording_alone
from edge_agent.outbox import Outbox
from edge_agent.sealing import load_or_make_next_key, take_next_key
from edge_agent.settings import EdgeSettings
from edge_agent.voiceprint import Voiceprints
from models.errors import OutboxError


def rotate_key(folder: Path, *, settings: EdgeSettings) -> int:
    """Change the data key, or finish a change that was broken off; return how many records are sealed under it.

    Raises:
        OutboxError: the key is not the folder's own, the device is recording, or the disk does not take it.
        VoiceError: the voiceprints do not open.
    """
    if settings.data_key is not None:
        raise OutboxError(
            "the data key comes from the settings, and is not this program's to change",
            code="data_key_given",
            permanent=True,
            advice="Deliver what is pending, move outbox.db aside, and start again with another key.",
        )
    with recording_alone(folder):
        outbox = Outbox(folder, settings=settings)
        try:
            following = load_or_make_next_key(folder)
            Voiceprints(folder, settings=settings).seal_anew(following)
            count = outbox.seal_anew(following)
        finally:
            outbox.close()
        take_next_key(folder, check=following.check)
        return count
