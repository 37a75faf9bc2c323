"""The encoder at run time: whatever is said, it answers, in order, and no text slows the others."""

import shutil
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from models.errors import UnderstandingError
from models.labels import Role
from nlp import bundle
from nlp.answers import NO_ANSWERS, Answers, answers
from nlp.encoder import COLUMNS, FILES, GRAPH, TOKENISER, Columns, Encoder, by_length
from nlp.framing import Said, framed
from nlp.understanding import Turn, Understanding, load
from support.tiny_encoder import QUESTIONS, write_encoder

ODD = ["", "嗯", "？", "😀😀", "hello WORLD", "等" * 20_000, "我\x00們\u200b嘅", "唔該晒你", "abc" * 5000, "1" * 3000]
"""Empty, one character, emoji, Latin, 20,000 characters, control characters, Cantonese, much of one thing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    for path in bundle.SHIPPED.iterdir():
        if path.name not in FILES:
            shutil.copy(path, folder)
    write_encoder(folder, shares=dict.fromkeys(QUESTIONS, 0.5))
    bundle.write_manifest(folder, model="encoder-test+ngram-1+rules-1")
    return folder


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return Encoder.read(folder, threads=1)


@pytest.fixture(scope="module")
def understanding(folder: Path) -> Understanding:
    return load(folder)


def test_scores_do_not_depend_on_their_neighbours(encoder: Encoder) -> None:
    """A text gets the scores that it gets alone, wherever it stands and whatever stands beside it."""
    pairs = [framed(Said(Role.CUSTOMER, text)) for text in ["等了很久", *ODD, "您好", "等了很久"]]
    together = encoder.scores(pairs)
    alone = np.concatenate([encoder.scores([pair]) for pair in pairs])
    assert np.isfinite(together).all()
    assert np.allclose(together, alone, atol=1e-4)
    assert np.allclose(together[0], together[-1], atol=1e-4)


def test_a_long_text_is_no_part_of_a_batch_of_short_ones() -> None:
    """Batches hold a bounded number of tokens, padding included; the longest come last."""
    lengths = [5, 200, 6, 5, 7, 224, 4] * 20
    groups = by_length(lengths)
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    assert all(len(group) * max(lengths[row] for row in group) <= 1024 for group in groups)
    short = [group for group in groups if max(lengths[row] for row in group) <= 7]
    assert {row for group in short for row in group} == {row for row, length in enumerate(lengths) if length <= 7}


def test_no_text_costs_more_than_a_bound() -> None:
    """Of a text of 20,000 characters the beginning and the end are read, of one before it only its end."""
    own, _ = framed(Said(Role.CUSTOMER, "开" + "等" * 20_000 + "完"))
    assert len(own) <= 170
    assert own.startswith("客:开")
    assert own.endswith("完")
    _, context = framed(Said(Role.CUSTOMER, "好"), [Said(Role.STAFF, "等" * 20_000 + "完")] * 9)
    assert len(context) <= 60
    assert context.endswith("完")


def test_who_speaks_and_what_was_said_before_is_read(encoder: Encoder) -> None:
    """The same words from another mouth, or after other words, are another input."""
    words = Said(Role.CUSTOMER, "好的")
    inputs = [
        framed(words),
        framed(Said(Role.STAFF, "好的")),
        framed(Said(Role.UNKNOWN, "好的")),
        framed(words, [Said(Role.STAFF, "等半天了")]),
    ]
    assert len(set(inputs)) == 4
    rows = encoder.scores(inputs)
    assert all(np.abs(rows[0] - other).max() > 1e-4 for other in rows[1:])


def test_only_the_last_two_turns_are_context() -> None:
    """What was said three turns ago is not read."""
    before = [Said(Role.STAFF, text) for text in ("很早", "早", "刚才")]
    assert framed(Said(Role.CUSTOMER, "好"), before) == ("客:好", "员:早 员:刚才")


def test_the_encoder_counts_in_its_share() -> None:
    """Share 0 leaves what answered before, 1 takes the encoder's word, and an unknown question stays."""
    given = Answers({"complain": 2.0, "praise": -4.0}, {}, {"complain": 1.0, "praise": 0.25})
    assert given.mixed("complain", -1.0) == 2
    assert given.mixed("praise", 0.0) == -1
    assert given.mixed("cancel", 0.5) == 0.5
    assert NO_ANSWERS.mixed("complain", -1.0) == -1
    assert answers(None, [Said(Role.CUSTOMER, "好")]) == [NO_ANSWERS]


def test_fine_intents_are_mixed_as_probabilities() -> None:
    """The mixture prefers what both hold likely; an intent that the encoder never saw does not break it."""
    given = Answers({}, {"a": 5.0, "b": 0.0}, {"fine": 0.5})
    mixed = given.mixed_fine(("a", "b", "c"), np.array([0.0, 0.5, 0.0], np.float32))
    assert int(mixed.argmax()) == 0
    assert np.isfinite(mixed).all()


def test_conversations_are_understood_with_the_encoder(understanding: Understanding) -> None:
    """Every odd text gets an analysis, and the model's name says that the encoder took part."""
    turns = [Turn(UUID(int=at), Role.CUSTOMER, at, at + 1, text) for at, text in enumerate(ODD)]
    analyses = understanding.analyse(turns)
    assert len(analyses) == len(turns)
    assert all(one.model == "encoder-test+ngram-1+rules-1" for one in analyses)
    assert analyses[0].sentiment_uncertain
    assert analyses == understanding.analyse(turns)


def test_what_is_said_without_the_encoder_is_said_as_before(folder: Path, tmp_path: Path) -> None:
    """With shares of 0 the encoder changes nothing."""
    silent, without = tmp_path / "silent", tmp_path / "without"
    shutil.copytree(folder, silent)
    write_encoder(silent, shares={})
    shutil.copytree(folder, without, ignore=shutil.ignore_patterns(*FILES))
    for one in (silent, without):
        bundle.write_manifest(one, model="ngram-1+rules-1")
    turns = [
        Turn(UUID(int=at), role, at, at + 1, text)
        for at, (role, text) in enumerate(
            [
                (Role.STAFF, "您好，欢迎光临，请坐"),
                (Role.CUSTOMER, "等了一个小时还没轮到我，态度也太差了"),
                (Role.STAFF, "不好意思让您久等了，我明天上午给您打电话"),
                (Role.CUSTOMER, "这个多少钱，能便宜点吗"),
            ]
        )
    ]
    assert load(silent).analyse(turns) == load(without).analyse(turns)


@pytest.mark.parametrize("name", [GRAPH, TOKENISER, COLUMNS])
def test_a_file_that_is_missing_or_altered_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    """Missing: weights_missing. Altered: weights_altered, by the manifest, and by itself where nobody checked."""
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-40])
    for refuse in (lambda: load(tmp_path), lambda: Encoder.read(tmp_path, threads=1)):
        with pytest.raises(UnderstandingError) as refused:
            refuse()
        assert refused.value.code == "weights_altered"
    (tmp_path / name).unlink()
    for refuse in (lambda: load(tmp_path), lambda: Encoder.read(tmp_path, threads=1)):
        with pytest.raises(UnderstandingError) as refused:
            refuse()
        assert refused.value.code == "weights_missing"


def test_columns_that_do_not_fit_the_graph_are_refused(folder: Path, tmp_path: Path) -> None:
    """A description of other columns than the graph has is no description of it."""
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    columns = Columns.model_validate_json((tmp_path / COLUMNS).read_bytes())
    (tmp_path / COLUMNS).write_text(columns.model_copy(update={"fine": ("a", "b", "c")}).model_dump_json())
    with pytest.raises(UnderstandingError) as refused:
        Encoder.read(tmp_path, threads=1)
    assert refused.value.code == "weights_altered"
