"""`voicetrail-nlp` as a process."""

import json
import subprocess
from pathlib import Path

import pytest

from support.programs import BIN, run, run_json

NLP = BIN / "voicetrail-nlp"


def rows(path: Path, *given: object) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in given), encoding="utf-8")
    return path


def test_analyse_masks_and_explains() -> None:
    """One text: personal data masked, labels, terms, and why, as JSON or for people."""
    said = "我手机号13900002718，等了两个小时了，太慢了"
    found = run_json(NLP, "analyse", said, "--json", "--role", "customer")
    assert found["text"] == "我手机号〔手机号〕，等了两个小时了，太慢了"
    assert (found["role"], found["sentiment"], found["sentiment_uncertain"]) == ("customer", "negative", False)
    assert found["intents"][0]["name"] == "complain"
    assert "complain" in {reason["label"] for reason in found["why"]}
    shown = run(NLP, "analyse", said).stdout
    assert "〔手机号〕" in shown
    assert "why complain" in shown
    assert "13900002718" not in shown


def test_standard_input_is_one_conversation() -> None:
    """Lines on standard input are turns of one conversation; bytes that are no UTF-8 do no harm."""
    said = "您好，请问办什么业务\n我想销户\n好的，麻烦您签个字\n".encode() + b"\xff\xfe\n"
    done = subprocess.run([NLP, "analyse", "-", "--json"], input=said, capture_output=True, check=True)
    found = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [one["role"] for one in found[:3]] == ["staff", "customer", "staff"]
    assert found[3]["sentiment_uncertain"]


@pytest.mark.parametrize("labels", [(1, 0), ("1", "0"), ("positive", "negative")])
def test_binary_sentiment_decides_between_two(tmp_path: Path, labels: tuple[object, object]) -> None:
    """Without neutral rows a lukewarm text counts for the better of the two classes."""
    good, bad = labels
    file = rows(tmp_path / "r.jsonl", {"text": "很好吃，喜欢", "label": good}, {"text": "难吃，差评", "label": bad})
    assert run_json(NLP, "eval", "sentiment", file, "--json") == {"n": 2, "accuracy": 1.0, "macro_f1": 1.0}


def test_three_classes_and_splits(tmp_path: Path) -> None:
    """0 is neutral beside -1; --split keeps the rows of a split and those without one."""
    file = rows(
        tmp_path / "r.jsonl",
        {"text": "服务态度太差了，气死我了", "label": -1, "split": "test"},
        {"text": "在哪里签字", "label": 0},
        {"text": "服务态度太差了", "label": 1, "split": "train"},
    )
    of_split = run_json(NLP, "eval", "sentiment", file, "--split", "test", "--json")
    assert (of_split["n"], of_split["accuracy"]) == (2, 1.0)
    assert run_json(NLP, "eval", "sentiment", file, "--json")["accuracy"] == pytest.approx(2 / 3, abs=1e-3)


def test_intents_by_fine_label_and_by_code(tmp_path: Path) -> None:
    """Rows with fine labels give two pairs of figures; rows with codes, one or a list, the same pair twice."""
    fine = rows(tmp_path / "f.jsonl", {"text": "什么时候发货呀", "label": "买家咨询发货时间"})
    found = run_json(NLP, "eval", "intent", fine, "--json")
    assert set(found) == {"n", "accuracy", "macro_f1", "accuracy_17", "macro_f1_17"}
    assert (found["n"], found["accuracy_17"]) == (1, 1.0)
    coded = rows(
        tmp_path / "c.jsonl",
        {"text": "排队排了一个小时，太慢了", "label": "complain"},
        {"text": "好的", "intents": []},
        {"text": "好的我帮您查", "role": "staff", "intents": ["explain"]},
        {"text": "太贵了，人家网上才卖三百", "intents": ["compare", "price_objection"]},
    )
    assert run_json(NLP, "eval", "intent", coded, "--json") == {
        "n": 3,
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "accuracy_17": 1.0,
        "macro_f1_17": 1.0,
    }


def test_noise_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    """--noise gives the same figures for the same seed, and is refused outside 0 to 1."""
    pytest.importorskip("pypinyin", reason="noise needs the [train] extra")
    said = [(f"第{n}次来，服务很好", 1) for n in range(30)] + [(f"等了{n}天，太差", 0) for n in range(30)]
    given = [{"text": text, "label": label} for text, label in said]
    file = rows(tmp_path / "r.jsonl", *given)
    command = (NLP, "eval", "sentiment", file, "--noise", "0.5", "--seed", "3", "--json")
    assert run(*command).stdout == run(*command).stdout
    assert "--noise" in run(NLP, "eval", "sentiment", file, "--noise", "2", expect=2).stderr


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b'{"text": "a", "label": 1}\n{"text": ', "broken_line", "line 2"),
        (b'\n{"label": 1}', "broken_line", "line 2"),
        (b'{"text": "a", "label": 7}', "broken_line", "line 1"),
        (b'{"text": "a"}', "broken_line", "line 1"),
        (b'\xff\xfe{"text": "a", "label": 1}', "broken_line", "line 1"),
        (b"[1]", "broken_line", "line 1"),
        (b"", "no_rows", "no row"),
    ],
)
def test_broken_files_name_their_line(tmp_path: Path, content: bytes, code: str, said: str) -> None:
    """A broken file ends with status 2 and `code: message. advice`, naming the line."""
    file = tmp_path / "r.jsonl"
    file.write_bytes(content)
    done = run(NLP, "eval", "sentiment", file, expect=2)
    assert done.stderr.startswith(f"{code}: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_file_and_missing_weights(tmp_path: Path) -> None:
    """A missing file is bad input (2); missing weights are a failure (1); both say what to do."""
    assert run(NLP, "eval", "intent", tmp_path / "none.jsonl", expect=2).stderr.startswith("data_missing: ")
    done = run(NLP, "analyse", "你好", "--weights", tmp_path, expect=1)
    assert done.stderr.startswith("weights_missing: ")
    assert "train" in done.stderr


def test_help_teaches() -> None:
    """Each command shows an example."""
    evaluations = (["eval", "sentiment"], ["eval", "intent"], ["eval", "conversations"])
    for command in (["analyse"], *evaluations, ["base"], ["train"]):
        assert "voicetrail-nlp" in run(NLP, *command, "--help").stdout


def test_an_encoder_without_a_base_is_refused(tmp_path: Path) -> None:
    """Training the encoder says that it needs a base, and how to make one, before it reads anything."""
    done = run(NLP, "train", "--what", "encoder", "--data", tmp_path, "--out", tmp_path / "out", expect=1)
    assert done.stderr.startswith("base_missing: ")
    assert "voicetrail-nlp base" in done.stderr
