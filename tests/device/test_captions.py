"""Captions as people at a terminal read them."""

import pytest

from edge_agent.captions import Captions
from edge_agent.messages import Messages
from models.labels import Role
from models.wire import Record
from support.edge_device import utterance_record


def said(text: str, *, role: Role) -> Record:
    """Return the record of an utterance whose speaker is known so far."""
    record = utterance_record(text)
    return record.model_copy(update={"body": record.body.model_copy(update={"role": role})})


@pytest.mark.parametrize(
    ("language", "staff", "customer", "unknown"),
    [("en", "staff     ", "customer  ", "unknown   "), ("zh", "员工  ", "客户  ", "未知  ")],
)
def test_each_caption_says_when_and_who(
    language: str, staff: str, customer: str, unknown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Moment, speaker in the reader's language and words stand in columns."""
    spoken = [("您好", Role.STAFF), ("我想问一下利率", Role.CUSTOMER), ("嗯", Role.UNKNOWN)]
    Captions(Messages(language), quiet=False).sealed([said(text, role=role) for text, role in spoken])
    assert capsys.readouterr().out.splitlines() == [
        f"  00:00  {staff}您好",
        f"  00:00  {customer}我想问一下利率",
        f"  00:00  {unknown}嗯",
    ]


def test_a_program_that_reads_gets_no_captions(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is its own."""
    Captions(Messages("en"), quiet=True).sealed([said("您好", role=Role.STAFF)])
    assert capsys.readouterr().out == ""
