"""Codes that a word before them makes personal: policy and order numbers, accounts, the last digits of a card."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from models.labels import PiiKind
from nlp.pii.amounts import without_dates
from nlp.pii.span import PiiSpan
from nlp.pii.view import TURN, View

_JOINT = rf"[\s\-_.,，、{TURN}]{{0,2}}"
_CODE = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z0-9](?:{_JOINT}[A-Za-z0-9])*+")
_AMOUNT_WORDS = re.compile("金额|价|共|总|数量|多少钱|时间|日期|块|元")
_UNIT = re.compile(r"\s?[多几]?[块元万亿千百个位名人次件条张台辆套笔单年月天分]")


@dataclass(frozen=True, slots=True)
class _Context:
    """What a word before a code says about it."""

    words: re.Pattern[str]
    kind: PiiKind
    shortest: int
    """Letters and digits that the code has at least."""
    digits: int = 4
    within: int = 12
    """Characters between the word and the code at most."""


_CONTEXTS = (
    _Context(re.compile(r"(?:保险单|投保单|保单|保险合同)(?:号码?|编号|尾号)"), PiiKind.POLICY_NO, 6),
    _Context(re.compile(r"保单|保险单"), PiiKind.POLICY_NO, 8, digits=6, within=6),
    _Context(
        re.compile(
            r"(?:订单|工单|运单|快递|流水|受理|报案|案件|赔案|合同|预约|退货|维修|服务)(?:单?号码?|编号|编码)|单号|编号"
        ),
        PiiKind.ORDER_NO,
        6,
    ),
    _Context(re.compile(r"订单|工单|运单"), PiiKind.ORDER_NO, 8, digits=6, within=6),
    _Context(re.compile(r"卡号|账号|帐号|银行账户|户头"), PiiKind.BANK_CARD, 8, digits=6),
    _Context(re.compile(r"身份证(?:号码?)?|证件号码?"), PiiKind.ID_CARD, 8, digits=7),
    _Context(re.compile(r"护照(?:号码?)?|通行证(?:号码?)?"), PiiKind.PASSPORT, 7, digits=6),
    _Context(re.compile(r"车牌号?码?|牌照"), PiiKind.PLATE, 6, digits=3, within=5),
    _Context(
        re.compile(
            r"(?:会员|客户|用户|账户|序列|机身|车架|发动机|发票|学|工|社保|医保|税|病历|驾驶证|驾照|准考证|执照|微信|QQ|qq|扣扣|企鹅)号码?"
            r"|VIN|vin"
        ),
        PiiKind.NUMBER,
        5,
    ),
    _Context(re.compile(r"验证码|取件码|提货码|取货码|核销码|校验码|动态码|密码"), PiiKind.NUMBER, 4),
    _Context(re.compile(r"(?:尾号|[后末][四五六4-6][位个])(?:数字?)?"), PiiKind.NUMBER, 4, within=6),
)
_HANDLE = re.compile(r"(?:微信号?|[vV][xX]|威信)(?:是|叫|：|:|\s)*([A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9])")


def _code_after(view: View, context: _Context, at: int) -> re.Match[str] | None:
    """The first code within reach of the word that ends at `at`."""
    for match in _CODE.finditer(view.digits, at, at + context.within + 64):
        if match.start() - at > context.within:
            return None
        characters = [char for char in match[0] if char.isascii() and char.isalnum()]
        if len(characters) >= context.shortest and sum(map(str.isdigit, characters)) >= context.digits:
            return match
    return None


def find_codes(view: View) -> Iterator[PiiSpan]:
    """Codes with a telling word before them: 保单号 LA0000458821, 尾号2718, 微信号 abc_2718."""
    undated = without_dates(view)
    for context in _CONTEXTS:
        for word in context.words.finditer(view.folded):
            code = _code_after(undated, context, word.end())
            if code is None or _AMOUNT_WORDS.search(view.folded, word.end(), code.start()):
                continue
            if _UNIT.match(view.folded, code.end()) and len(code[0]) < 8:
                continue
            for part in re.finditer(rf"[^{TURN}]+", view.text[code.start() : code.end()]):
                yield PiiSpan(code.start() + part.start(), code.start() + part.end(), context.kind)
    for handle in _HANDLE.finditer(view.folded):
        yield PiiSpan(handle.start(1), handle.end(1), PiiKind.NUMBER)
