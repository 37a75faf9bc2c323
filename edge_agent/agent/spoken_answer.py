"""What a customer answers when asked to be recorded: yes, no, or something else. Pure; the words are data.

Sentences are read, single words are weighed by their sound: the recogniser reads a word that stands alone badly, and
knows far better which of a few answers it was; see `edge_agent.answer_scoring`. The two together are right more often
than either, and a yes of one that the other takes for a no is none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.labels import ConsentState
from nlp.normalise import to_simplified

ANSWER_MS: Final = 8_000
"""How long an answer is waited for."""
LONGEST_ANSWER_MS: Final = 3_000
"""What goes on for longer is more than one of `ANSWERS`, and only read."""

NO: Final = (
    "不同意", "不可以", "不行", "不成", "不要", "不用", "不想", "不愿意", "不好", "不能", "不许", "不录", "不接受",
    "不太", "不了", "不方便", "不需要", "别", "拒绝", "算了", "没必要", "免了", "反对", "no", "not", "nope", "don't",
)  # fmt: skip
"""A refusal holds one of these."""

MEANS_ELSE: Final = {
    "不要紧": "没事", "不介意": "没事", "特别": "", "您好": "", "你好": "", "不好意思": "", "别的": "", "别人": "",
    "别处": "", "别家": "", "级别": "", "分别": "", "区别": "", "性别": "", "个别": "",
}  # fmt: skip
"""What holds a word of refusal or consent and is none, and what it means instead."""

YES: Final = (
    "同意", "可以", "好的", "好", "行", "录吧", "没问题", "没事", "没关系", "当然", "愿意", "接受", "允许", "无所谓",
    "ok", "okay", "yes", "sure", "fine",
)  # fmt: skip
"""A consent holds one of these …"""

BESIDE_YES: Final = (
    "我", "你", "您", "们", "那", "就", "啊", "呀", "吧", "呢", "嗯", "哦", "噢", "哎", "诶", "的", "了", "对", "是",
    "都", "也", "录音", "录", "记录", "记", "没", "有", "尽管", "随便", "谢谢",
    "i", "am", "agree", "that", "is", "it", "s",
)  # fmt: skip
"""… and nothing else but these: "我要去银行" holds a yes and is none. A bare "嗯" may mean that somebody listens."""


class Meaning(StrEnum):
    """Kinds of short answers."""

    YES = "yes"
    NO = "no"
    NEITHER = "neither"


ANSWERS: Final[Mapping[Meaning, tuple[str, ...]]] = {
    Meaning.YES: (
        "同意", "我同意", "可以", "可以的", "好", "好的", "好吧", "行", "行吧", "没问题", "没关系", "没事", "当然可以",
        "嗯,可以",
    ),
    Meaning.NO: (
        "不同意", "我不同意", "不可以", "不行", "不要", "不用", "不好", "不好吧", "不了", "不愿意", "不方便", "别录",
        "算了", "嗯,不要",
    ),
    Meaning.NEITHER: ("什么", "为什么", "等一下", "你好", "谢谢", "可以吗", "好吗", "没有"),
}  # fmt: skip
"""What a short clip is weighed against; a yes has its no of the same length, since longer answers weigh more.

A 嗯 alone is not among them: its tone decides, and the model hears none.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The answer of each kind that explains a clip best."""

    texts: Mapping[Meaning, str]
    gains: Mapping[Meaning, float]
    """How much likelier the clip makes it than a sound in which nothing is said does, in nats."""

    def stands_out(self, meaning: Meaning, *, by: float, leads: Mapping[Meaning, float]) -> bool:
        """Say whether a kind has at least this gain, and that much more than each of the others."""
        gain = self.gains[meaning]
        return gain >= by and all(gain - self.gains[other] >= lead for other, lead in leads.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said in one go since the question."""

    texts: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """Texts that the recogniser itself finds improbable: no yes is in them; a no is, unless it sounds otherwise."""
    weighed: Weighed | None = None
    """None of what is too long to be a single answer."""


_YES_GAIN: Final = 4.0
_YES_LEADS: Final = {Meaning.NO: 2.0, Meaning.NEITHER: 1.0}
"""Strict: chosen on odd conversations and synthetic words so that no refusal and no other talk comes through."""
_NO_GAIN: Final = 3.0
_NO_LEADS: Final = {Meaning.YES: 1.5, Meaning.NEITHER: 1.5}
_DOUBT_GAIN: Final = 2.0
_DOUBT_LEADS: Final = {Meaning.YES: -1.0}
"""A yes that was read is not believed if a no explains its sound about as well: 不愿意 was read as 我们可以."""
_AGREED: Final = ("同意",)
_REFUSED: Final = ("不同意",)

_QUESTION = re.compile(r"[吗?？]|什么")
_BUT = re.compile(r"(.+)是\1")
"""可以是可以: a yes that waits for its but."""
_WORDS = re.compile(r"[a-z']+|[\u4e00-\u9fff]")


def answer_of(said: Sequence[str]) -> ConsentState | None:
    """Return GRANTED or DECLINED, or None when the words say neither clearly: then the question stays open.

    A refusal anywhere is a refusal. A consent is one only when nothing else is said but questions, such as the one
    that was asked: an error toward "no" costs a recording, one toward "yes" would cost the customer's trust.

    Args:
        said: utterances since the question, in their order.
    """
    plain = [_plain(text) for text in said]
    if any(_holds(text, word) for text in plain for word in NO):
        return ConsentState.DECLINED
    told = " ".join(text for text in plain if not _QUESTION.search(text))
    if _BUT.search(told):
        return None
    rest, agreed = _without(told, YES)
    rest, _ = _without(rest, BESIDE_YES)
    return ConsentState.GRANTED if agreed and not _WORDS.search(rest) else None


def decided(said: Sequence[Said]) -> ConsentState | None:
    """Return what was answered by words and sound, or None while that is not clear.

    Args:
        said: since the question, in its order.
    """
    return answer_of([text for one in said for text in _meant(one)])


def _meant(said: Said) -> Sequence[str]:
    """Return what was said in words that mean it."""
    weighed, read = said.weighed, answer_of(said.texts)
    sounds_like_no = weighed is None or weighed.stands_out(Meaning.NO, by=_DOUBT_GAIN, leads=_DOUBT_LEADS)
    if sounds_like_no and answer_of(said.doubtful) is ConsentState.DECLINED:
        return _REFUSED
    if weighed is None or read is ConsentState.DECLINED:
        return said.texts
    if weighed.stands_out(Meaning.NO, by=_NO_GAIN, leads=_NO_LEADS) and _is_all(weighed.texts[Meaning.NO], said):
        return _REFUSED
    if read is ConsentState.GRANTED:
        return () if sounds_like_no else said.texts
    if weighed.stands_out(Meaning.YES, by=_YES_GAIN, leads=_YES_LEADS) and _is_all(weighed.texts[Meaning.YES], said):
        return _AGREED
    return said.texts


def _is_all(answer: str, said: Said) -> bool:
    """Say whether the text is no question, and about as short as the answer: 行李放哪儿 begins like 行 and is longer.

    What was read of an answer of one or two words has at most one more, of a longer one somewhat more.
    """
    text = "".join(said.texts + said.doubtful)
    size = len(_WORDS.findall(answer))
    return not _QUESTION.search(text) and len(_WORDS.findall(text)) <= max(2, 2 * size - 1)


def _plain(text: str) -> str:
    plain = to_simplified(text).lower()
    for phrase, meaning in MEANS_ELSE.items():
        plain = plain.replace(phrase, meaning)
    return plain


def _holds(text: str, word: str) -> bool:
    return re.search(_pattern(word), text) is not None


def _without(text: str, words: tuple[str, ...]) -> tuple[str, bool]:
    pattern = "|".join(_pattern(word) for word in sorted(words, key=len, reverse=True))
    rest, count = re.subn(pattern, " ", text)
    return rest, count > 0


def _pattern(word: str) -> str:
    """Chinese words are found anywhere, Latin ones as whole words."""
    return rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
