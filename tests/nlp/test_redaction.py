"""Redaction: what it promises about any text whatever."""

import ast
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.errors import VoicetrailError
from models.labels import PII_LABELS, PiiKind
from models.text import MAX_TEXT_CHARS, RedactedText
from nlp.pii.addresses import find_addresses, suspects_address
from nlp.pii.codes import find_codes
from nlp.pii.emails import find_emails
from nlp.pii.numbers import find_numbers
from nlp.pii.plates import find_plates
from nlp.pii.view import View
from nlp.redaction import _SUSPECT, REDACTION_VERSION, TextTooLongError, recheck, redact, redact_turns

ROOT = Path(__file__).parents[2]

PIECES = [
    *"0123456789一二三四五六七八九零幺两十百万要吧是明林",
    *"，。、-… .ABEPXx@点嗯块元年月日号(）\n",
    *["13900002718", "110101199003071234", "6222000000004731588", "京A12345", "P990024700316", "2026-05-03", "12800块"],
    *[
        "保单号",
        "订单号",
        "卡号",
        "尾号",
        "身份证",
        "电话",
        "手机",
        "车牌",
        "微信号",
        "艾特",
        "护照",
        "qq",
        "com",
        "然后",
    ],
    *["我叫", "姓", "刘志强", "欧阳", "桂花的桂", "先生", "三栋", "二单元", "六零二", "柳堤路", "业主", "住", "花园"],
    *["〔手机号〕", "〔号码〕", "〔", "〕", "\x00", "\ud800", "😀", "我要", "zhang"],
]
anything = st.one_of(st.text(st.characters(), max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))


@settings(deadline=None)
@given(anything)
@example("电话13900002718 3356")
@example("〔手机号〕1234567")
def test_redacting_twice_changes_nothing(text: str) -> None:
    """What is redacted stays as it is, masks included."""
    once = redact(text)
    assert redact(once.text) == once


@settings(deadline=None)
@given(anything)
def test_masks_stand_exactly_where_they_say(text: str) -> None:
    """Each mask's place in the redacted text holds the label of its kind, in order and apart."""
    redacted = redact(text)
    end = 0
    for mask in redacted.masks:
        assert end <= mask.start
        assert redacted.text[mask.start : mask.end] == f"〔{PII_LABELS[mask.kind]}〕"
        end = mask.end


@settings(deadline=None)
@given(anything)
def test_the_result_can_be_stored_and_is_hardly_longer(text: str) -> None:
    """Every database takes the text; each mask adds two characters at most, for a name of two."""
    redacted = redact(text)
    redacted.text.encode("utf-8")
    assert "\x00" not in redacted.text
    assert len(redacted.text) <= len(text) + 2 * len(redacted.masks)


@settings(deadline=None)
@given(anything)
def test_what_is_not_masked_is_kept_as_it_was_said(text: str) -> None:
    """Between the masks stands the original text, piece by piece, in order."""
    storable = text.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if "\ufffd" in storable:
        return
    redacted = redact(text)
    done = at = 0
    for mask in (*redacted.masks, None):
        kept = redacted.text[done : mask.start if mask else None]
        at = storable.index(kept, at) + len(kept)
        done = mask.end if mask else done


@settings(deadline=None)
@given(anything)
def test_quick_looks_let_nothing_pass(text: str) -> None:
    """Whatever the detectors of numbers and addresses find, the quick look before them suspects."""
    clean = text.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    view = View.of(clean)
    if [*find_emails(view), *find_plates(view), *find_numbers(view), *find_codes(view)]:
        assert _SUSPECT.search(clean)
    if list(find_addresses(view)):
        assert suspects_address(clean)


@settings(deadline=None)
@given(st.lists(anything, max_size=5))
def test_turns_hide_at_least_what_each_alone_hides(texts: list[str]) -> None:
    """Neighbours can only add masks; there is one result for each text."""
    results = redact_turns(texts)
    assert len(results) == len(texts)
    for result, text in zip(results, texts, strict=True):
        assert redact(result.text) == result
        assert not redact(text).masks or result.masks


@pytest.mark.parametrize(
    "piece", ["1 ", "a@", "1@a点", "保单号", "1，要", "京A1", "1\n", "一三，", "12800，", "〔手机号〕1", "\ud800"]
)
def test_a_very_long_text_is_redacted(piece: str) -> None:
    """20,000 characters of anything are taken, in time proportional to their number."""
    redacted = redact((piece * MAX_TEXT_CHARS)[:MAX_TEXT_CHARS])
    assert recheck(redacted) is redacted


def test_a_clean_text_is_rechecked_as_the_same_object() -> None:
    """The server's second look makes nothing new when there is nothing to do."""
    for said in ("我想问一下这个价格能不能便宜一点", "电话13900002718"):
        redacted = redact(said)
        assert recheck(redacted) is redacted


def test_what_an_older_device_let_pass_is_masked_by_the_server() -> None:
    """A number in a text that says it was redacted is masked, beside the masks that were there."""
    redacted = redact("电话13900002718，家里")
    wire = f'{{"text": "{redacted.text}，010-12345678", "masks": [], "redaction": "0"}}'
    old = TypeAdapter(RedactedText).validate_json(wire)
    again = recheck(old)
    assert again is not old
    assert again.text == "电话〔手机号〕，家里，〔电话〕"
    assert [mask.kind for mask in again.masks] == [PiiKind.MOBILE, PiiKind.PHONE]
    assert again.redaction == REDACTION_VERSION


def test_a_text_that_nobody_can_have_said_is_refused() -> None:
    """More than MAX_TEXT_CHARS is an error with a code, never cut in silence."""
    assert redact("好" * MAX_TEXT_CHARS).text == "好" * MAX_TEXT_CHARS
    with pytest.raises(TextTooLongError) as refused:
        redact("好" * (MAX_TEXT_CHARS + 1))
    assert isinstance(refused.value, VoicetrailError)
    assert (refused.value.code, refused.value.permanent) == ("text_too_long", True)
    assert refused.value.advice


def _callers_of_seal(source: str) -> int:
    return sum(isinstance(node, ast.Attribute) and node.attr == "_seal" for node in ast.walk(ast.parse(source)))


def test_only_redaction_makes_redacted_text() -> None:
    """Nothing but the noun itself and nlp/redaction.py reaches for RedactedText._seal."""
    packages = ("models", "nlp", "hardware", "edge_agent", "server", "demo", "benchmarks", "tests")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    callers = {str(path.relative_to(ROOT)) for path in files if _callers_of_seal(path.read_text("utf-8"))}
    assert callers == {"models/text.py", "nlp/redaction.py"}
