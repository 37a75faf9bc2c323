"""RedactedText: raw text has no way in."""

import pytest
from pydantic import TypeAdapter, ValidationError

from models.conversation import Recognition, Utterance
from models.ids import new_id
from models.text import RedactedText

WIRE = '{"text": "电话〔手机号〕", "masks": [{"kind": "mobile", "start": 2, "end": 7}], "redaction": "1"}'


def test_it_cannot_be_constructed() -> None:
    """Calling the class is an error that names redact()."""
    with pytest.raises(TypeError, match="redact"):
        RedactedText()


def test_it_does_not_change() -> None:
    """A sealed text refuses new values."""
    sealed = TypeAdapter(RedactedText).validate_json(WIRE)
    with pytest.raises(AttributeError):
        sealed.text = "13900002718"


@pytest.mark.parametrize("raw", ["13900002718", {"text": "13900002718", "masks": [], "redaction": "1"}])
def test_a_python_value_is_no_redacted_text(raw: object) -> None:
    """Neither a str nor a dict passes as redacted text when an utterance is made in code."""
    with pytest.raises(ValidationError):
        Utterance(
            id=new_id(),
            conversation_id=new_id(),
            start_ms=0,
            end_ms=1,
            text=raw,  # type: ignore[arg-type]  # what the test is about
            recognition=Recognition(model="m", avg_logprob=-0.1, no_speech_prob=0.0, compression_ratio=1.0),
        )


def test_what_was_sealed_comes_back_from_the_wire() -> None:
    """JSON read and written again is the same value."""
    adapter = TypeAdapter(RedactedText)
    sealed = adapter.validate_json(WIRE)
    assert adapter.validate_json(adapter.dump_json(sealed)) == sealed
    assert sealed.text[sealed.masks[0].start : sealed.masks[0].end] == "〔手机号〕"
