"""Names and addresses: what is masked, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import PiiKind
from nlp.redaction import redact, redact_turns
from nlp.training.counter import Conversation, conversations

WORDS = frozenset({PiiKind.NAME, PiiKind.ADDRESS})


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("我叫刘志强，来取报告", "我叫〔姓名〕，来取报告"),
        ("程敏，工程的程，敏捷的敏", "〔姓名〕，工程的程，敏捷的敏"),
        ("我姓骆，骆美琴，昨天约的", "我姓骆，〔姓名〕，昨天约的"),
        ("收件人写周国平，电话我再报", "收件人写〔姓名〕，电话我再报"),
        ("孟凡舟，对吧", "〔姓名〕，对吧"),
        ("欧阳淑芬在吗", "〔姓名〕在吗"),
        ("陈桂兰女士，到您了", "〔姓名〕女士，到您了"),
        ("黎、晓、晴，我登上了", "〔姓名〕，我登上了"),
        ("护照上是 LUO JIAYI，没有空格", "护照上是 〔姓名〕，没有空格"),
        ("我叫秦岚，有事找秦岚", "我叫〔姓名〕，有事找〔姓名〕"),
    ],
)
def test_names_are_masked(said: str, masked: str) -> None:
    """After words that announce one, spelt out, after a surname, alone in a clause, before a title, apart, in Latin."""
    assert redact(said).text == masked


@pytest.mark.parametrize(
    "said",
    [
        "沈女士您好，王经理在里面",
        "小李，叫张师傅过来一下",
        "我叫了个车，叫车软件不好用",
        "这款叫平安福，那款叫金满堂",
        "高兴啊，方便的话，明天见",
        "安全的，平安就好",
        "我姓房，房子的房",
        "找高经理，他姓高",
        "文件齐全，盖章就行",
        "马自达，还是欧蓝德好",
        "成，来，坐",
        "李阿姨，今天挺早",
        "何必呢，没意思",
        "周末，于是，任何时候都行",
    ],
)
def test_what_is_no_name_stays(said: str) -> None:
    """A surname with a title, brands and everyday words that begin with a surname are kept."""
    assert redact(said).text == said


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("地址改一下，现在住碧波园二十六栋一八零一", "地址改一下，现在住〔地址〕"),
        ("柳堤路九号院，三栋二单元六零二", "〔地址〕"),
        ("送到学院路紫荆花园14栋602，谢谢", "送到〔地址〕，谢谢"),
        ("金桂花路90弄21号1102室", "〔地址〕"),
        ("我住1001，正对电梯", "我住〔地址〕，正对电梯"),
        ("您是1506的业主吗", "您是〔地址〕的业主吗"),
        ("1102室，18弄6号", "1102室，〔地址〕"),
        ("纺织新村，十七幢，三号门，六零二", "〔地址〕"),
    ],
)
def test_addresses_are_masked(said: str, masked: str) -> None:
    """Street, estate, building, entrance and room become one label, also with pauses between."""
    assert redact(said).text == masked


@pytest.mark.parametrize(
    "said",
    [
        "三号楼的电梯坏了",
        "二号窗口排队",
        "两室一厅，朝南",
        "我们在五楼，电梯上去",
        "一栋别墅多少钱",
        "路上堵了一个小时",
        "这个小区环境不错",
        "十一号来取",
    ],
)
def test_places_that_everybody_knows_stay(said: str) -> None:
    """A building, a counter, a floor or an estate by itself tells nobody's home."""
    assert redact(said).text == said


def test_a_name_that_one_turn_tells_is_masked_in_its_neighbours() -> None:
    """Turns are read together: what is known from one is masked in all, alone it is not known."""
    said = ["我叫程敏。", "程敏您好，坐这边。", "702漏水，我住702。", "好，我联系702。"]
    assert [one.text for one in redact_turns(said)] == [
        "我叫〔姓名〕。",
        "〔姓名〕您好，坐这边。",
        "〔地址〕漏水，我住〔地址〕。",
        "好，我联系〔地址〕。",
    ]
    assert redact(said[1]).text == said[1]


@given(
    st.integers(min_value=1, max_value=40),
    st.integers(min_value=1, max_value=9),
    st.integers(min_value=101, max_value=2908),
)
def test_building_entrance_and_room_leave_no_digit(building: int, entrance: int, room: int) -> None:
    """Whatever the numbers, none of them remains."""
    text = redact(f"我家在柳荫花园{building}栋{entrance}单元{room}，麻烦了").text
    assert not any(char.isdigit() for char in text)
    assert text.endswith("，麻烦了")


@pytest.fixture(scope="module")
def written() -> tuple[Conversation, ...]:
    return conversations()


def test_written_conversations_keep_few_names(written: tuple[Conversation, ...]) -> None:
    """On the set that the patterns were made with: .85 of names and addresses go, .90 of the masks were labelled."""
    seen = kept = masks = right = 0
    for conversation in written:
        redacted = redact_turns([turn.text for turn in conversation.turns])
        for turn, result in zip(conversation.turns, redacted, strict=True):
            secrets = [some.text for some in turn.pii if some.kind in WORDS]
            seen += len(secrets)
            kept += sum(secret in result.text for secret in secrets)
            words = sum(mask.kind in WORDS for mask in result.masks)
            masks += words
            right += min(words, sum(turn.text.count(secret) for secret in set(secrets)))
    assert seen > 120
    assert kept <= 0.15 * seen
    assert right >= 0.9 * masks
