"""Text from which personal data has been masked, as a type of its own."""

from typing import Any, Final, final

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from models.labels import PiiKind
from models.noun import Noun

MAX_TEXT_CHARS: Final = 20_000
"""Longest text of one utterance; a person speaks some 300 characters a minute."""


class Mask(Noun):
    """One masked stretch: characters [start, end) of the *redacted* text."""

    kind: PiiKind
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class _Wire(Noun):
    text: str = Field(max_length=MAX_TEXT_CHARS)
    masks: tuple[Mask, ...] = ()
    redaction: str


@final
class RedactedText:
    """Text that went through `nlp.redaction.redact()`; the only text that may be stored or sent.

    It cannot be constructed directly. `redact()` seals one; JSON from the wire or from a sealed outbox row,
    which held a sealed one before, is read back by pydantic. A Python dict is refused, so raw text has no way in.

    Attributes:
        text: the text, personal data replaced by labels such as 〔手机号〕.
        masks: where the labels stand.
        redaction: version of the rules that made it.
    """

    __slots__ = ("masks", "redaction", "text")
    text: str
    masks: tuple[Mask, ...]
    redaction: str

    def __init__(self) -> None:
        raise TypeError("RedactedText is built by nlp.redaction.redact() only")

    @classmethod
    def _seal(cls, text: str, masks: tuple[Mask, ...], redaction: str) -> "RedactedText":
        sealed = object.__new__(cls)
        object.__setattr__(sealed, "text", text)
        object.__setattr__(sealed, "masks", masks)
        object.__setattr__(sealed, "redaction", redaction)
        return sealed

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("RedactedText does not change")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"RedactedText({self.text!r}, masks={len(self.masks)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RedactedText) and (self.text, self.masks) == (other.text, other.masks)

    def __hash__(self) -> int:
        return hash((self.text, self.masks))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        wire = handler(_Wire)

        def read(value: _Wire) -> "RedactedText":
            return cls._seal(value.text, value.masks, value.redaction)

        def write(value: "RedactedText") -> dict[str, object]:
            masks = [mask.model_dump(mode="json") for mask in value.masks]
            return {"text": value.text, "masks": masks, "redaction": value.redaction}

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(read, wire),
            python_schema=core_schema.is_instance_schema(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(write),
        )
