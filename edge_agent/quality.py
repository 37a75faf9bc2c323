"""Which recognised text may be invented: pure rules, each with what it was measured on.

Whisper writes subtitle credits over silence and repeats itself over noise, often sure of it. Suspect text is delivered
all the same; others quarantine it.
"""

import re
import zlib
from enum import StrEnum

from models.conversation import Recognition

COMPRESSION_LIMIT = 2.4

NO_SPEECH_LIMIT = 0.6
"""With the compression limit this removed every invention over 9 non-speech inputs and lost none of 127 clean segments.
In synthesised counter conversations with noise at 12 and 20 dB, though, 9 of 173 blocks of readable speech lie above
it. So it counts only where the speech detector was not sure either."""

SURE_DETECTOR_PEAK = 0.9
"""Blocks of real speech at 12 dB reach at least 0.96 somewhere; silence, noises, hum and music stay below 0.5."""

LOGPROB_LIMIT = -1.0
"""Below this the recogniser itself has given up at every temperature. Real speech at 12 dB stayed above -0.87, and
silence, hum, steps and reversed speech reached -1.3 to -4.5. It is one more reason to doubt, never a reason to trust:
other inventions reached -0.05."""

NEAR_VOICE_RANGE_DB = 8.0
"""What lies below is no voice that is near. Eight voices at once, each as loud as the other, range over 5 to 7.7 dB,
sixteen over 2 to 5; blocks of 20 conversations with babble and noise at 12 and 20 dB range over 10 to 30."""

# What the training data's subtitles say when nobody speaks.
_INVENTIONS = re.compile(
    r"请不吝点赞|点赞.{0,4}订阅|订阅.{0,4}转发|打赏支持|明镜.{0,2}(与|和)?点点|点点栏目"
    r"|字幕(由|by|提供|制作|志愿者|组)|中文字幕|字幕校对|Amara\.org"
    r"|(谢谢|感谢)(大家|您|你|各位)?(的)?(收看|观看|收听)|下(期|集)(视频|节目)?再(见|会)"
    r"|独播剧场|YoYo Television",
    re.IGNORECASE,
)

# The same 1–8 characters four times or more, and nothing much else.
_LOOP = re.compile(r"(.{1,8}?)\1{3,}")
_LOOP_SHARE = 0.6
_LOOP_CHARACTERS = 6
_MARKS = re.compile(r"[\W_]+")


class Suspicion(StrEnum):
    """Why text may be invented."""

    NO_SPEECH = "no_speech"
    """The model and the detector both doubt that anyone spoke."""
    REPETITION = "repetition"
    """The text goes round in circles."""
    INVENTION = "invention"
    """The text is one of those that the model is known to make up."""
    IMPROBABLE = "improbable"
    """The model finds its own text unlikely."""
    MURMUR = "murmur"
    """Many spoke at once, and nobody near."""


def suspicion(
    *, text: str, recognition: Recognition, detector_peak: float, level_range_db: float | None = None
) -> Suspicion | None:
    """Say why `text` may be invented, None when it may be trusted.

    Args:
        text: simplified Chinese.
        recognition: what the model says of the decoding that the text comes from.
        detector_peak: the speech detector's highest probability in the audio of that decoding.
        level_range_db: how far its level rises and falls, as `edge_agent.level_range` has it; None when it is too short
            to say.
    """
    if _INVENTIONS.search(text):
        return Suspicion.INVENTION
    ratio = max(recognition.compression_ratio, text_compression_ratio(text))
    if ratio > COMPRESSION_LIMIT or _loops(text):
        return Suspicion.REPETITION
    if recognition.no_speech_prob > NO_SPEECH_LIMIT and detector_peak < SURE_DETECTOR_PEAK:
        return Suspicion.NO_SPEECH
    if recognition.avg_logprob < LOGPROB_LIMIT:
        return Suspicion.IMPROBABLE
    if level_range_db is not None and level_range_db < NEAR_VOICE_RANGE_DB:
        return Suspicion.MURMUR
    return None


def text_compression_ratio(text: str) -> float:
    """Give UTF-8 bytes per byte of their zlib compression: 0 for no text, above 2.4 for loops (Whisper's measure)."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded))


def _loops(text: str) -> bool:
    """Say whether most of a text is one short phrase over and over; 对对对 and 好的好的好的 are ordinary speech."""
    plain = _MARKS.sub("", text)
    looped = max((len(match.group()) for match in _LOOP.finditer(plain)), default=0)
    # A number read out may repeat a digit: 000000 says nothing about the model.
    return looped >= _LOOP_CHARACTERS and looped >= _LOOP_SHARE * len(plain) and not plain.isdigit()
