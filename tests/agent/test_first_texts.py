"""What is shown of blocks that are not sealed yet."""

from edge_agent.agent.first_texts import FirstTexts
from edge_agent.heard import FirstText, HeardUtterance
from models.conversation import Recognition
from models.ids import new_id

HEARD = Recognition(model="whisper-base", avg_logprob=-0.3, no_speech_prob=0.0, compression_ratio=1.0)
TALK = new_id()


def first_text(ordinal: int, **said: int) -> FirstText:
    """Make a first text of a block: words by the millisecond at which they start."""
    utterances = tuple(
        HeardUtterance(start_ms=at, end_ms=at + 500, text=text, recognition=HEARD, suspect=None)
        for text, at in said.items()
    )
    return FirstText(ordinal=ordinal, end_ms=max(said.values(), default=0) + 500, utterances=utterances)


def shown(texts: FirstTexts) -> list[str]:
    return [caption.text for caption in texts.of(TALK)]


def test_a_block_stays_on_the_screen_while_the_next_is_spoken() -> None:
    """The words of a block that is still being read do not vanish when the next one has its first words."""
    texts = FirstTexts()
    texts.put(first_text(0, 您好=0), conversation=TALK)
    texts.put(first_text(0, 您好=0, 请坐=900), conversation=TALK)
    texts.put(first_text(1, 谢谢=2000), conversation=TALK)
    assert shown(texts) == ["您好", "请坐", "谢谢"]
    texts.sealed({TALK: 1})
    assert shown(texts) == ["谢谢"]


def test_words_that_became_part_of_the_next_block_stand_once() -> None:
    """A first text may reach beyond the block that it was read for."""
    texts = FirstTexts()
    texts.put(first_text(0, 您好=0, 谢=2000), conversation=TALK)
    texts.put(first_text(1, 谢谢=2000), conversation=TALK)
    assert shown(texts) == ["您好", "谢谢"]


def test_a_first_text_that_comes_late_is_not_shown() -> None:
    """Its block is sealed already, its conversation is another one, or its words were taken back."""
    texts = FirstTexts()
    texts.put(first_text(0, 您好=0), conversation=TALK)
    texts.put(first_text(0, 再见=0), conversation=new_id())
    texts.sealed({TALK: 1})
    assert shown(texts) == []
    texts.put(first_text(1, 谢谢=2000), conversation=TALK)
    texts.forget()
    assert shown(texts) == []


def test_personal_data_in_a_first_text_is_masked() -> None:
    """What is only shown is masked like what is kept."""
    texts = FirstTexts()
    texts.put(first_text(0, 电话13800138000=0), conversation=TALK)
    assert shown(texts) == ["电话〔手机号〕"]
