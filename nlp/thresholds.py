"""The thresholds that are stored beside the weights."""

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """From which probability a label counts; chosen at training time, see the model card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Name and version of the models and rules."""
    feeling_bias: float
    """Added to the log-odds that a customer's turn carries feeling."""
    staff_bias: float
    """The same for staff: their words of regret are manners, not feeling."""
    certain_from: float = Field(ge=0, le=1)
    """Below this probability the best sentiment is uncertain."""
    intent_default: float = Field(ge=0, le=1)
    intents: dict[str, float]
    """Intents with a threshold of their own."""
    role_known_from: float = Field(ge=0, le=1)
    role_change: float = Field(gt=0, lt=1)
    """How likely the speaker changes from one turn to the next."""

    def intent(self, name: str) -> float:
        """The probability from which an intent counts."""
        return self.intents.get(name, self.intent_default)
