"""A recorded set that cannot be evaluated says where and why."""

from pathlib import Path

import pytest

from edge_agent.evaluation import EvaluationError, read_recorded_set


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "set.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_know_their_line_and_their_audio(tmp_path: Path) -> None:
    """Paths are relative to the file; columns in any order, others ignored."""
    rows = read_recorded_set(written(tmp_path, "id\ttext\tpath\n1\t您好\ta.flac\n2\t再见\tsub/b.flac\n"))
    assert [(row.line, row.path, row.text) for row in rows] == [
        (2, tmp_path / "a.flac", "您好"),
        (3, tmp_path / "sub/b.flac", "再见"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\tpath\n1\ta.flac\n", "line 1: the head line lacks the column text"),
        ("", "line 1: the head line lacks the column path and text"),
        ("path\ttext\n", "line 2: there is no utterance"),
        ("path\ttext\na.flac\t您好\nb.flac\n", "line 3: text is empty"),
        ("path\ttext\n\t您好\n", "line 2: path is empty"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, content: str, said: str) -> None:
    """What is missing is said with the line it is missing from."""
    with pytest.raises(EvaluationError, match=said) as caught:
        read_recorded_set(written(tmp_path, content))
    assert caught.value.advice


def test_a_missing_file_and_bytes_that_are_no_text_cannot_be_read(tmp_path: Path) -> None:
    """Neither ends in a traceback."""
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_recorded_set(tmp_path / "none.tsv")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_recorded_set(written(tmp_path, b"path\ttext\na.flac\t\xff\xfe\n"))
