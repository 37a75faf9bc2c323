"""What a customer may answer, and what follows."""

from datetime import UTC, datetime
from itertools import product

import pytest

from edge_agent.agent.encounter import OpenEncounter
from edge_agent.agent.failure import AgentError
from edge_agent.agent.port import Phase
from models.ids import new_id
from models.labels import ConsentState

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ALLOWED = {
    (None, ConsentState.GRANTED): Phase.HEARING,
    (None, ConsentState.DECLINED): Phase.WITHHOLDING,
    (ConsentState.GRANTED, ConsentState.WITHDRAWN): Phase.WITHHOLDING,
}


def encounter(consent: ConsentState | None) -> OpenEncounter:
    return OpenEncounter(id=new_id(), customer="C-1", started_at=NOW, consent=consent)


@pytest.mark.parametrize(("before", "answer"), list(product([None, *ConsentState], ConsentState)))
def test_only_three_answers_follow_from_what_was_answered(before: ConsentState | None, answer: ConsentState) -> None:
    """Yes and no to an open question, a withdrawal of a yes; nothing is ever heard after a no."""
    if (before, answer) in ALLOWED:
        assert encounter(before).answered(answer).phase is ALLOWED[before, answer]
    else:
        with pytest.raises(AgentError) as refused:
            encounter(before).answered(answer)
        assert refused.value.code == "agent_phase"


@pytest.mark.parametrize(("before", "answer"), [pair for pair in ALLOWED if pair[1] is not ConsentState.GRANTED])
def test_who_said_no_is_named_nowhere(before: ConsentState | None, answer: ConsentState) -> None:
    """The customer is forgotten with the answer, and cannot be named again."""
    refused = encounter(before).answered(answer)
    assert refused.customer is None
    with pytest.raises(AgentError):
        refused.bound("C-2")
