"""Invented text is recognised as suspect; ordinary speech is not."""

import numpy as np
import pytest

from edge_agent.level_range import level_range_db
from edge_agent.quality import Suspicion, suspicion, text_compression_ratio
from models.conversation import Recognition


def judged(
    text: str,
    *,
    avg_logprob: float = -0.4,
    no_speech_prob: float = 0.1,
    compression_ratio: float = 1.0,
    detector_peak: float = 0.98,
    level_range_db: float | None = None,
) -> Suspicion | None:
    recognition = Recognition(
        model="base", avg_logprob=avg_logprob, no_speech_prob=no_speech_prob, compression_ratio=compression_ratio
    )
    return suspicion(text=text, recognition=recognition, detector_peak=detector_peak, level_range_db=level_range_db)


@pytest.mark.parametrize(
    "text",
    [
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "字幕由Amara.org社区提供",
        "字幕由 志愿者 提供",
        "谢谢观看",
        "谢谢大家的收看，我们下期再见",
        "我们下期节目再会",
        "感谢您的观看",
        "中文字幕志愿者 杨茜茜",
        "优优独播剧场——YoYo Television Series Exclusive",
    ],
)
def test_known_inventions_are_suspect_however_sure_the_model_is(text: str) -> None:
    """Subtitle credits are never what a customer says at a counter."""
    assert judged(text, avg_logprob=-0.05) is Suspicion.INVENTION


@pytest.mark.parametrize(
    "text",
    [
        "谢谢您，慢走",
        "我想订一份报纸",
        "你们把我的订阅取消吧",
        "请给我点赞一下这个服务态度",
        "这个节目的字幕太小了，看不清",
        "好的好的好的，对对对，没问题",
        "我们下次再见面聊",
        "谢谢大家帮忙",
    ],
)
def test_ordinary_speech_that_resembles_inventions_is_trusted(text: str) -> None:
    """The same words in a sentence of their own are speech."""
    assert judged(text) is None


def test_a_phrase_over_and_over_is_suspect() -> None:
    """A loop is suspect by its own text, even where the block's ratio is ordinary."""
    assert judged("还别吃苦了" * 6) is Suspicion.REPETITION
    assert judged("红红红红红红红红红") is Suspicion.REPETITION


def test_a_block_that_goes_round_in_circles_is_suspect() -> None:
    """The ratio of the whole decoding counts for each utterance cut from it."""
    assert judged("好多人", compression_ratio=2.52) is Suspicion.REPETITION


def test_a_long_number_is_no_loop() -> None:
    """Digits read out one by one may repeat."""
    assert judged("6222000000000000") is None


def test_no_speech_counts_when_the_detector_doubts_too() -> None:
    """Noise reads as speech at neither; a noisy counter only to the model."""
    assert judged("鸿鸦", no_speech_prob=0.86, detector_peak=0.6) is Suspicion.NO_SPEECH
    assert judged("上次也是你接待的，态度我没话说", no_speech_prob=0.67, detector_peak=0.99) is None


def test_text_that_the_model_gave_up_on_is_suspect() -> None:
    """Real speech at 12 dB stays above -0.87; gibberish falls below -1."""
    assert judged("其他人", avg_logprob=-4.5) is Suspicion.IMPROBABLE
    assert judged("可以可以，录吧", avg_logprob=-0.86) is None


def test_the_compression_ratio_is_low_for_speech_and_high_for_loops() -> None:
    """Speech compresses to about its own size."""
    assert text_compression_ratio("") == 0
    assert text_compression_ratio("您好，请坐，先跟您说一下") < 1.2
    assert text_compression_ratio("谢谢" * 40) > 2.4


def test_what_never_rises_above_its_pauses_is_a_murmur() -> None:
    """A clip as level as many voices at once is suspect; speech with noise at 12 dB, and a single word, are not."""
    assert judged("我来取号", level_range_db=5.0) is Suspicion.MURMUR
    assert judged("我来取号", level_range_db=10.0) is None
    assert judged("好的", level_range_db=None) is None


@pytest.mark.parametrize(("rises_db", "at_least_db"), [(0, 0), (12, 10), (30, 27)])
def test_the_range_of_a_level_is_measured(rises_db: float, at_least_db: float) -> None:
    """Noise that rises every second by so many decibels has about that range."""
    noise = np.random.default_rng(1).standard_normal(4 * 16_000).astype(np.float32) / 1000
    loud = np.repeat([1.0, 10 ** (rises_db / 20)] * 4, 8_000).astype(np.float32)
    assert at_least_db <= level_range_db(noise * loud) <= at_least_db + 4
    assert level_range_db(noise[:100]) == 0
