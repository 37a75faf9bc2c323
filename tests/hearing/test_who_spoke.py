"""Real conversations: who spoke is known nearly always, and where it is not, it is unknown."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from edge_agent.evaluation import EvaluationError
from edge_agent.evaluation_conversations import RoleTally, decided_role, evaluate_conversations, roles_at_last
from edge_agent.gold_talks import GoldTurn, read_talks
from edge_agent.heard import HeardBlock, Remembered
from edge_agent.hearing import Hearing
from edge_agent.recognition import Recogniser
from edge_agent.recording import Stamp, block_records, remembered
from edge_agent.segmentation import Speech
from edge_agent.speakers_loading import load_speakers
from edge_agent.voice_embedder import VoiceEmbedder
from hardware.media_file import MediaFileSource, Pace
from models.labels import Role
from nlp import understanding
from nlp.redaction import redact_turns
from support.edge_device import NOW, conversation, settings
from support.programs import BIN, DEMO_AUDIO, run_json
from support.shared_data import shared

STAFF, CUSTOMER, UNKNOWN = Role.STAFF, Role.CUSTOMER, Role.UNKNOWN
FIELDS = {
    *("conversations", "cer_folded", "role_accuracy", "role_unknown", "quarantined", "cpu_rtf"),
    *("latency_ratio_p50", "latency_ratio_p95"),
}


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short conversations: one with babble and a quiet customer, one with noise, in a folder."""
    folder = tmp_path_factory.mktemp("talks")
    for name in ("bank-03", "retail-03"):
        for suffix in (".json", ".opus"):
            (folder / f"{name}{suffix}").symlink_to(shared(f"conversations/{name}{suffix}"))
    return folder


@pytest.mark.speech
def test_who_spoke_is_known_without_enrolment(recogniser: Recogniser, some: Path) -> None:
    """Nine of ten decided turns are right and few are unknown; stock decoding is measured beside it."""
    done: list[tuple[int, int]] = []
    figures = evaluate_conversations(
        some,
        recogniser=recogniser,
        embedder=VoiceEmbedder(),
        staff_log_odds=understanding.load().staff_log_odds,
        compare_stock=True,
        progress=lambda at, total: done.append((at, total)),
    )
    assert done == [(1, 2), (2, 2)]
    assert (figures.conversations, figures.enrolled) == (2, False)
    assert figures.role_accuracy is not None
    assert figures.role_accuracy >= 0.9
    assert figures.role_unknown <= 0.15
    assert figures.stock is not None
    assert 0 < figures.cer_folded < 0.25
    assert 0 < figures.stock.cer_folded < 0.25


@pytest.mark.speech
def test_the_command_measures_with_enrolled_staff(some: Path) -> None:
    """`eval conversations --enrol` prints the figures; with a voiceprint turns are right and decided."""
    figures = run_json(BIN / "voicetrail-edge", "eval", "conversations", some, "--enrol", "--json")
    assert set(figures) >= FIELDS
    assert figures["conversations"] == 2
    assert figures["enrolled"]
    assert figures["role_accuracy"] >= 0.93
    assert figures["role_unknown"] <= 0.15
    assert 0 < figures["latency_ratio_p50"] <= figures["latency_ratio_p95"]


def told(blocks: Sequence[HeardBlock]) -> list[tuple[int, int, str, Role]]:
    """What was said, and by whom in the end."""
    return [(said.start_ms, said.end_ms, said.text, role) for said, role in roles_at_last(blocks)]


@pytest.mark.speech
def test_an_interrupted_hearing_tells_speakers_apart_as_if_it_had_not_been(recogniser: Recogniser) -> None:
    """Broken off after two blocks and gone on with from sealed, masked records: the same words, by the same people."""
    begin = load_speakers(Path("no folder"), settings=settings())
    hearing = Hearing(recogniser, speakers=begin)

    def heard(*, skip: int = 0, before: Sequence[Remembered] = ()) -> list[HeardBlock]:
        source = MediaFileSource(DEMO_AUDIO / "02-third-trip.opus", pace=Pace.FAST)
        blocks = hearing.hear(source, staff="S-1", skip_blocks=skip, before=before)
        return list(islice(blocks, 4 - skip))

    whole = heard()
    begun = conversation()
    records = [
        record
        for block in whole[:2]
        for record in block_records(
            block,
            before=[],
            conversation=begun,
            redact=redact_turns,
            now=NOW,
            stamp=Stamp(monotonic_ms=0, clock_offset_ms=0),
        )
    ]
    rest = heard(skip=2, before=remembered(records))
    assert {role for *_, role in told(whole)} >= {STAFF, CUSTOMER}
    assert [block.revisions for block in rest] == [block.revisions for block in whole[2:]]
    assert told([*whole[:2], *rest]) == told(whole)


def turn(start_s: float, end_s: float, role: Role = STAFF) -> GoldTurn:
    return GoldTurn(role=role, text="好", start=start_s, end=end_s)


def at(start_ms: int, end_ms: int) -> Speech:
    return Speech(start_ms=start_ms, end_ms=end_ms, peak=1.0)


def test_a_turn_is_decided_by_what_covers_most_of_it() -> None:
    """Time counts, not the number of utterances; a turn of which nothing was heard is unknown."""
    heard = [(at(0, 900), CUSTOMER), (at(900, 1000), CUSTOMER), (at(1000, 3000), STAFF), (at(3000, 6000), UNKNOWN)]
    assert decided_role(turn(0.0, 2.5), heard) is STAFF
    assert decided_role(turn(0.0, 1.9), heard) is CUSTOMER
    assert decided_role(turn(2.5, 6.0), heard) is UNKNOWN
    assert decided_role(turn(7.0, 8.0), heard) is UNKNOWN


def test_unknown_turns_count_neither_as_right_nor_as_wrong() -> None:
    """Accuracy is of decided turns, the unknown share is of all; with none decided there is no accuracy."""
    tally = RoleTally()
    assert tally.accuracy is None
    for role, decided in ((STAFF, STAFF), (STAFF, CUSTOMER), (CUSTOMER, CUSTOMER), (CUSTOMER, UNKNOWN)):
        tally.add(turn(0.0, 1.0, role), decided)
    assert tally.accuracy == pytest.approx(2 / 3, abs=1e-3)
    assert tally.unknown_share == 0.25


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no ID.json"),
        ("{", "one.json: "),
        ('{"id": "one", "turns": []}', "one.json: turns"),
        ('{"id": "one", "turns": [{"role": "boss", "text": "", "start": 0, "end": 1}]}', r"one.json: turns.0.role"),
        ('{"id": "one", "turns": [{"role": "staff", "text": ""}]}', r"one.json: turns.0.start"),
    ],
)
def test_a_folder_that_is_none_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    """What is missing is said with the file and the place that it is missing from."""
    if content is not None:
        (tmp_path / "one.json").write_text(content)
    with pytest.raises(EvaluationError, match=said) as caught:
        read_talks(tmp_path)
    assert caught.value.advice
