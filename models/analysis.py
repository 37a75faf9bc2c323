"""What the models say of an utterance, and the experience events derived from it."""

from uuid import UUID

from pydantic import Field

from models.labels import Aspect, EventKind, Role, Sentiment, StaffAct
from models.noun import Moment, Name, Noun


class Label(Noun):
    """One label with its calibrated probability."""

    name: str
    probability: float = Field(ge=0, le=1)


class Analysis(Noun):
    """Labels of one utterance in its conversation.

    An empty list of intents, or `sentiment_uncertain`, is an abstention: the best label stayed under its threshold.
    """

    utterance_id: UUID
    role: Role
    """The role the analysis assumed: given by the device, or read from the words when that was unknown."""
    sentiment: Sentiment
    sentiment_probability: float = Field(ge=0, le=1)
    sentiment_uncertain: bool
    intents: tuple[Label, ...] = ()
    acts: tuple[Label, ...] = ()
    aspects: tuple[Label, ...] = ()
    terms: tuple[str, ...] = ()
    model: Name
    """Name and version of the models and rules, such as ngram-1+rules-1."""

    def act_probability(self, act: StaffAct) -> float:
        """Return the probability of a staff act, 0 when it was not given."""
        return next((label.probability for label in self.acts if label.name == act), 0.0)


class ExperienceEvent(Noun):
    """体验事件: something a customer experienced, with the words that prove it."""

    id: UUID
    """Derived from all that the event says but its times and probability: deriving again gives the same id."""
    tenant: Name
    kind: EventKind
    customer: Name | None
    conversation_id: UUID
    utterance_ids: tuple[UUID, ...]
    quote: str
    """Exact substring of the redacted text of its first utterance; empty once the words were erased."""
    aspect: Aspect | None = None
    sentiment: Sentiment
    severity: int = Field(ge=1, le=3)
    probability: float = Field(ge=0, le=1)
    journey_map: Name
    journey_map_version: int
    stage: Name
    touchpoint: Name
    mot: bool
    """Whether the touchpoint is a moment of truth 关键时刻."""
    site: Name
    staff: Name
    channel: Name
    occurred_at: Moment
    recorded_at: Moment
    sequence: int = 0
    """Position in the tenant's feed, in commit order; given when it is stored."""
    supersedes: UUID | None = None
    retracted: bool = False
    """This entry only takes back the event it supersedes: a later analysis stands by it no longer."""
    model: Name
    rules: Name
