"""The shipped models and rules on the written conversations with gold events.

They were written and synthesised for the project, and the rules were tuned on them: this keeps what was reached, it
says nothing about conversations that nobody looked at.
"""

import pytest

from benchmarks.events import measure
from support.shared_data import shared


@pytest.mark.parametrize("roles", ["gold", "unknown"])
def test_written_conversations_keep_their_events(roles: str) -> None:
    """Most gold events are found at their touchpoint, few are added, and routine visits stay without any."""
    figures = measure(shared("conversations"), labels="model", roles=roles, noise=0.0, verbose=False)
    assert figures["events_on_empty_conversations"] == 0
    assert figures["overall"]["precision"] >= 0.8
    assert figures["overall"]["recall"] >= 0.85
    assert figures["touchpoint_accuracy"] >= 0.9


def test_misheard_words_cost_events_but_invent_none() -> None:
    """With a tenth of the characters misheard and no punctuation, precision holds and routine visits stay empty."""
    figures = measure(shared("conversations"), labels="model", roles="unknown", noise=0.1, verbose=False)
    assert figures["events_on_empty_conversations"] == 0
    assert figures["overall"]["precision"] >= 0.8
    assert figures["overall"]["recall"] >= 0.6
