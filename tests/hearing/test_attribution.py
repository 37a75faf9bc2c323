"""Evidence about speakers becomes roles, and no roles where there is no evidence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.attribution import KNOWN_FROM, Evidence, Vector, decided, staff_probabilities
from models.labels import Role
from nlp.roles import smoothed

STAFF, CUSTOMER = Role.STAFF, Role.CUSTOMER
LINES = 256


def voice(axis: int, *, spread: float = 0.0, seed: int = 0) -> Vector:
    """A voice near an axis; what all voices have in common lies on the first."""
    vector = np.zeros(LINES)
    vector[0], vector[axis] = 2.0, 1.0
    vector += spread * np.random.default_rng(seed).standard_normal(LINES)
    return np.asarray(vector / np.linalg.norm(vector))


def piece(at: int, sounds: Vector, **changes: Any) -> Evidence:
    """Three seconds of speech at place `at`, half a second apart, that say nothing but how they sound."""
    fields: dict[str, Any] = {
        "start_ms": at * 3500,
        "end_ms": at * 3500 + 3000,
        "voice": sounds,
        "voice_windows": 10.0,
        "level_db": -30.0,
        "words_log_odds": 0.0,
        "asks": False,
        "follows_at_once": False,
    }
    return Evidence(**{**fields, **changes})


def conversation(roles: Sequence[Role], *, words: dict[int, float], louder_db: float = 0.0) -> list[Evidence]:
    """Pieces by two voices; `words` says which pieces tell by their words who speaks."""
    return [
        piece(
            at,
            voice(1 if role is STAFF else 2, spread=0.02, seed=at),
            words_log_odds=words.get(at, 0.0),
            level_db=-30.0 + (louder_db if role is STAFF else 0.0),
        )
        for at, role in enumerate(roles)
    ]


ROLES = [STAFF, CUSTOMER, STAFF, STAFF, CUSTOMER, STAFF, CUSTOMER, CUSTOMER, CUSTOMER, STAFF, CUSTOMER, STAFF]
GREETINGS = {0: 12.0, 5: 8.0, 6: -8.0}


def read(pieces: Sequence[Evidence], **how: Vector) -> list[Role]:
    """The roles of pieces."""
    return [decided(staff).role for staff in staff_probabilities(pieces, **how)]


def test_a_few_words_name_two_voices_throughout() -> None:
    """Two voices told apart by their sound, and named by three pieces that tell who speaks."""
    assert read(conversation(ROLES, words=GREETINGS)) == ROLES


def test_voices_without_names_stay_unknown() -> None:
    """However clear the two voices are: with no word, level or direction nobody knows which is staff."""
    assert set(read(conversation(ROLES, words={}))) == {Role.UNKNOWN}


def test_an_enrolled_voice_names_the_voices_without_words() -> None:
    """The pieces near the enrolled voice are staff, the others the customer."""
    assert read(conversation(ROLES, words={}), staff_voice=voice(1)) == ROLES
    other = [CUSTOMER if role is STAFF else STAFF for role in ROLES]
    assert read(conversation(ROLES, words={}), staff_voice=voice(2)) == other


def test_one_voice_is_not_split_in_two() -> None:
    """Pieces that all sound alike, without a word: any split of them would be an invention."""
    pieces = [piece(at, voice(1, spread=0.02, seed=at)) for at in range(12)]
    assert set(read(pieces)) == {Role.UNKNOWN}


def test_direction_says_who_speaks_where_voices_are_alike() -> None:
    """An array tells two people of one voice apart."""
    alike = [
        piece(at, voice(1, spread=0.02, seed=at), direction_log_odds=4.0 if role is STAFF else -4.0)
        for at, role in enumerate(ROLES)
    ]
    assert read(alike) == ROLES


def test_a_short_piece_that_says_nothing_is_unknown() -> None:
    """Half a second without words between two turns may be either's, however sure the turns around it are."""
    pieces = conversation([STAFF, CUSTOMER, STAFF, CUSTOMER, STAFF], words={0: 12.0, 1: -8.0, 4: 8.0})
    short = piece(2, (voice(1) + voice(2)) / 2, end_ms=2 * 3500 + 500, voice_windows=0.3)
    assert read([*pieces[:2], short, *pieces[3:]])[2] is Role.UNKNOWN


def test_nothing_said_is_nobodys() -> None:
    """A conversation without a piece has no roles."""
    assert staff_probabilities([]) == []


signs = st.lists(st.tuples(st.floats(-12, 12), st.floats(-4, 4), st.integers(0, 3)), min_size=1, max_size=10)


@settings(max_examples=40, deadline=None)
@given(signs)
def test_roles_exchanged_in_the_evidence_are_exchanged_in_the_answer(said: list[tuple[float, float, int]]) -> None:
    """Neither role has an advantage: with words and directions turned round, and levels equal, each answer turns."""

    def pieces(sign: float) -> list[Evidence]:
        return [
            piece(at, voice(axis + 1), words_log_odds=sign * words, direction_log_odds=sign * direction)
            for at, (words, direction, axis) in enumerate(said)
        ]

    straight, turned = staff_probabilities(pieces(1.0)), staff_probabilities(pieces(-1.0))
    assert all(0 <= staff <= 1 for staff in straight)
    assert turned == pytest.approx([1 - staff for staff in straight], abs=0.02)


@given(st.floats(0, 1), st.floats(0, 1))
def test_confidence_grows_with_the_distance_from_even(one: float, other: float) -> None:
    """The further a probability lies from one half, the higher the confidence; below the limit no role is given."""
    nearer, further = sorted((one, other), key=lambda staff: abs(staff - 0.5))
    assert decided(nearer).confidence <= decided(further).confidence
    assert 0.5 <= decided(one).confidence <= 1
    assert (decided(one).role is Role.UNKNOWN) == (decided(one).confidence < KNOWN_FROM)


chains = st.lists(st.tuples(st.floats(-8, 8), st.floats(0.05, 0.95)), min_size=1, max_size=8)


@given(chains, st.data())
def test_more_evidence_for_staff_makes_staff_likelier(chain: list[tuple[float, float]], data: st.DataObject) -> None:
    """Raising what one turn says for staff never lowers that turn's probability of staff."""
    odds, changes = [own for own, _ in chain], [change for _, change in chain][1:]
    at = data.draw(st.integers(0, len(chain) - 1))
    more = [own + (3.0 if number == at else 0.0) for number, own in enumerate(odds)]
    assert smoothed(more, changes).staff[at] >= smoothed(odds, changes).staff[at] - 1e-9
