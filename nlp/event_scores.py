"""How well events, touchpoints, promises and masks agree with the gold of whole conversations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from models.analysis import Analysis
from models.commitment import Due
from models.labels import PII_LABELS, PiiKind, Role, StaffAct
from models.text import RedactedText
from nlp.commitments.detect import find_promise
from nlp.commitments.due import find_dues
from nlp.events.derive import EventDraft, Spoken, derive
from nlp.events.rules import EventRules
from nlp.gold import GoldConversation, GoldEvent, GoldPromise, GoldTurn
from nlp.journeys.attach import Journey
from nlp.journeys.shipped import shipped_maps
from nlp.tally import Tally

_WORDS: Final = frozenset({PiiKind.NAME, PiiKind.ADDRESS})
_LABEL = re.compile("〔(?:" + "|".join(PII_LABELS.values()) + ")〕")
_MASKED_FROM: Final = 0.8
"""Share of the letters and digits of a name or number that must be gone for it to count as masked."""


@dataclass(slots=True)
class EventScores:
    """Counts over whole conversations."""

    conversations: int = 0
    events: Tally = field(default_factory=Tally)
    placed: int = 0
    placed_right: int = 0
    on_quiet: int = 0
    """Events derived in conversations that have none."""
    promises: Tally = field(default_factory=Tally)
    due_right: int = 0
    numbers: Tally = field(default_factory=Tally)
    names: Tally = field(default_factory=Tally)
    """Names and addresses."""
    masks: int = 0
    masks_right: int = 0

    def count(
        self, gold: GoldConversation, spoken: Sequence[Spoken], redacted: Sequence[RedactedText], *, rules: EventRules
    ) -> None:
        """Count one conversation.

        Args:
            gold: what is right.
            spoken: its utterances with their analyses, in order; their ids are numbered from 0.
            redacted: their texts as they were masked, before any noise.
            rules: for events.
        """
        self.conversations += 1
        self._events(gold, spoken, rules)
        for turn, one, text in zip(gold.turns, spoken, redacted, strict=True):
            if one.speaker is Role.STAFF or turn.role is Role.STAFF:
                self._promise(turn, one, gold)
            self._secrets(turn, text.text)

    def _events(self, gold: GoldConversation, spoken: Sequence[Spoken], rules: EventRules) -> None:
        drafts = derive(spoken, rules=rules, at=gold.date)
        pairs, invented, missed = match(drafts, gold.events)
        self.events.right += len(pairs)
        self.events.invented += len(invented)
        self.events.missed += len(missed)
        self.on_quiet += 0 if gold.events else len(drafts)
        journey_map = shipped_maps().get(gold.industry)
        if journey_map is None:
            return
        journey = Journey(spoken, journey=journey_map, channel=gold.channel)
        for draft, event in pairs:
            self.placed += 1
            self.placed_right += journey.place_event(draft).touchpoint.code == event.touchpoint

    def _promise(self, turn: GoldTurn, one: Spoken, gold: GoldConversation) -> None:
        labelled = one.analysis.act_probability(StaffAct.PROMISE) if one.analysis else 0.0
        speaks = one.speaker is Role.STAFF
        found = find_promise(one.text, at=gold.date, labelled=labelled) if speaks else None
        self.promises.right += found is not None and turn.promise is not None
        self.promises.invented += found is not None and turn.promise is None
        self.promises.missed += found is None and turn.promise is not None
        if found and turn.promise:
            self.due_right += _same_due(found.due, turn.promise, gold)

    def _secrets(self, turn: GoldTurn, masked: str) -> None:
        gone = masked_stretches(turn.text, masked)
        wanted = []
        for secret in turn.pii:
            places = [(one.start(), one.end()) for one in re.finditer(re.escape(secret.text), turn.text)]
            wanted += places
            tally = self.names if secret.kind in _WORDS else self.numbers
            hit = any(_share_gone(turn.text, place, gone) >= _MASKED_FROM for place in places)
            tally.right += hit
            tally.missed += not hit
        self.masks += len(gone)
        self.masks_right += sum(any(start < end_ and start_ < end for start_, end_ in wanted) for start, end in gone)

    def as_values(self) -> dict[str, float | int | None]:
        """The figures under the names of the evaluation; None where there was nothing to measure."""
        return {
            "conversations": self.conversations,
            "event_precision": _share(self.events.right, self.events.right + self.events.invented),
            "event_recall": _share(self.events.right, self.events.right + self.events.missed),
            "touchpoint_accuracy": _share(self.placed_right, self.placed),
            "commitment_f1": self.promises.f1(),
            "due_accuracy": _share(self.due_right, self.promises.right),
            "pii_number_recall": _share(self.numbers.right, self.numbers.right + self.numbers.missed),
            "pii_name_recall": _share(self.names.right, self.names.right + self.names.missed),
            "pii_precision": _share(self.masks_right, self.masks),
            "false_events_on_quiet": self.on_quiet,
        }


def match(
    drafts: Sequence[EventDraft], gold: Sequence[GoldEvent]
) -> tuple[list[tuple[EventDraft, GoldEvent]], list[EventDraft], list[GoldEvent]]:
    """Pair derived and gold events of one kind with a shared turn, each once; return pairs, invented, missed.

    The ids of the utterances are the positions of their turns.
    """
    pairs: list[tuple[EventDraft, GoldEvent]] = []
    invented: list[EventDraft] = []
    missed = list(gold)
    for draft in drafts:
        turns = {one.int for one in draft.utterance_ids}
        fitting = next((event for event in missed if event.kind == draft.kind and turns & set(event.turns)), None)
        if fitting is None:
            invented.append(draft)
        else:
            missed.remove(fitting)
            pairs.append((draft, fitting))
    return pairs, invented, missed


def utterance_id(position: int) -> UUID:
    """The id of the turn at a position, as `match` reads it."""
    return UUID(int=position)


def spoken_of(position: int, turn: GoldTurn, *, text: str, role: Role, analysis: Analysis) -> Spoken:
    """A turn as events are derived from it."""
    return Spoken(
        id=utterance_id(position),
        start_ms=int(turn.start * 1000),
        end_ms=int(turn.end * 1000),
        text=text,
        role=role,
        analysis=analysis,
    )


def masked_stretches(text: str, masked: str) -> list[tuple[int, int]]:
    """Where the labels of a masked text stand in what was said.

    Raises:
        ValueError: it is no masked form of the text.
    """
    kept = _LABEL.split(masked)
    found = re.fullmatch("(.+?)".join(map(re.escape, kept)), text, re.DOTALL)
    if found is None:
        raise ValueError(f"{masked!r} does not come from {text!r}")
    return [found.span(number) for number in range(1, len(kept))]


def _share_gone(text: str, place: tuple[int, int], gone: Sequence[tuple[int, int]]) -> float:
    letters = [at for at in range(*place) if text[at].isalnum()]
    return sum(any(start <= at < end for start, end in gone) for at in letters) / max(1, len(letters))


def _same_due(due: Due | None, wanted: GoldPromise, gold: GoldConversation) -> bool:
    """Whether both fall due on the same day; words that name no time need none found."""
    zone = gold.date.tzinfo
    day = due.until.astimezone(zone).date() if due else None
    if wanted.due_date or not wanted.due:
        return day == wanted.due_date
    resolved = find_dues(wanted.due, at=gold.date)
    return day == (resolved[-1].due.until.astimezone(zone).date() if resolved else None)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
