"""Personal data masked before a text is stored or sent; nothing else makes a RedactedText."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from models.errors import RejectedError
from models.labels import PII_LABELS
from models.text import MAX_TEXT_CHARS, Mask, RedactedText
from nlp.pii.addresses import find_addresses, rooms_in, suspects_address
from nlp.pii.codes import find_codes
from nlp.pii.emails import find_emails
from nlp.pii.names import find_names, names_in
from nlp.pii.numbers import find_numbers
from nlp.pii.plates import find_plates
from nlp.pii.span import PiiSpan, merged
from nlp.pii.view import TURN, View, masks_in, opaque

REDACTION_VERSION: Final = "2"
"""Of the rules; it changes whenever a text may be masked differently."""

_MURMUR_CHARS: Final = 6
"""Longest utterance (嗯，您说) that one says while the other goes on reading out a number."""

_KINDS = {label: kind for kind, label in PII_LABELS.items()}
_UNSTORABLE = re.compile("[\ud800-\udfff]")

_DIGIT = "0-9０-９零〇○一二三四五六七八九幺洞拐壹贰叁肆伍陆柒捌玖貳參陸\u0660-\u0669\u06f0-\u06f9"
_GAP = rf"[^{_DIGIT}]{{0,2}}[\s,，.。、\-…]*+[^{_DIGIT}]{{0,2}}"
# Every kind of number holds three digits near each other, a sign for "at", or the word for a chat handle.
# It begins with one set of characters, which the engine scans for about as fast as memory is read.
_SUSPECT = re.compile(
    rf"[{_DIGIT}@＠特鼠圈aAＡａ微威vVｖＶ](?:(?<=[{_DIGIT}]){_GAP}[{_DIGIT}]{_GAP}[{_DIGIT}]"
    r"|(?<=[@＠鼠圈])|(?<=[艾爱愛]特)|(?<=[aAａＡ])[tTｔＴ](?![A-Za-z])|(?<=[微威])信|(?<=[vVｖＶ])[xXｘＸ])"
)


class TextTooLongError(RejectedError):
    """The text of one utterance is longer than a person can have said."""

    code = "text_too_long"


def _storable(text: str) -> str:
    """The text without what UTF-8 (lone surrogates) or PostgreSQL (NUL) cannot hold, and without our turn sign."""
    return _UNSTORABLE.sub("\ufffd", text.replace("\x00", "").replace(TURN, ""))


def _checked(text: str) -> str:
    if len(text) > MAX_TEXT_CHARS:
        raise TextTooLongError(
            f"A text of {len(text)} characters is more than one utterance can hold ({MAX_TEXT_CHARS}).",
            advice="Cut it into utterances where the speaker pauses.",
        )
    return text


class _Nearby(NamedTuple):
    """What neighbouring utterances told, and what is masked wherever it is said."""

    names: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()


_ALONE: Final = _Nearby()


def _find(text: str, nearby: _Nearby = _ALONE) -> list[PiiSpan]:
    spans = list(find_names(opaque(text), known=nearby.names))
    numbered, addressed = _SUSPECT.search(text), nearby.rooms or suspects_address(text)
    if numbered or addressed:
        view = View.of(text)
        if numbered:
            spans += [*find_emails(view), *find_plates(view), *find_numbers(view), *find_codes(view)]
        if addressed:
            spans += find_addresses(view, known=nearby.rooms)
    return merged(spans) if spans else spans


def _told(texts: Sequence[str]) -> _Nearby:
    plain = [opaque(text) for text in texts]
    return _Nearby(
        frozenset[str]().union(*(names_in(text) for text in plain)),
        frozenset[str]().union(*(rooms_in(text) for text in plain if suspects_address(text))),
    )


def _masked(text: str, nearby: _Nearby = _ALONE) -> str:
    """The text with every span replaced by its label, until there is none left to replace."""
    while spans := _find(text, nearby):
        pieces: list[str] = []
        done = 0
        for span in spans:
            pieces += (text[done : span.start], f"〔{PII_LABELS[span.kind]}〕")
            done = span.end
        text = "".join(pieces) + text[done:]
    return text


def _masks(text: str) -> tuple[Mask, ...]:
    found = masks_in(text) if "〔" in text else ()
    return tuple(Mask(kind=_KINDS[mask[0][1:-1]], start=mask.start(), end=mask.end()) for mask in found)


def _rid(text: str) -> str:
    """The text without personal data, as `redact` seals it."""
    return _checked(_masked(_storable(_checked(text))))


def _sealed(text: str) -> RedactedText:
    return RedactedText._seal(text, _masks(text), REDACTION_VERSION)


def redact(text: str) -> RedactedText:
    """What was said, personal data replaced by labels such as 〔手机号〕, the rest exactly as it was.

    Masking again changes nothing. Lone surrogates become U+FFFD and NUL goes, so that every database takes the text.
    A name is shorter than its label: the result may be longer than the text. Raises TextTooLongError where either is
    beyond `models.text.MAX_TEXT_CHARS`.
    """
    return _sealed(_rid(text))


def redact_turns(texts: Sequence[str]) -> list[RedactedText]:
    """Neighbouring utterances, each redacted in sight of the others; one result per text, in order.

    A number that was read in pieces over several utterances is masked in each of them, also when somebody said 嗯 in
    between; a name or a room that one of them tells is masked in all. Raises TextTooLongError as `redact` does.
    """
    results = [_storable(_checked(text)) for text in texts]
    nearby = _told(results)
    telling = [index for index, text in enumerate(results) if not _is_murmur(text)]
    together = _masked(TURN.join(results[index] for index in telling), nearby).split(TURN) if telling else []
    for index, text in zip(telling, together, strict=True):
        results[index] = text
    # A piece of three digits is shorter than its label, so a text may have grown.
    return [_sealed(_checked(_masked(text, nearby))) for text in results]


def _is_murmur(text: str) -> bool:
    return len(text) <= _MURMUR_CHARS and not re.search(rf"[{_DIGIT}A-Za-z]", text)


def recheck(text: RedactedText) -> RedactedText:
    """A second look, by the server, at a text that a device redacted.

    The same object when there is nothing to mask, else a newly sealed one. Raises TextTooLongError as `redact` does.
    """
    rid = _rid(text.text)
    return text if rid == text.text and _masks(rid) == text.masks else _sealed(rid)
