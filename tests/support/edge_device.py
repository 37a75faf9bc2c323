"""Parts of a device for its tests: settings without the machine's own, records, heard blocks, a sealed outbox."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from edge_agent.heard import HeardBlock, HeardSpan, HeardUtterance
from edge_agent.outbox import Outbox
from edge_agent.recording import Encounter
from edge_agent.settings import EdgeSettings
from models.conversation import Conversation, Recognition, Utterance
from models.ids import new_id
from models.labels import ConsentState, CoverageState
from models.wire import Record
from nlp.redaction import redact

NOW_MS = 1_795_000_000_000
"""An hour in November 2026."""
NOW = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
RECOGNITION = Recognition(model="test", avg_logprob=-0.2, no_speech_prob=0.1, compression_ratio=1.0)


def settings(**changes: object) -> EdgeSettings:
    """Return settings for tests: short waits and a small reserve; `changes` overrides."""
    quick = {"retry_first_s": 0.01, "retry_longest_s": 0.02, "reserve_kb": 64}
    return EdgeSettings.model_validate(quick | changes)


def encounter(*, consent: ConsentState = ConsentState.GRANTED, customer: str | None = "C-1") -> Encounter:
    """Return who meets where."""
    return Encounter(site="bank-01", staff="S-1", channel="counter", customer=customer, consent=consent)


def conversation(**changes: object) -> Conversation:
    """Return a conversation that begins."""
    fields = {
        "id": new_id(),
        "tenant": "t",
        "site": "bank-01",
        "device_id": new_id(),
        "staff": "S-1",
        "channel": "counter",
        "customer": "C-1",
        "consent": ConsentState.GRANTED,
        "started_at": NOW,
    }
    return Conversation.model_validate(fields | changes)


def utterance_record(text: str = "我想问一下利率", *, conversation_id: UUID | None = None) -> Record:
    """Return the record of one utterance, masked by the real redaction."""
    body = Utterance(
        id=new_id(),
        conversation_id=conversation_id or new_id(),
        start_ms=0,
        end_ms=900,
        text=redact(text),
        recognition=RECOGNITION,
    )
    return Record(id=new_id(), device_seq=0, monotonic_ms=1, occurred_at=NOW, body=body)


def heard_block(
    ordinal: int, *, start_ms: int, end_ms: int, texts: Sequence[str] = (), suspect: str | None = None
) -> HeardBlock:
    """Return a block whose utterances follow each other from its start, a second each; the rest is silence."""
    utterances = tuple(
        HeardUtterance(
            start_ms=start_ms + at * 1000,
            end_ms=start_ms + at * 1000 + 900,
            text=text,
            recognition=RECOGNITION,
            suspect=suspect,
        )
        for at, text in enumerate(texts)
    )
    spoken_until_ms = min(start_ms + len(texts) * 1000, end_ms)
    spans = (
        HeardSpan(CoverageState.HEARD, "", start_ms, spoken_until_ms),
        HeardSpan(CoverageState.SILENT, "", spoken_until_ms, end_ms),
    )
    return HeardBlock(
        ordinal=ordinal,
        start_ms=start_ms,
        end_ms=end_ms,
        utterances=utterances,
        spans=spans,
        recognition_cpu_s=0.0,
    )


@contextmanager
def opened_outbox(folder: Path, **changes: object) -> Iterator[Outbox]:
    """Open an outbox and close it again."""
    outbox = Outbox(folder, settings=settings(**changes))
    try:
        yield outbox
    finally:
        outbox.close()


def pending_ids(outbox: Outbox, *, now_ms: int = NOW_MS) -> list[UUID]:
    """Return the ids of what is due, in order."""
    return [item.record.id for item in outbox.due(now_ms=now_ms, limit=10_000, max_bytes=1 << 30)]
