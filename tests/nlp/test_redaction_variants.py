"""Numbers as recognisers write them when they are read aloud: all synthetic, none belongs to a person."""

import re

import pytest

from models.labels import PiiKind
from nlp.pii.view import View
from nlp.redaction import redact, redact_turns

SAID = [
    # Mobile phones, whole and in groups.
    ("13900002718", "mobile"),
    ("我电话13900002718。", "mobile"),
    ("打139 0000 2718吧", "mobile"),
    ("139,0000,2718", "mobile"),
    ("139，0000，2718，对", "mobile"),
    ("139-0000-2718", "mobile"),
    ("139、0000、2718", "mobile"),
    ("139…0000…2718", "mobile"),
    ("139.0000.2718", "mobile"),
    ("139。0000。2718。", "mobile"),
    ("1 3 9 0 0 0 0 2 7 1 8", "mobile"),
    ("1,3,9,0,0,0,0,2,7,1,8", "mobile"),
    ("1-3-9-0-0-0-0-2-7-1-8", "mobile"),
    ("1 39 0 0 0 0 2 7 1 8", "mobile"),
    ("１３９００００２７１８", "mobile"),
    ("+8613900002718", "mobile"),
    ("+86 139 0000 2718", "mobile"),
    ("86-139-0000-2718", "mobile"),
    ("幺三九零零零零二七幺八", "mobile"),
    ("一三九零零零零二七一八", "mobile"),
    ("一三九 零零零零 二七一八", "mobile"),
    ("一三九，零零零零，二七一八", "mobile"),
    ("幺三九〇〇〇〇二七幺八", "mobile"),
    ("幺三九洞洞洞洞二拐幺八", "mobile"),
    ("要三九零零零零二七一八", "mobile"),
    ("腰三九零零零零二七腰八", "mobile"),
    ("幺三九零零零零二七要八", "mobile"),
    ("一三九,明明零零二七一八", "mobile"),
    ("一三九，零零林林，二七一八", "mobile"),
    ("一三九十,零零零零,二七一八", "mobile"),
    ("一三九0000二七一八", "mobile"),
    ("139零零零零2718", "mobile"),
    ("139零零零零二七幺八", "mobile"),
    ("一三九，嗯，零零零零，二七一八", "mobile"),
    ("一三九然后零零零零然后二七一八", "mobile"),
    ("一三九 那个 零零零零 二七一八", "mobile"),
    ("139OOOO2718", "mobile"),
    ("零 零 三 九 零 零 二 七 一              ", "number"),
    ("您電話還是要3-3-0-0-0-7720", "phone"),
    ("行,我微信就是手機號,要37004004490", "mobile"),
    ("给您用三天,你打这个号,U50008008812,别打完就没效了", "phone"),
    ("136-0000-1907", "mobile"),
    ("手机号1390000271", "mobile"),
    ("手机号139000027188", "mobile"),
    ("139 1234 5678人家的电话", "mobile"),
    ("3356。", "number"),
    ("嗯，三三五六。", "number"),
    # Fixed phones.
    ("010-12345678", None),
    ("(0571)87654321", None),
    ("零五七一，八七六五四三二一", None),
    ("座机是8765 4321", "phone"),
    ("固话 0755 2600 1234", None),
    ("打400-000-1234", "phone"),
    ("四零零，零零零，一二三四", "phone"),
    ("客服热线 800 810 0001", "phone"),
    # Identity cards: whole, near misses, in groups.
    ("11010119900307123X", "id_card"),
    ("身份证 110101 19900307 1234", "id_card"),
    ("一一零一零一一九九零零三零七一二三四", "id_card"),
    ("一一零一零一，一九九零，零三零七，一二三叉", "id_card"),
    ("990101,1964,0231,0625", "id_card"),
    ("99020319861308109X。", "id_card"),
    ("身份证号是9902031986130810", "id_card"),
    ("992031986,1308109艾克斯", None),
    # Bank cards.
    ("6222000000004731588", "bank_card"),
    ("6222 0000 0000 4731 588", "bank_card"),
    ("六二二二，零零零零，零零零零，四七三一，五八八", "bank_card"),
    ("卡号4111 1111 1111 1111", "bank_card"),
    ("卡号是4000 0000 0000 123", None),
    ("尾号2718的卡", "number"),
    ("后四位是二七幺八", "number"),
    # Plates.
    ("京A12345", "plate"),
    ("沪A0T018", "plate"),
    ("沪A 0T018", "plate"),
    ("沪A·0T018", "plate"),
    ("沪 A 0 T 0 1 8", "plate"),
    ("沪A零T零幺八", "plate"),
    ("户A零T零一八", "plate"),
    ("苏E00Q77，白色的", "plate"),
    ("粤BD12345", "plate"),
    ("粤B12345D", "plate"),
    ("车牌A12345", "plate"),
    ("粤Z1234港", "plate"),
    # Passports, e-mail, chat.
    ("护照E12345678", "passport"),
    ("E12345678", "passport"),
    ("护照号 G 1234 5678", "passport"),
    ("zhang.san@example.com", "email"),
    ("邮箱是zhang_san@example.com.cn啊", "email"),
    ("zhangsan艾特example点com", "email"),
    ("幺三九零零零零二七幺八艾特一六三点com", "email"),
    ("zhangsan at example dot com", "email"),
    ("微信号 zhang_2718", "number"),
    ("我QQ是100010001", "number"),
    # Policies, orders and other codes.
    ("保单号P990024700316", "policy_no"),
    ("保单号，等下，LA0000458821。", "policy_no"),
    ("保单号是 P 九九零零二四七零零三一六", "policy_no"),
    ("嗯……我翻翻啊，P990024700316。", None),
    ("我三番二,790,0247,00316", "number"),
    ("订单号20261105000318", "order_no"),
    ("订单号DD2026B000318", "order_no"),
    ("单号是SF1234567890123", "order_no"),
    ("工单号 一二三四五六七八", "order_no"),
    ("报案号：90012026000318", "order_no"),
    ("验证码 482913", "number"),
    ("会员号880012", "number"),
    # Whatever is left of seven digits and more.
    ("7654321", "number"),
    ("三三五六七七二零", "number"),
    ("就是三三五六七这个号", "number"),
]

KEPT = [
    "一万两千三百元",
    "12800块",
    "12,800元",
    "1,280,000元",
    "¥1280000",
    "一共1234567块钱",
    "三百二十万",
    "落地十七万九千八，隔壁十五万多",
    "利率3.5%",
    "百分之三点五",
    "2026年5月3号",
    "二零二六年五月三号",
    "2026-05-03",
    "2026.05.03到2026.06.03",
    "2026/5/3 10:30-11:30",
    "20260503",
    "2019-2024年",
    "2025年、2026年",
    "早上9:00到晚上18:00",
    "1280，1680，1980块三档",
    "2680，1980行不行，便宜点",
    "价格是1280、1580、1880",
    "1000-1500元",
    "转速3000-3500",
    "1000万到2000万",
    "一、二、三、四、五、六、七",
    "1、2、3、4、5、6、7、8",
    "一二三四五六七",
    "23333333",
    "66666666",
    "打95588",
    "拨12315投诉",
    "110和120",
    "3.1415926",
    "1200万像素，5000毫安",
    "骁龙8155，显卡RTX3060",
    "iPhone15和iPhone16 Pro",
    "空调是KFR-35GW",
    "三心二意，七上八下",
    "一个一个来，一下就好",
    "十分满意，万一不行呢",
    "三五个人，七八十块",
    "两三天，三四十个",
    "一米七八，轴距两米九二",
    "十五分钟，八点二十",
    "星期三下午三点",
    "尾号限行",
    "车牌号还没上",
    "保单我看了，一共交20年，每年12000元",
    "订单12800块，手机号报一下",
    "电话费100块，打了八折",
    "你打我电话",
    "我打八五折再送两次保养",
    "4S店，5A景区，24小时",
    "第一百二十三条",
    "体温36.5，血压120/80",
    "WiFi6，USB3.0，5G",
    "7×24小时，365天",
    "我两个孩子，一个八岁一个十一岁",
    "九九八十一，三七二十一",
    "100分，99.9%，1.5倍",
    "新A4L，新5系，新3.0T",
    "2.4，2.6，10.6个油",
    "身份证带了吗，2026年到期",
    "2680。",
    "嗯，3000",
    "二零二六",
    "12999",
    "1380，1680，288块",
    "第三，2000万一年",
]

_FOUR_DIGITS = re.compile(r"[0-9](?:[\s,，.。、\-…]?[0-9]){3}")


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_a_number_read_aloud_is_masked(said: str, kind: str | None) -> None:
    """Whatever shape a recogniser gives it, no four digits of an identifier remain."""
    redacted = redact(said)
    assert redacted.masks
    assert not _FOUR_DIGITS.search(View.of(redacted.text).digits), redacted.text
    if kind is not None:
        assert PiiKind(kind) in {mask.kind for mask in redacted.masks}


@pytest.mark.parametrize("said", KEPT)
def test_what_managers_read_is_kept(said: str) -> None:
    """Amounts, dates, times, models and idioms stay exactly as they were said."""
    assert redact(said).text == said


@pytest.mark.parametrize(
    ("turns", "masked"),
    [
        (["电话你记一下，1390000。", "嗯，您说。", "3356。"], [True, False, True]),
        (["139", "零零零零", "二七一八"], [True, True, True]),
        (["一三九。", "嗯。", "零零零零。", "二七幺八。"], [True, False, True, True]),
        (["身份证990101", "1964", "0231", "0625"], [True, True, True, True]),
        (["保单号报一下？", "嗯，LA0000458821。"], [False, True]),
        (["卡的后四位呢", "2718"], [False, True]),
        (["6222 0000", "0000 4731 588"], [True, True]),
        (["要360000", "要907", "查到了"], [True, True, False]),
        (["零零", "零零四五", "八八二一"], [True, True, True]),
        (["13900002718", "对吧", "1390000", "2718"], [True, False, True, True]),
        (["电话13900002718", "2680块"], [True, False]),
        (["1390000271", "一个人用吗"], [True, False]),
    ],
)
def test_a_number_read_in_pieces_is_masked_in_each(turns: list[str], masked: list[bool]) -> None:
    """A number that goes on in the next utterance is masked in both, also over a murmur."""
    assert [bool(redacted.masks) for redacted in redact_turns(turns)] == masked


@pytest.mark.parametrize(
    "turns",
    [
        ["多少？2680。", "1980行不行？"],
        ["一共12800", "9800吧"],
        ["2026年", "2027年呢"],
        ["那是1280", "3件一起1280块"],
    ],
)
def test_prices_said_in_turn_are_no_number(turns: list[str]) -> None:
    """Two who bargain are not read as one telephone number."""
    assert [redacted.text for redacted in redact_turns(turns)] == turns
