"""Training on data made here, small but whole."""

import random
from pathlib import Path
from uuid import UUID

import pytest

from models.errors import UnderstandingError
from models.labels import Role, Sentiment
from nlp import bundle
from nlp.training.corpora import corpora
from nlp.training.phrases import composed, expand, made
from nlp.training.train import train
from nlp.understanding import Turn, load
from support.review_sets import write_sets

pytest.importorskip("sklearn", reason="training needs the [train] extra")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    steps: list[str] = []
    texts = write_sets(tmp_path_factory.mktemp("data"))
    train(data=texts, out=folder, licensed_only=False, seed=1, progress=steps.append, phrases_each=2)
    assert "fine intents" in steps
    return folder


def test_what_was_taught_is_known(trained: Path) -> None:
    """A small training gives weights that load and know what the data taught, wrong labels aside."""
    model = load(trained)
    assert model.feeling("味道好，喜欢").better() is Sentiment.POSITIVE
    assert model.feeling("难吃，失望").better() is Sentiment.NEGATIVE
    probabilities = model.fine_intents("什么时候发货呢")
    assert max(probabilities, key=probabilities.__getitem__) == "买家咨询发货时间"
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)


def test_training_again_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    """The same data and seed give the same manifest, so the same weights to the last bit."""
    texts = tmp_path / "data"
    texts.mkdir()
    again = tmp_path / "again"
    train(data=write_sets(texts), out=again, licensed_only=False, seed=1, progress=lambda step: None, phrases_each=2)
    assert (again / bundle.MANIFEST).read_bytes() == (trained / bundle.MANIFEST).read_bytes()


def test_licensed_only_leaves_the_others_out(tmp_path: Path) -> None:
    """With licensed sets only, the unlicensed are not seen, the model says so, and fine intents are refused."""
    texts, out = tmp_path / "data", tmp_path / "out"
    texts.mkdir()
    out.mkdir()
    (out / "fine_intents.npz").write_bytes(b"left by a former training")
    told = train(
        data=write_sets(texts), out=out, licensed_only=True, seed=1, progress=lambda step: None, phrases_each=2
    )
    assert list(told.seen) == ["CPED television drama dialogue"]
    model = load(out)
    assert model.model.endswith("-licensed")
    (analysis,) = model.analyse([Turn(UUID(int=1), Role.CUSTOMER, 0, 1, "我要投诉你们，太过分了")])
    assert analysis.sentiment is Sentiment.NEGATIVE
    with pytest.raises(UnderstandingError) as refused:
        model.fine_intents("什么时候发货")
    assert refused.value.code == "no_fine_intents"


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    """Training says which folder holds nothing that it knows."""
    with pytest.raises(UnderstandingError, match=tmp_path.name) as refused:
        train(data=tmp_path, out=tmp_path / "out", licensed_only=False, seed=1, progress=lambda step: None)
    assert refused.value.code == "data_missing"


def test_every_set_says_its_licence() -> None:
    """Each set names its licence, and the licensed are a part of all."""
    every = corpora(licensed_only=False)
    licensed = corpora(licensed_only=True)
    assert all(corpus.licence for corpus in every)
    assert {corpus.file for corpus in licensed} < {corpus.file for corpus in every}
    assert all("none" not in corpus.licence for corpus in licensed)


def test_phrases_are_the_same_for_the_same_seed() -> None:
    """Made turns repeat for a seed and differ for another; no slot or choice is left open in them."""
    first = list(made("customer.toml", each=3, seed=1))
    assert first == list(made("customer.toml", each=3, seed=1))
    assert first != list(made("customer.toml", each=3, seed=2))
    assert not [phrase for phrase in first if set(phrase.text) & set("(){}|")]


def test_a_pattern_is_filled() -> None:
    """Choices and slots are filled, also where one stands in the other."""
    chance = random.Random(1)
    assert expand("({thing}|{thing})坏了", {"thing": ["空调"]}, chance) == "空调坏了"


def test_composed_turns_never_praise_and_blame() -> None:
    """Two turns joined want what both want; praise is not joined to blame."""
    phrases = list(made("customer.toml", each=1, seed=1))
    for one in composed(phrases, count=200, seed=1):
        feeling = {"complain": "negative", "praise": "positive"}
        assert all(feeling.get(intent, one.sentiment) == one.sentiment for intent in one.intents)
