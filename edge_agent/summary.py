"""What a recording command came to, for people and for programs."""

from dataclasses import dataclass, field
from uuid import UUID

from edge_agent.outbox_rows import Backlog
from edge_agent.recorder import Recorded
from edge_agent.recordings import Totals
from edge_agent.upload import Tally
from models.errors import VoicetrailError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file that could not be recorded."""

    file: str
    error: VoicetrailError


@dataclass(slots=True)
class Account:
    """Gathers what a command's recordings came to."""

    totals: Totals = field(default_factory=Totals)
    recognition_cpu_s: float = 0.0
    recorded: int = 0
    """Recordings that are in the outbox, or were."""
    conversations: list[UUID] = field(default_factory=list)
    resumed: int = 0
    """Recordings that went on after an interruption."""
    known: int = 0
    """Recordings that were complete before; their records were offered again."""
    failed: list[Failed] = field(default_factory=list)

    def add(self, recorded: Recorded) -> None:
        """Add one recording."""
        self.recorded += 1
        self.totals += recorded.recording.totals
        self.recognition_cpu_s += recorded.recognition_cpu_s
        if recorded.recording.conversation is not None:
            self.conversations.append(recorded.recording.id)


def summary(account: Account, *, tally: Tally, backlog: Backlog) -> dict[str, object]:
    """Return the summary as it is printed by --json; times are seconds."""
    totals = account.totals
    return {
        "utterances": totals.utterances,
        "heard": totals.heard_ms / 1000,
        "silent": totals.silent_ms / 1000,
        "lost": totals.lost_ms / 1000,
        "withheld": totals.withheld_ms / 1000,
        "quarantined": totals.quarantined,
        "uploaded": tally.accepted,
        "duplicates": tally.duplicates,
        "rejected": tally.rejected,
        "erased": tally.erased,
        "recognition_cpu_s": round(account.recognition_cpu_s, 3),
        "conversations": [str(conversation) for conversation in account.conversations],
        "resumed": account.resumed,
        "known": account.known,
        "pending": backlog.pending,
        "dead": backlog.dead,
        "unreadable": backlog.unreadable,
        "failed": [
            {"file": failed.file, "code": failed.error.code, "message": failed.error.message}
            for failed in account.failed
        ],
    }
