"""Names of people, as they are said at a counter: after 我叫, spelt out character by character, or alone in a clause.

A surname with a title (沈女士, 王经理) is none. Patterns over the characters of `nlp/data/names.toml`, in simplified
script: no model, no dictionary is loaded.
"""

import re
import tomllib
from collections.abc import Collection, Iterator
from importlib.resources import files
from typing import Final

from models.labels import PiiKind
from nlp.pii.span import PiiSpan

_TABLE: Final[dict[str, str]] = tomllib.loads(files("nlp").joinpath("data", "names.toml").read_text(encoding="utf-8"))
_EVERYDAY: Final = frozenset(_TABLE["words"].split())

_NOT_GIVEN = (
    "的了是不在有就都而及与着或我你您他她它们这那哪什么吗呢吧啊呀哦嗯嘛哈呗啦个位些很太也还又再没给把被让叫跟对从到去来说"
    "看想要会得地过总哥姐叔姨嫂爷伯师傅导"
)
_TITLES = (
    "先生|女士|小姐|太太|经理|主任|老师|师傅|医生|大夫|护士|阿姨|叔叔|大爷|大妈|大姐|大哥|老板|主管|店长|行长|队长|院长|会计|律师"
    "|同学|教练|警官|同志|姑娘|小伙|奶奶|爷爷|女的|男的"
)
_ONE = "[\u4e00-\u9fff]"
_COMPOUND = "|".join(_TABLE["compound"].split())
_SINGLE = f"[{_TABLE['single']}]"
_SURNAME = f"(?:{_COMPOUND}|{_SINGLE})"
_GIVEN = f"(?!{_TITLES})[{_TABLE['given']}]"
_FREE = f"(?!{_TITLES})[^\\W{_NOT_GIVEN}a-zA-Z0-9_]"
_EDGE = r"[\s，。！？；：、,.!?;:\"“”'‘’（）()…—\ue000-\uf8ff]"
# "Nothing but an edge before": one test, where "the start or an edge before" would be two.
_STARTS = rf"(?<![^{_EDGE[1:-1]}])"
_ENDS = rf"(?=$|{_EDGE})"
_AFTER = rf"(?=$|{_EDGE}|[0-9A-Za-z]|{_TITLES}|的|在|是|对|吗|吧|呀|啊|呢|也|就|这|那|跟|和|两|身份|电话|手机|男|女|住)"
_LIKELY = f"(?P<name>(?:{_COMPOUND}){_GIVEN}{{1,2}}|{_SINGLE}{_GIVEN}{{2}})"

_CALLING = (
    r"(?:我|他|她|人|也|都|名|女儿|儿子|老公|老婆|爱人|妈|爸|孩子|娃|哥|姐|弟|妹|朋友|同事)们?的?(?:就|都|也|是)?叫"
    r"|(?:全名|大名|本名|真名|学名|名字|姓名)(?:就|应该)?(?:叫|是|写|填)?"
    r"|(?<![款个种品动划卡险车西牌店司区路盘件序药菜法这那餐家])叫"
    r"|(?:收件人|收货人|收款人|联系人|投保人|被保人|被保险人|受益人|户名|持卡人|开户人|业主|户主|车主|患者|就诊人)(?:就是|是|叫|写|填|为)?"
)
_STRONG = re.compile(
    rf"(?:{_CALLING})[：:，,\s\"“]?(?P<name>(?:{_COMPOUND}){_FREE}{{1,2}}|{_SINGLE}{_FREE}{{1,2}}){_AFTER}"
)
_WEAK = re.compile(rf"(?:写|挂|填|留|登|找|说|是|念|喊|抬头|给)(?:的是|的|是|我侄子|我女儿)?[：:\"“]?{_LIKELY}{_ENDS}")
_ALONE = re.compile(
    rf"{_STARTS}(?P<name>(?:{_COMPOUND}){_GIVEN}{{1,2}}{_AFTER}|{_SINGLE}{_GIVEN}{{2}}(?=$|{_EDGE}|在吗|是吧|对吧))"
)
_TITLED = re.compile(rf"{_LIKELY}(?={_TITLES})")
_CLAUSE = re.compile(rf"(?:{_STARTS}|(?<=[叫是写姓]))(?P<name>{_SURNAME}{_FREE}{{1,2}})(?=[，,。、\s])")
_FAMILY = re.compile(rf"姓(?P<family>{_SURNAME})")
_APART = re.compile(rf"{_STARTS}(?P<name>{_SURNAME}(?:、|…+){_FREE}(?:(?:、|…+){_FREE})?){_ENDS}")
_LATIN = re.compile(
    r"(?<![A-Za-z])(?P<name>[A-Z]{2,12}(?: [A-Z]{2,12}){1,2})(?![A-Za-z])|叫(?P<also>[A-Z][a-z]+ [A-Z][a-z]+)"
)
_PARTY = re.compile("[件货款系保险益卡户诊]人")
_IS_TITLED = re.compile(_TITLES)
_CAPITALS = re.compile("[A-Z][A-Z]|叫[A-Z]")
_EXPLAINED = re.compile(rf"({_ONE}){_ONE}{{0,2}}的\1|[字旁头]")
_SPELT_WITHIN: Final = 16
"""Characters after a name in which it is spelt out: 程敏，工程的程，敏捷的敏."""


def find_names(text: str, *, known: Collection[str] = ()) -> Iterator[PiiSpan]:
    """Names of people, every time that they are said.

    Args:
        text: masks opaque; one, or several that are looked at together.
        known: names that were said nearby.
    """
    places = list(_places(text))
    if not places and not known:
        return
    for start, end in places:
        yield PiiSpan(start, end, PiiKind.NAME)
    for name in {text[start:end] for start, end in places}.union(known):
        for again in re.finditer(re.escape(name), text):
            yield PiiSpan(again.start(), again.end(), PiiKind.NAME)


def names_in(text: str) -> set[str]:
    """The names that a text makes known."""
    return {text[start:end] for start, end in _places(text)}


def _places(text: str) -> Iterator[tuple[int, int]]:
    # Each test in front of a pattern is what every match of it holds, and costs a tenth.
    patterns = [_WEAK, _ALONE]
    if "叫" in text or "名" in text or "主" in text or "患者" in text or ("人" in text and _PARTY.search(text)):
        patterns.append(_STRONG)
    if "、" in text or "…" in text:
        patterns.append(_APART)
    if _IS_TITLED.search(text):
        patterns.append(_TITLED)
    for pattern in patterns:
        for match in pattern.finditer(text):
            name = match["name"]
            if name[:2] not in _EVERYDAY and name[1:] not in _EVERYDAY:
                yield match.span("name")
    if text != text.lower() and _CAPITALS.search(text):
        for match in _LATIN.finditer(text):
            yield match.span("name" if match["name"] else "also")
    if ("的" in text or "字" in text or "旁" in text or "头" in text) and _EXPLAINED.search(text):
        yield from _spelt(text)
    if "姓" in text:
        yield from _of_a_family(text)


def _spelt(text: str) -> Iterator[tuple[int, int]]:
    """程敏，工程的程: characters that are explained name somebody."""
    for match in _CLAUSE.finditer(text):
        name = match["name"]
        after = text[match.end() : match.end() + _SPELT_WITHIN]
        told = rf"{_ONE}的[{name}]|[{name}](?:是|就是){_ONE}{{1,3}}[{name}]|[字旁头]{_ONE}{{0,3}}[{name}]"
        if re.search(told, after):
            yield match.span("name")


def _of_a_family(text: str) -> Iterator[tuple[int, int]]:
    """我姓骆，骆美琴: the name that begins with a surname that was said."""
    for family in _FAMILY.finditer(text):
        surname = re.escape(family["family"])
        for match in re.finditer(rf"(?:{_STARTS}|叫){surname}{_FREE}{{1,2}}{_AFTER}(?!的)", text[family.end() :]):
            start = family.end() + match.start() + (match[0][0] == "叫")
            yield start, family.end() + match.end()
