"""Invented text is recognised as suspect; ordinary speech is not."""

import pytest

from edge_agent.quality import Suspicion, suspicion, text_compression_ratio
from models.conversation import Recognition


def judged(
    text: str,
    *,
    avg_logprob: float = -0.4,
    no_speech_prob: float = 0.1,
    compression_ratio: float = 1.0,
    detector_peak: float = 0.98,
) -> Suspicion | None:
    recognition = Recognition(
        model="base", avg_logprob=avg_logprob, no_speech_prob=no_speech_prob, compression_ratio=compression_ratio
    )
    return suspicion(text=text, recognition=recognition, detector_peak=detector_peak)


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
