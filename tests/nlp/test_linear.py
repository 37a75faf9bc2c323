"""The linear model, its n-grams, and the folder that holds weights."""

import shutil
from math import exp, sqrt
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UnderstandingError
from nlp import bundle
from nlp.features import Sounds, plain, readable
from nlp.linear import LinearModel, sigmoid, softmax
from nlp.understanding import load

SOUNDS = Sounds(["他她它塔", "是事市式", "好号浩"])

words = st.text("他她它是事市好号人。，a1", max_size=12)


def model(weights: dict[str, tuple[int, int]]) -> LinearModel:
    two = np.array([1.0, 1.0], dtype=np.float32)
    return LinearModel(
        labels=("yes", "no"),
        index={gram: row for row, gram in enumerate(weights)},
        weights=np.array(list(weights.values()), dtype=np.int8).reshape(len(weights), 2),
        scale=two / 10,
        bias=two * np.float32(0.25),
        slope=two * 2,
        offset=two * 0,
    )


@given(st.dictionaries(st.sampled_from("他是好人"), st.tuples(st.integers(-127, 127), st.integers(-127, 127))), words)
def test_a_score_is_the_sum_of_the_weights_it_names(weights: dict[str, tuple[int, int]], text: str) -> None:
    """The log-odds are what the formula of the model says, for any weights and any text."""
    grams = SOUNDS.ngrams(readable(text))
    known = [weights[gram] for gram in grams if gram in weights]
    total = np.sum(known, axis=0) if known else np.zeros(2)
    expected = (total / 10 / sqrt(max(len(grams), 1)) + 0.25) * 2
    assert model(weights).scores(grams) == pytest.approx(expected, abs=1e-4)


def test_a_model_reads_back_as_it_was_saved(tmp_path: Path) -> None:
    """Saving and reading gives the same labels, n-grams and scores."""
    saved = model({"他": (3, -4), "好人": (5, 6), "\ue101": (-7, 8)})
    saved.save(tmp_path / "model.npz")
    read = LinearModel.read(tmp_path / "model.npz")
    assert (read.labels, read.index) == (saved.labels, saved.index)
    grams = SOUNDS.ngrams(readable("他是好人"))
    assert read.scores(grams).tolist() == saved.scores(grams).tolist()


@given(st.lists(st.sampled_from(["他她它塔", "是事市式", "好号浩"]), min_size=1, max_size=8), st.randoms())
def test_homophones_sound_alike(sounds: list[str], chance: Random) -> None:
    """Texts that sound the same share all n-grams of sounds, whichever characters were written."""
    first, second = ("".join(chance.choice(group) for group in sounds) for _ in range(2))
    ours = {gram for gram in SOUNDS.ngrams(first) if gram[0] >= "\ue100"}
    assert ours == {gram for gram in SOUNDS.ngrams(second) if gram[0] >= "\ue100"}
    assert ours


def test_each_ngram_is_shown_at_its_place() -> None:
    """The places of n-grams name the characters that stand there, also for n-grams of sounds."""
    places = dict(SOUNDS.places("他是人"))
    assert places["他是"] == "他是"
    assert set(places.values()) == {"他", "是", "人", "他是", "是人", "他是人"}
    assert set(places) == SOUNDS.ngrams("他是人")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("太贵了！！", "^太贵了$"),
        ("ＶＩＰ客户", "^vip客户$"),
        ("我有三百五十块", "^我有0块$"),
        ("打〔手机号〕", "^打\ue000$"),
        ("打〔号码〕", "^打\ue000$"),
        ("嗯……啊", ""),
        ("", ""),
    ],
)
def test_what_ngrams_see(text: str, read: str) -> None:
    """Punctuation, width, amounts and kinds of masks make no difference; wordless turns are empty."""
    assert readable(text) == read


@given(st.text(max_size=40))
def test_plain_text_holds_only_what_is_read(text: str) -> None:
    """Nothing but Han characters, Latin letters, 0 and signs for masks and edges is left of any text."""
    assert all(char in "^$0\ue000" or "\u3400" <= char <= "\u9fff" or "a" <= char <= "z" for char in plain(text))


@given(st.floats(-1e6, 1e6))
def test_probabilities_lie_between_0_and_1(score: float) -> None:
    """Any log-odds become a probability, and opposite ones its complement."""
    assert 0 <= sigmoid(score) <= 1
    assert sigmoid(score) + sigmoid(-score) == pytest.approx(1)


def test_softmax_adds_up_to_1() -> None:
    """Exclusive probabilities add up to 1 and stand in the ratio of the powers of their scores."""
    shares = softmax(np.array([1.0, 3.0], dtype=np.float32))
    assert shares.sum() == pytest.approx(1)
    assert shares[1] / shares[0] == pytest.approx(exp(2), rel=1e-4)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.SHIPPED, tmp_path / "weights"))


@pytest.mark.parametrize("name", ["sentiment.npz", "intents.npz", "fine_intents.npz", "sounds.txt", "settings.json"])
def test_altered_weights_are_refused(weights: Path, name: str) -> None:
    """One changed byte in any file of the weights, and they do not load."""
    content = bytearray((weights / name).read_bytes())
    content[len(content) // 2] ^= 1
    (weights / name).write_bytes(content)
    with pytest.raises(UnderstandingError, match=name) as refused:
        load(weights)
    assert refused.value.code == "weights_altered"
    assert "train" in refused.value.advice


@pytest.mark.parametrize("name", ["sentiment.npz", "sounds.txt", "settings.json", "manifest.json"])
def test_missing_weights_are_named(weights: Path, name: str) -> None:
    """A missing file is named, with what to do about it."""
    (weights / name).unlink()
    with pytest.raises(UnderstandingError, match=name) as refused:
        load(weights)
    assert refused.value.code == "weights_missing"
    assert refused.value.advice


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"model": "x", "sha256": {"../../x": "0"}}'])
def test_a_broken_manifest_is_refused(weights: Path, manifest: str) -> None:
    """A manifest that is none, or names files outside its folder, is refused with a code."""
    (weights / "manifest.json").write_text(manifest)
    with pytest.raises(UnderstandingError) as refused:
        load(weights)
    assert refused.value.code in ("weights_altered", "weights_missing")


def test_settings_of_another_version_are_refused(weights: Path) -> None:
    """Settings that this version does not know are refused, even under a manifest that fits them."""
    (weights / "settings.json").write_text('{"model": "x"}')
    bundle.write_manifest(weights, model="x")
    with pytest.raises(UnderstandingError, match="settings") as refused:
        load(weights)
    assert refused.value.code == "weights_altered"


def test_the_model_card_names_the_model() -> None:
    """Card, manifest and settings speak of the same model."""
    model = load().model
    assert model in (bundle.SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
