"""The encoder: trained small but for real, exported to 8 bits, read again at run time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from models.errors import UnderstandingError
from models.labels import Role
from nlp import bundle
from nlp.encoder import FILES, Encoder
from nlp.framing import Said, framed
from support.review_sets import write_sets

pytest.importorskip("jax", reason="training needs the [train] extra")

import onnxruntime  # after it is known that JAX is there

from nlp.training.encoder import bert, graph, learn
from nlp.training.encoder.batches import Labels, Shapes, by_length, drawn
from nlp.training.encoder.columns import ASPECTS, QUESTIONS
from nlp.training.encoder.lessons import Lesson, Source, counter_lessons, sources
from nlp.training.encoder.tiny import write_tiny
from nlp.training.encoder.train import Trained, train_encoder


def linear_weights(folder: Path) -> Path:
    """Copy the shipped linear models without an encoder."""
    shutil.copytree(bundle.SHIPPED, folder, ignore=shutil.ignore_patterns(*FILES, "*.md"))
    bundle.write_manifest(folder, model="ngram-1+rules-1")
    return folder


def train_tiny(folder: Path, data: Path) -> Trained:
    return train_encoder(
        data=data, base=None, out=folder, examples=0, tiny=True, licensed_only=False, seed=1,
        progress=lambda step: None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[tuple[Path, Trained]]:
    folder = linear_weights(tmp_path_factory.mktemp("trained") / "weights")
    yield folder, train_tiny(folder, data)


def test_a_tiny_training_gives_weights_that_load(trained: tuple[Path, Trained]) -> None:
    """Trained in seconds, the folder passes its manifest, names the encoder, and answers every question."""
    folder, told = trained
    assert bundle.check(folder) == "encoder-1+ngram-1+rules-1"
    encoder = Encoder.read(folder, threads=1)
    assert encoder.columns.questions == QUESTIONS
    assert encoder.columns.fine == ("买家咨询发货时间", "买家表示需要退货退款")
    given = encoder.scores([framed(Said(Role.CUSTOMER, "等了一个小时")), framed(Said(Role.STAFF, "您好"))])
    assert given.shape == (2, len(QUESTIONS) + 2)
    assert np.isfinite(given).all()
    assert all(0 <= share <= 1 for share in told.share.values())
    assert told.bytes == sum((folder / name).stat().st_size for name in FILES)


def test_training_again_gives_the_same_weights(trained: tuple[Path, Trained], data: Path, tmp_path: Path) -> None:
    """The same data and seed give the same graph on the same machine, to the last bit."""
    again = linear_weights(tmp_path / "weights")
    train_tiny(again, data)
    assert (again / bundle.MANIFEST).read_bytes() == (trained[0] / bundle.MANIFEST).read_bytes()


def test_without_unlicensed_sets_nothing_else_is_read(data: Path) -> None:
    """--licensed-only reads licensed sets and what was written for this project, so no fine intents."""
    found = sources(data, licensed_only=True, seed=1, most=5, cleaned=lambda some: [])
    assert [one.name for one in found if "written for this project" not in one.name] == [
        "CPED television drama dialogue"
    ]
    assert not [lesson for source in found for lesson in source.lessons if lesson.fine]


def test_a_folder_without_linear_models_is_refused(data: Path, tmp_path: Path) -> None:
    """The encoder is calibrated beside the linear models, so they must be there first."""
    with pytest.raises(UnderstandingError) as refused:
        train_tiny(tmp_path, data)
    assert refused.value.code == "weights_missing"


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A folder without a BertModel gives an error that says how to make one."""
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 2}')
    with pytest.raises(UnderstandingError, match="BertModel") as refused:
        bert.read(tmp_path)
    assert refused.value.code == "base_missing"
    assert "voicetrail-nlp base" in refused.value.advice


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny(folder, seed=3)
    return folder


def test_learning_lowers_the_loss(tiny: Path) -> None:
    """Seeing the same turns again and again, the network comes to answer them better than guessing."""
    weights, config = bert.read(tiny)
    labels = Labels(QUESTIONS, ())
    lessons = [one for one, _ in zip(counter_lessons(held=True), range(40), strict=False)]
    tokeniser = Tokenizer.from_file(str(tiny / "tokenizer.json"))
    made = [one.batch(labels) for one in by_length(lessons, tokeniser, shapes=Shapes(tokens=640, lengths=(32,)))]
    losses: list[float] = []
    rates = learn.Rates(encoder=1e-3, head=1e-2)
    start = learn.with_head(weights, columns=len(QUESTIONS), seed=1)
    learn.learn(
        start, config, made * 12, steps=12 * len(made), rates=rates, progress=lambda step, loss: losses.append(loss)
    )
    assert np.mean(losses[-len(made) :]) < np.mean(losses[: len(made)]) / 2


def test_the_graph_computes_what_was_trained(tiny: Path, tmp_path: Path) -> None:
    """ONNX Runtime gives the scores of JAX: closely in floats, and nearly in 8 bits, padding and context included."""
    weights, config = bert.read(tiny)
    weights = learn.with_head(weights, columns=len(QUESTIONS), seed=1)
    lessons = list(counter_lessons(held=True))[:20]
    (group, *_) = by_length(
        lessons, Tokenizer.from_file(str(tiny / "tokenizer.json")), shapes=Shapes(tokens=960, lengths=(48,))
    )
    batch = group.batch(Labels(QUESTIONS, ()))
    expected, *_ = learn.answered(weights, config, batch, rows=len(group.lessons))
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    given = {"ids": batch.ids, "mask": batch.mask.astype(np.int32), "own": np.maximum(batch.own, batch.mask * 0)}
    given["own"][len(group.lessons) :, 0] = 1
    (floats,) = onnxruntime.InferenceSession(graph.float_graph(arrays, config).SerializeToString()).run(None, given)
    rows = len(group.lessons)
    assert np.abs(floats[:rows] - expected).max() < 0.02 * np.abs(expected).max(), "8-bit word vectors alone"
    graph.write(tmp_path / "small.onnx", arrays, config)
    (small,) = onnxruntime.InferenceSession(tmp_path / "small.onnx").run(None, given)
    assert np.corrcoef(small[:rows].ravel(), expected.ravel())[0, 1] > 0.98


def test_every_set_is_drawn_in_its_share() -> None:
    """Shares are of presentations; each lesson comes once before any comes again."""
    few = Source("few", 0.25, tuple(Lesson(Said(Role.CUSTOMER, f"少{number}")) for number in range(5)))
    many = Source("many", 0.75, tuple(Lesson(Said(Role.CUSTOMER, f"多{number}")) for number in range(400)))
    lessons = list(drawn([few, many], count=400, seed=1))
    shown = [one.said.text[0] for one in lessons]
    assert 70 <= shown.count("少") <= 130
    first = [one.said.text for one in lessons if one.said.text.startswith("多")]
    assert len({text for text in first if text[1:].isdigit()}) == len([text for text in first if text[1:].isdigit()])
    assert [one.said for one in drawn([few, many], count=400, seed=1)] == [one.said for one in lessons]


def test_held_conversations_are_never_learnt_from() -> None:
    """The turns to calibrate on and those to learn from are of different conversations, and together all."""
    held = {one.said.text for one in counter_lessons(held=True) if len(one.said.text) > 12}
    learnt = {one.said.text for one in counter_lessons(held=False) if len(one.said.text) > 12}
    assert held
    assert not held & learnt


def test_a_turn_of_ours_answers_what_its_side_is_asked() -> None:
    """Customers' turns answer intents and aspects, staff's turns acts; the feeling only where there is one."""
    for one in counter_lessons(held=True):
        staff = one.said.role is Role.STAFF
        assert ("promise" in one.answers) is staff
        assert ("complain" in one.answers) is not staff
        assert all((aspect in one.answers) is not staff for aspect in ASPECTS)
        assert ("positive" in one.answers) is one.answers["opinion"][0]
