"""The packaged weights are assembled once, whole, and exactly as published."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import weights
from models.errors import RecognitionError


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the default model was made."""
    cache_dir = tmp_path_factory.mktemp("cache")
    weights.locate("base", cache_dir)
    return cache_dir


@pytest.fixture
def folder(assembled: Path, tmp_path: Path) -> Path:
    """A copy of the model's folder, of hard links: a test may replace files in it, not write into them."""
    copy = tmp_path / "whisper-base"
    copy.mkdir()
    for file in (assembled / "whisper-base").iterdir():
        os.link(file, copy / file.name)
    return copy


def replace_byte(model: Path, *, at: int) -> None:
    content = bytearray(model.read_bytes())
    content[at] ^= 0xFF
    model.unlink()
    model.write_bytes(content)


def test_progress_reaches_the_whole(tmp_path: Path) -> None:
    """Whoever waits sees how far it is, up to the last byte."""
    seen: list[tuple[int, int]] = []
    weights.locate("base", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (weights.MODEL_BYTES, weights.MODEL_BYTES)
    assert seen == sorted(seen)


def test_what_was_assembled_is_not_assembled_again(assembled: Path) -> None:
    """The second start finds the folder and reads nothing of it."""
    seen: list[int] = []
    model = assembled / "whisper-base" / "model.bin"
    before = model.stat()
    assert weights.locate("base", assembled, progress=lambda done, total: seen.append(done)) == model.parent
    assert seen == []
    assert model.stat().st_ino == before.st_ino


def test_nothing_but_the_model_is_left(assembled: Path) -> None:
    """No scratch folder stays behind."""
    assert [path.name for path in assembled.iterdir()] == ["whisper-base"]


def test_an_altered_model_is_refused_at_the_next_start(folder: Path) -> None:
    """A model.bin that differs in one byte is found out, whether by its time or by its hash."""
    replace_byte(folder / "model.bin", at=1_000_000)
    with pytest.raises(RecognitionError) as caught:
        weights.locate("base", folder.parent)
    assert caught.value.code == "weights_altered"
    assert caught.value.advice


def test_a_half_written_model_is_refused(folder: Path) -> None:
    """A model.bin that was cut off is not loaded."""
    model = folder / "model.bin"
    half = model.read_bytes()[: weights.MODEL_BYTES // 2]
    model.unlink()
    model.write_bytes(half)
    with pytest.raises(RecognitionError) as caught:
        weights.locate("base", folder.parent)
    assert caught.value.code == "weights_altered"


def test_an_alteration_that_keeps_size_and_time_is_found_by_the_full_check(folder: Path) -> None:
    """The cheap check at each start can be fooled; the doctor's cannot."""
    model = folder / "model.bin"
    before = model.stat()
    replace_byte(model, at=1_000_000)
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.locate("base", folder.parent) == folder
    with pytest.raises(RecognitionError) as caught:
        weights.verify(folder)
    assert caught.value.code == "weights_altered"


def test_a_good_model_with_a_new_time_is_hashed_once_and_taken(folder: Path) -> None:
    """A restored backup is accepted after its hash was found good."""
    (folder / "verified.json").unlink()
    assert weights.locate("base", folder.parent) == folder
    assert (folder / "verified.json").is_file()


def test_leftovers_of_a_killed_assembly_are_taken_away(tmp_path: Path) -> None:
    """A scratch folder of yesterday is removed; one of this minute may belong to another process."""
    old, fresh = tmp_path / "whisper-base.old", tmp_path / "whisper-base.fresh"
    for leftover in (old, fresh):
        leftover.mkdir()
        (leftover / "model.bin").write_bytes(b"half")
    os.utime(old, (0, 0))
    weights.locate("base", tmp_path)
    assert not old.exists()
    assert fresh.exists()


def test_two_processes_may_assemble_at_once(tmp_path: Path) -> None:
    """Both get a whole model, and one folder is left."""
    program = "import sys; from pathlib import Path; from edge_agent import weights; "
    program += "weights.verify(weights.locate('base', Path(sys.argv[1])))"
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["whisper-base"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A cache that is a file, a full disk or a read-only one ends in advice, not in a traceback."""
    (tmp_path / "cache").touch()
    with pytest.raises(RecognitionError) as caught:
        weights.locate("base", tmp_path / "cache")
    assert caught.value.code == "weights_not_stored"
    assert "145 MB" in caught.value.advice


@pytest.mark.faults
def test_a_full_disk_leaves_nothing_half(tmp_path: Path) -> None:
    """When the disk takes no more, the error says so and the cache is as empty as before."""
    program = (
        "import resource, signal, sys; from pathlib import Path; from edge_agent import weights\n"
        "from models.errors import RecognitionError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))\n"
        "try: weights.locate('base', Path(sys.argv[1]))\n"
        "except RecognitionError as error: print(error.code, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith("weights_not_stored")
    assert os.strerror(errno.EFBIG) in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_any_folder_with_a_model_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    """A setting may name a folder; a folder without a model is refused."""
    assert weights.locate(str(folder), tmp_path / "unused") == folder
    with pytest.raises(RecognitionError) as caught:
        weights.locate(str(tmp_path / "none"), tmp_path)
    assert caught.value.code == "weights_missing"


def test_a_name_that_is_no_whisper_is_refused(tmp_path: Path) -> None:
    """A typing error is told apart from a network that is down."""
    with pytest.raises(RecognitionError) as caught:
        weights.locate("gigantic", tmp_path)
    assert caught.value.code == "weights_missing"


def test_the_cache_follows_the_users_own_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_CACHE_HOME counts where it is set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.default_cache_dir() == tmp_path / "voicetrail"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert weights.default_cache_dir() == Path.home() / ".cache" / "voicetrail"
