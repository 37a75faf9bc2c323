"""What became of a promise: a pure transition over what is known later.

Nothing is concluded from silence: when the time has passed and nobody spoke of it, the state is unknown, not broken.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from models.commitment import Commitment, CommitmentState
from models.labels import Role
from models.noun import Moment, Noun


class LaterWords(Noun):
    """One utterance of a later conversation with the same customer."""

    conversation_id: UUID
    said_at: Moment
    role: Role
    text: str
    """Redacted."""


class _Verdict(NamedTuple):
    said_at: datetime
    conversation_id: UUID
    state: CommitmentState


_GAP: Final = "[^。！？!?]"
_PROMISED: Final = "(?:说好|答应|承诺|保证|约好|讲好|说是|不是说|上次说|当时说|说的)"
_BROKEN: Final = re.compile(
    rf"{_PROMISED}{_GAP}{{0,24}}(?:没|也不|都不|人呢|到现在|还等|结果|不见|不来|不认)"
    rf"|(?:到现在|这么久|几天)了?{_GAP}{{0,8}}(?:都|也|还)?没(?:有)?{_GAP}{{0,6}}(?:回|打|来|到|发|修|退|办|消息|动静|答复)"
    rf"|(?:没人|没有人|谁也没)(?:给我|跟我|来|联系|打)|说话不算|放(?:我)?鸽子|忽悠我"
)
_KEPT: Final = re.compile(
    rf"(?:收到了|已经到账|到账了|打过电话了|给我打了|回过(?:我)?(?:电话|话)了|来修过了|修好了|换好了|办好了|送到了|寄到了|退给我了|退了(?=[，。！]|$)"
    rf"|说到做到|{_PROMISED}{_GAP}{{0,16}}(?:真的|果然|还真)(?:给|来|办|修|到|打))"
)
_NOT_YET: Final = re.compile("没|不|还要|还得|吗|么|？|\\?|谁说|哪里|哪儿")
_SHARED_RUN: Final = 2
"""Characters in a row that later words share with the promise when they speak of it."""
_EVERYDAY: Final = (
    "我们",
    "您的",
    "给您",
    "电话",
    "时候",
    "这个",
    "那个",
    "一下",
    "可以",
    "什么",
    "就是",
    "现在",
    "明天",
    "今天",
)
_HAN: Final = re.compile("[\u4e00-\u9fff]{2,}")


def settled(commitment: Commitment, later: Sequence[LaterWords], *, now: datetime) -> Commitment:
    """The commitment as it stands at a moment.

    The customer's latest words about it count, in conversations after the one in which it was made. A conversation
    that says a promise was kept or broken without naming what was promised counts only where it shares two characters
    in a row with the quote, or where it names a promise as such (你们说好的). Asking again changes nothing; a verdict
    that later words take back (又没来) is replaced.

    Args:
        commitment: as it was made; its own state is not looked at.
        later: utterances of the same customer's other conversations, in any order.
        now: what was said after it is not looked at.
    """
    verdicts = sorted(
        _Verdict(words.said_at, words.conversation_id, state)
        for words in later
        if words.conversation_id != commitment.conversation_id
        and commitment.made_at < words.said_at <= now
        and words.role is not Role.STAFF
        and (state := _verdict(commitment.quote, words.text)) is not None
    )
    if verdicts:
        return commitment.model_copy(update={"state": verdicts[-1].state, "settled_by": verdicts[-1].conversation_id})
    passed = commitment.due is not None and commitment.due.until < now
    state = CommitmentState.UNKNOWN if passed else CommitmentState.OPEN
    return commitment.model_copy(update={"state": state, "settled_by": None})


def _verdict(quote: str, text: str) -> CommitmentState | None:
    broken = _BROKEN.search(text)
    if broken and (_shared(quote, text) or re.search(_PROMISED, broken[0])):
        return CommitmentState.BROKEN
    kept = _KEPT.search(text)
    if kept and _shared(quote, text) and not _NOT_YET.search(text[max(0, kept.start() - 4) : kept.end() + 2]):
        return CommitmentState.KEPT
    return None


def _shared(quote: str, text: str) -> bool:
    """Whether two texts speak of the same matter: two characters in a row that are no everyday pair."""
    pairs = {
        run[at : at + _SHARED_RUN] for run in _HAN.findall(quote) for at in range(len(run) - _SHARED_RUN + 1)
    } - set(_EVERYDAY)
    return any(pair in text for pair in pairs)
