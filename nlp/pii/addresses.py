"""Where people live: street, estate, building, entrance and room, as they are said.

A building alone (三号楼) is a place that everybody knows; with a room, an entrance or an estate it is somebody's.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from models.labels import PiiKind
from nlp.pii.span import PiiSpan
from nlp.pii.view import View

_NUMBER = "[0-9零〇一二三四五六七八九十百廿幺两]{1,5}"
_JOINT = r"[，,、\s]?(?:那个|就是|呃|嗯)?[，,、\s]?"
_BUILDING = rf"(?:{_NUMBER}(?:号楼|号院|栋|幢|弄|座)(?:宿舍)?|[A-Za-z甲乙丙丁](?:座|栋|幢)(?:宿舍)?)"
_INSIDE = rf"(?:{_NUMBER}(?:单元|号门|门|室(?![一二两]厅)|号房|层|楼|号)(?!院)|[A-Za-z甲乙丙丁][房户])"
_DIGITS = "(?:[0-9]{3,4}|[零〇一二三四五六七八九幺]{3,4})"
_ROOM = rf"{_DIGITS}(?![0-9元块多年月个点])室?"
_SIDE = r"(?:[东西南北左右中](?:户|手|边户)|后院)"
_PART = rf"(?:{_BUILDING}|{_INSIDE}|[\u4e00-\u9fff]{{1,3}}[区楼](?=[，,、\s]))"
_CORE = re.compile(
    rf"(?P<building>{_BUILDING})(?P<rest>(?:{_JOINT}{_PART}){{0,5}}(?:{_JOINT}{_ROOM})?{_SIDE}?)"
    r"|(?<=[路街道巷村里])[，,、\s]?"
    rf"(?P<street>{_NUMBER}号(?![楼院线店])(?:{_JOINT}{_PART}){{0,5}}(?:{_JOINT}{_ROOM})?{_SIDE}?)"
)
_SUFFIX = (
    "省|市|区|县|镇|乡|村|社区|街道|路|街|大道|道|巷|胡同|小区|花园|家园|公寓|家属院|新村|苑|园|湾|庭|府|里|大厦|城|宿舍|院|楼"
    "|[东西南北]区"
)
_NAMED = re.compile(rf"(?P<run>[\u4e00-\u9fffA-Za-z]{{1,12}}?(?:{_SUFFIX}))$")
_BEFORE = re.compile(r"[\u4e00-\u9fffA-Za-z]{1,14}$")
_LEAD = re.compile(
    ".*(?:住在|住到|住|搬到|搬去|地址还是|地址是|地址写|地址|送到|寄到|写|在|是|到|给|去|我家|家里|就|我们|我|您|你|还|的|那|对|呃|嗯)",
    re.DOTALL,
)
_CLAUSE = re.compile(r"(?P<clause>[\u4e00-\u9fff]{2,12})[，,、\s]$")
_PUBLIC = re.compile(r"(?:本店|网点|支行|门店|营业厅|大厅|总部|我们(?:店|行|公司)|医院|法院|银行)[^，。]{0,8}$")
_FARTHEST: Final = 4
"""Clauses before the building that may belong to an address: 松江，广富林路，零九九弄."""


_OWNED = re.compile(
    rf"(?<![0-9零一二三四五六七八九幺.])(?P<room>{_DIGITS})(?=的?(?:业主|住户|户主))"
    rf"|(?:(?:门牌号?|房号)(?:是)?|我住|家住|住|楼[上下]|隔壁|对门)(?P<said>{_DIGITS})"
    r"(?=$|[\s，。！？；、,.!?;\ue000-\uf8ff]|还是|室|房|漏|的?业主|的?那|装修)"
)
_SUSPECT: Final = re.compile(
    rf"[栋幢弄座]|号楼|号院|[路街道巷村里][，,、\s]?{_NUMBER}号|业主|住|户主|门牌|房号|楼[上下]|隔壁|对门"
)


def suspects_address(text: str) -> bool:
    """A quick look: whether a text may hold an address."""
    return bool(_SUSPECT.search(text))


def find_addresses(view: View, *, known: Collection[str] = ()) -> Iterator[PiiSpan]:
    """Addresses of homes, in one piece each.

    Args:
        view: a text, or several that are looked at together.
        known: rooms that were said nearby.
    """
    text = view.folded
    for match in _CORE.finditer(text):
        start = _start(text, match.start())
        if _is_somebodys(match, named=start < match.start()) and not _PUBLIC.search(text, 0, start):
            yield PiiSpan(start, match.end(), PiiKind.ADDRESS)
    for room in rooms_in(text).union(known):
        for again in re.finditer(rf"(?<![0-9.]){room}(?![0-9.元块多天年月个点路号%])", text):
            yield PiiSpan(again.start(), again.end(), PiiKind.ADDRESS)


def rooms_in(text: str) -> set[str]:
    """The numbers of rooms that a text makes known."""
    return {match["room"] or match["said"] for match in _OWNED.finditer(text)}


def _is_somebodys(match: re.Match[str], *, named: bool) -> bool:
    if match["street"]:
        return True
    rest = match["rest"]
    inner = re.search(rf"单元|门|室|房|户|号|{_SIDE}|{_ROOM}$", rest)
    return bool(inner) or (named and bool(rest)) or (named and match["building"][-1] in "栋幢弄")


def _start(text: str, at: int) -> int:
    """Where the names of estate, street and district before a number begin."""
    run = _BEFORE.search(text, max(0, at - 14), at)
    if run and (named := _named(run[0])):
        at -= len(named)
    elif run:
        return at
    for _ in range(_FARTHEST):
        clause = _CLAUSE.search(text, max(0, at - 13), at)
        named = _named(clause["clause"]) if clause else ""
        if not clause or not named:
            break
        at = clause.end("clause") - len(named)
        if named != clause["clause"]:
            break
    return at


def _named(run: str) -> str:
    """The estate, street or district at the end of a run of characters, without what leads to it."""
    bare = _LEAD.sub("", run)
    return bare if _NAMED.search(bare) and len(bare) > 1 else ""
