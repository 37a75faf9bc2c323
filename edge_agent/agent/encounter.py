"""The encounter that goes on: what the customer answered, and what follows from it. Pure; time is an argument."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from edge_agent.agent.failure import AgentError
from edge_agent.agent.port import Phase
from models.labels import ConsentState

_MAY_FOLLOW = {
    None: (ConsentState.GRANTED, ConsentState.DECLINED),
    ConsentState.GRANTED: (ConsentState.WITHDRAWN,),
    ConsentState.DECLINED: (),
    ConsentState.WITHDRAWN: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEncounter:
    """One customer at the counter, now."""

    id: UUID
    customer: str | None
    """None while unknown, and from the moment when the customer declines: who declined is named nowhere."""
    started_at: datetime
    consent: ConsentState | None = None

    @property
    def phase(self) -> Phase:
        """What becomes of the sound."""
        if self.consent is None:
            return Phase.ASKING
        return Phase.HEARING if self.consent is ConsentState.GRANTED else Phase.WITHHOLDING

    def answered(self, state: ConsentState) -> Self:
        """Return the encounter after the customer's answer.

        Raises:
            AgentError: `agent_phase`, that answer cannot follow what was answered before.
        """
        if state not in _MAY_FOLLOW[self.consent]:
            before = "open" if self.consent is None else self.consent.value
            raise AgentError(
                f"consent is {before}; it cannot become {state}", advice="End this encounter and begin a new one."
            )
        return replace(self, consent=state, customer=self.customer if state is ConsentState.GRANTED else None)

    def bound(self, customer: str) -> Self:
        """Return the encounter with its customer known.

        Raises:
            AgentError: `agent_phase`, the customer declined or withdrew, and is named nowhere.
        """
        if self.phase is Phase.WITHHOLDING:
            raise AgentError("who said no is not named", advice="End this encounter.")
        return replace(self, customer=customer)
