"""Where staff and the customer are is said in the console, and shown there."""

from dataclasses import replace

import pytest

from edge_agent.agent.agent import CounterAgent
from edge_agent.agent.failure import AgentError
from edge_agent.sides import Sides
from support.counter import Counter


def test_sides_of_an_array_are_kept_and_shown(counter: Counter) -> None:
    """The sides said are those that hearing asks for; a side can be unknown."""
    sides = Sides()
    agent = CounterAgent(replace(counter.parts(), sides=sides))
    try:
        agent.set_sides(staff_deg=120.0, customer_deg=None)
        shown = agent.snapshot().sides
    finally:
        agent.close(wait_s=10)
    assert shown is not None
    assert (shown.staff_deg, shown.customer_deg) == (120.0, None)
    assert (sides.staff_deg, sides.customer_deg) == (120.0, None)


def test_a_microphone_that_is_no_array_has_no_sides(counter: Counter) -> None:
    """Sides of a single microphone are refused, and none are shown."""
    with counter.agent() as agent:
        with pytest.raises(AgentError) as caught:
            agent.set_sides(staff_deg=120.0, customer_deg=300.0)
        assert agent.snapshot().sides is None
    assert caught.value.code == "no_array"
