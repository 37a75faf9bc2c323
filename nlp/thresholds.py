"""The thresholds that are stored beside the weights."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import UnderstandingError
from models.labels import Intent


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
    complaint_negative_from: float = Field(ge=0, le=1)
    """A complaint needs so much probability of negative feeling too: two models must agree before one is raised."""
    praise_positive_from: float = Field(ge=0, le=1)
    """The same for praise and positive feeling."""
    role_known_from: float = Field(ge=0, le=1)
    role_change: float = Field(gt=0, lt=1)
    """How likely the speaker changes from one turn to the next."""

    @classmethod
    def read(cls, path: Path) -> "Thresholds":
        """Read a settings.json.

        Raises:
            UnderstandingError: it is absent (weights_missing) or not of this version (weights_altered).
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as absent:
            raise UnderstandingError(f"{path} does not exist.", code="weights_missing") from absent
        except ValidationError as foreign:
            raise UnderstandingError(
                f"{path} holds other settings than this version reads.",
                code="weights_altered",
                advice="Train the weights again with this version.",
            ) from foreign

    def intent(self, name: str) -> float:
        """The probability from which an intent counts."""
        return self.intents.get(name, self.intent_default)

    def agrees(self, name: str, *, negative: float, positive: float) -> bool:
        """Whether the feeling of a turn allows an intent."""
        match name:
            case Intent.COMPLAIN:
                return negative >= self.complaint_negative_from
            case Intent.PRAISE:
                return positive >= self.praise_positive_from
            case _:
                return True
