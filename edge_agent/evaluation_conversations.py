"""How well whole conversations are heard: what was said, who said it, at what cost, and how soon the text is there.

How a gold turn is held against what was heard. Each utterance has a time and, at the end of the conversation, a role:
staff, customer or unknown. The role that covers most of a gold turn's time is what was decided for that turn; a turn of
which nothing was recognised is unknown. So a turn whose text went to the wrong person counts as wrong, and one that
nobody recognised is not forgiven. `role_accuracy` is the share of right ones among the decided turns, `role_unknown`
the share of unknown ones among all.

Every conversation of the folder is measured whole, also those whose customer declined: nothing is kept or sent, only
counted.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge_agent.alignment import Timed
from edge_agent.error_rate import Edits, edits_with_numerals_folded
from edge_agent.evaluation import EvaluationError, Progress, stock_decoding
from edge_agent.gold_talks import GoldTalk, GoldTurn, read_talks, sound_of
from edge_agent.heard import HeardBlock, HeardUtterance
from edge_agent.latency import hear_as_if_live
from edge_agent.recognition import Recogniser
from edge_agent.speakers import Speakers, StaffLogOdds
from edge_agent.voice_embedder import VoiceEmbedder
from edge_agent.voice_enrolment import VoiceEnrolment
from edge_agent.voiceprint import VoiceError, Voiceprint
from hardware.audio import SAMPLE_RATE_HZ
from hardware.media_file import MediaFileSource, Pace
from models.errors import AudioError
from models.labels import Role
from models.noun import Noun

_STAFF = "staff"


class StockFigures(Noun):
    """What faster-whisper reached on the whole recordings, as it decodes by default, on the same weights."""

    cer_folded: float
    cpu_rtf: float


class ConversationFigures(Noun):
    """What was reached on a folder of conversations."""

    conversations: int
    turns: int
    audio_s: float
    cer_folded: float
    """Character edits per character of all turns, digits as hanzi; quarantined text counts as not written."""
    role_accuracy: float | None
    """Of decided turns; None when none was decided."""
    role_unknown: float
    """Share of turns."""
    role_accuracy_at_once: float | None
    """The same by the roles that utterances had when they were first shown, before anything was revised."""
    role_unknown_at_once: float
    quarantined: int
    """Utterances."""
    cpu_rtf: float
    """CPU seconds of this process per second of audio, for all of hearing but first texts that were in vain."""
    latency_ratio_p50: float | None
    latency_ratio_p95: float | None
    """End of speech to text, over the bare recognition time of its clip; None when nothing was recognised."""
    enrolled: bool
    model: str
    stock: StockFigures | None = None


@dataclass(slots=True)
class RoleTally:
    """Gold turns by what became of their role."""

    right: int = 0
    wrong: int = 0
    unknown: int = 0

    def add(self, turn: GoldTurn, decided: Role) -> None:
        """Count a turn."""
        if decided is Role.UNKNOWN:
            self.unknown += 1
        elif decided is turn.role:
            self.right += 1
        else:
            self.wrong += 1

    @property
    def accuracy(self) -> float | None:
        """Share of right ones among the decided."""
        decided = self.right + self.wrong
        return round(self.right / decided, 4) if decided else None

    @property
    def unknown_share(self) -> float:
        """Share of unknown ones among all."""
        return round(self.unknown / max(1, self.right + self.wrong + self.unknown), 4)


@dataclass(slots=True)
class _Sums:
    written: Edits = field(default_factory=lambda: Edits(edits=0, characters=0))
    stock: Edits = field(default_factory=lambda: Edits(edits=0, characters=0))
    at_last: RoleTally = field(default_factory=RoleTally)
    at_once: RoleTally = field(default_factory=RoleTally)
    ratios: list[float] = field(default_factory=list)
    quarantined: int = 0
    audio_s: float = 0.0
    cpu_s: float = 0.0
    stock_cpu_s: float = 0.0


def evaluate_conversations(
    folder: Path,
    *,
    recogniser: Recogniser,
    embedder: VoiceEmbedder,
    staff_log_odds: StaffLogOdds,
    enrol: bool = False,
    compare_stock: bool = False,
    progress: Progress | None = None,
) -> ConversationFigures:
    """Hear each conversation of a folder as if it were live, and count.

    Args:
        folder: of ID.json with `turns` (role, text, start and end in seconds) and ID.opus.
        recogniser: of what is said.
        embedder: of voices.
        staff_log_odds: what words say of their speaker.
        enrol: learn the staff member's voice first: from another conversation in which the same voice is staff; where
            there is none, from staff turns of the conversation itself, which then do not count for roles.
        compare_stock: decode each recording also as `WhisperModel.transcribe` does by default, on the same weights.
        progress: told after each conversation.

    Raises:
        EvaluationError: the folder holds no conversations, or one of them cannot be read.
        RecognitionError: the speech detector does not load.
    """
    talks = read_talks(folder)
    sums = _Sums()
    for done, talk in enumerate(talks, start=1):
        learnt = _learnt(talk, talks, embedder) if enrol else _NOT_LEARNT
        begin = _beginner(embedder, staff_log_odds, learnt.voiceprint)
        _hear(talk, recogniser, begin, learnt.taken, sums)
        if compare_stock:
            text, cpu_s = stock_decoding(recogniser, talk.sound())
            sums.stock += edits_with_numerals_folded(talk.text, text)
            sums.stock_cpu_s += cpu_s
        if progress is not None:
            progress(done, len(talks))
    return _figures(sums, talks, recogniser.model_name, enrolled=enrol, compared=compare_stock)


def decided_role(turn: GoldTurn, heard: Iterable[tuple[Timed, Role]]) -> Role:
    """Return the role that covers most of a turn's time; UNKNOWN when nothing was heard in it."""
    covered_ms: dict[Role, float] = {}
    for utterance, role in heard:
        overlap_ms = min(utterance.end_ms, turn.end_s * 1000) - max(utterance.start_ms, turn.start_s * 1000)
        if overlap_ms > 0:
            covered_ms[role] = covered_ms.get(role, 0.0) + overlap_ms
    return max(covered_ms, key=lambda role: covered_ms[role], default=Role.UNKNOWN)


def roles_at_last(blocks: Sequence[HeardBlock]) -> list[tuple[HeardUtterance, Role]]:
    """Return the utterances of a conversation with the role that stands after all revisions."""
    stands = {utterance.start_ms: utterance.role for block in blocks for utterance in block.utterances}
    stands |= {revised.start_ms: revised.role for block in blocks for revised in block.revisions}
    return [(utterance, stands[utterance.start_ms]) for block in blocks for utterance in block.utterances]


@dataclass(frozen=True, slots=True)
class _Learnt:
    voiceprint: Voiceprint | None
    taken: frozenset[int]
    """Turns of the conversation itself that it was learnt from."""


_NOT_LEARNT = _Learnt(voiceprint=None, taken=frozenset())


def _learnt(talk: GoldTalk, talks: Sequence[GoldTalk], embedder: VoiceEmbedder) -> _Learnt:
    at = talks.index(talk)
    others = [
        other
        for other in (*talks[at + 1 :], *talks[:at])
        if other.staff_voice is not None and other.staff_voice == talk.staff_voice
    ]
    enrolment = VoiceEnrolment(embedder)
    taken: set[int] = set()
    for source in (*others, talk):
        sound = source.sound()
        for number, turn in enumerate(source.turns):
            if turn.role is Role.STAFF and not enrolment.is_enough:
                enrolment.add(sound_of(turn, sound))
                taken |= {number} if source is talk else set()
        if enrolment.is_enough:
            break
    try:
        voiceprint = enrolment.finish(staff=_STAFF, at=datetime.now(UTC))
    except VoiceError as error:
        raise EvaluationError(f"{talk.id}: {error.message}", advice="Leave out --enrol.") from error
    return _Learnt(voiceprint=voiceprint, taken=frozenset(taken))


def _beginner(
    embedder: VoiceEmbedder, staff_log_odds: StaffLogOdds, voiceprint: Voiceprint | None
) -> Callable[[str], Speakers]:
    voice = None if voiceprint is None else voiceprint.voice
    return lambda _staff: Speakers(embedder=embedder, staff_log_odds=staff_log_odds, staff_voice=voice)


def _hear(
    talk: GoldTalk,
    recogniser: Recogniser,
    speakers: Callable[[str], Speakers],
    taken: frozenset[int],
    sums: _Sums,
) -> None:
    started_s = time.process_time()
    source = MediaFileSource(talk.recording, pace=Pace.FAST)
    try:
        heard = list(hear_as_if_live(recogniser, source, speakers=speakers, staff=_STAFF))
    except AudioError as error:
        raise EvaluationError(f"{talk.id}: {error.message}", advice=error.advice) from error
    blocks = [block for block, _ in heard]
    sums.cpu_s += time.process_time() - started_s - sum(block.drafting_cpu_s for block in blocks)
    sums.audio_s += blocks[-1].end_ms / 1000 if blocks else 0.0
    sums.ratios += [latency.ratio for _, latency in heard if latency is not None]
    utterances = [utterance for block in blocks for utterance in block.utterances]
    sums.quarantined += sum(1 for utterance in utterances if utterance.suspect is not None)
    text = "".join(utterance.text for utterance in utterances if utterance.suspect is None)
    sums.written += edits_with_numerals_folded(talk.text, text)
    at_once, at_last = [(utterance, utterance.role) for utterance in utterances], roles_at_last(blocks)
    for number, turn in enumerate(talk.turns):
        if number not in taken:
            sums.at_once.add(turn, decided_role(turn, at_once))
            sums.at_last.add(turn, decided_role(turn, at_last))


def _figures(
    sums: _Sums, talks: Sequence[GoldTalk], model: str, *, enrolled: bool, compared: bool
) -> ConversationFigures:
    p50, p95 = (round(float(np.percentile(sums.ratios, at)), 3) if sums.ratios else None for at in (50, 95))
    stock = StockFigures(
        cer_folded=round(sums.stock.rate, 5), cpu_rtf=round(sums.stock_cpu_s / max(sums.audio_s, 1 / SAMPLE_RATE_HZ), 5)
    )
    return ConversationFigures(
        conversations=len(talks),
        turns=sum(len(talk.turns) for talk in talks),
        audio_s=round(sums.audio_s, 2),
        cer_folded=round(sums.written.rate, 5),
        role_accuracy=sums.at_last.accuracy,
        role_unknown=sums.at_last.unknown_share,
        role_accuracy_at_once=sums.at_once.accuracy,
        role_unknown_at_once=sums.at_once.unknown_share,
        quarantined=sums.quarantined,
        cpu_rtf=round(sums.cpu_s / max(sums.audio_s, 1 / SAMPLE_RATE_HZ), 5),
        latency_ratio_p50=p50,
        latency_ratio_p95=p95,
        enrolled=enrolled,
        model=model,
        stock=stock if compared else None,
    )
