"""The rules that turn labels and words into experience events: data in `rules.toml`, read once."""

import re
import tomllib
from functools import cache, cached_property
from importlib import resources

from pydantic import Field

from models.labels import Aspect, EventKind, Role, Sentiment
from models.noun import Name, Noun


class Cue(Noun):
    """Words that speak for a kind of event."""

    pattern: str
    """Regular expression, sought in the redacted text."""
    weight: float = Field(gt=0, lt=1)
    """How far this alone would prove the event."""
    severity: int = Field(default=1, ge=1, le=3)
    aspect: Aspect | None = None
    near: str = ""
    """A second expression that must stand in the same clause or a neighbouring one; empty for none."""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern)

    @cached_property
    def near_regex(self) -> re.Pattern[str]:
        """The compiled second pattern."""
        return re.compile(self.near)


class KindRule(Noun):
    """How one kind of event is recognised.

    Evidence of labels (weight × probability) and cues (weight) is joined as 1 − Π(1 − e) and multiplied by the
    factor of the utterance's feeling when that is certain; the event is raised at `threshold` or above. Without any
    cue only a label that is sure enough raises it.
    """

    kind: EventKind
    speaker: Role
    threshold: float = Field(gt=0, le=1)
    labels: dict[str, float] = Field(default_factory=dict)
    """Intents or staff acts and their weight; a label under its own calibrated threshold is not there at all."""
    cues: tuple[Cue, ...] = ()
    alone: dict[str, float] = Field(default_factory=dict)
    """Labels that raise it without a cue from this probability on; others only strengthen what words say."""
    alone_feeling: Sentiment | None = None
    """The feeling that must certainly be there for that."""
    vetoes: tuple[str, ...] = ()
    """Expressions that make the clause they stand in say nothing."""
    feelings: dict[Sentiment, float] = Field(default_factory=dict)
    merge_turns: int = Field(default=6, ge=0)
    """Utterances apart within which the same matter is one event."""
    matters: tuple[tuple[Aspect, ...], ...] = ()
    """Aspects that are one matter; without any, all of them are."""

    @cached_property
    def veto(self) -> re.Pattern[str] | None:
        """The vetoes as one expression."""
        return re.compile("|".join(self.vetoes)) if self.vetoes else None

    def matter(self, aspect: Aspect) -> tuple[Aspect, ...]:
        """Return the matter that an aspect belongs to, by itself when no other goes with it."""
        return next((matter for matter in self.matters if aspect in matter), (aspect,) if self.matters else ())


class EventRules(Noun):
    """All rules, with the version that each event carries."""

    version: Name
    kinds: tuple[KindRule, ...]


@cache
def shipped_rules() -> EventRules:
    """Return the rules of `rules.toml`."""
    text = (resources.files("nlp.events") / "rules.toml").read_text(encoding="utf-8")
    return EventRules.model_validate(tomllib.loads(text))
