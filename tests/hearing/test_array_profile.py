"""Array profiles say what a device is, and refuse what cannot be."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardware.array_profile import ArrayProfile, find_profile, known_profiles
from models.errors import AudioError

SQUARE = [[0.03, 0.03, 0.0], [-0.03, 0.03, 0.0], [-0.03, -0.03, 0.0], [0.03, -0.03, 0.0]]


def written(folder: Path, **changed: Any) -> str:
    entries = {
        "title": "own array",
        "rate_hz": 16000,
        "channels": 5,
        "processed_channel": 0,
        "microphone_channels": [1, 2, 3, 4],
        "microphones_m": SQUARE,
        "zero": "the front edge",
        "source": "measured with a ruler",
    } | changed
    file = folder / "own.toml"
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in entries.items()]
    file.write_text("\n".join(lines))
    return str(file)


def test_the_example_of_the_guide_is_a_profile(tmp_path: Path) -> None:
    """What docs/arrays.md shows is taken as it stands, with its microphones on a ring of 4.5 cm."""
    guide = (Path(__file__).parents[2] / "docs" / "arrays.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    file = tmp_path / "counter.toml"
    file.write_text(example, encoding="utf-8")
    profile = find_profile(str(file))
    assert np.linalg.norm(profile.positions, axis=1) == pytest.approx(0.045, abs=1e-4)
    assert not profile.confirmed


@pytest.mark.parametrize("name", sorted(known_profiles()))
def test_known_arrays_are_whole(name: str) -> None:
    """Each array that comes with the program has its microphones within 10 cm and says where its geometry is from."""
    profile = find_profile(name)
    assert np.linalg.norm(profile.positions, axis=1).max() < 0.05
    assert profile.source
    assert profile.zero
    assert all(profile.matches(f"{listed}: USB Audio (hw:2,0)") for listed in profile.names)


def test_one_system_name_means_one_array() -> None:
    """No name under which a system lists an array fits two of them."""
    profiles = known_profiles().values()
    fitting = [
        [each.title for each in profiles if each.matches(name)] for profile in profiles for name in profile.names
    ]
    assert all(len(titles) == 1 for titles in fitting), fitting


def test_own_array_from_a_file(tmp_path: Path) -> None:
    """An array that nobody knows is described in a file; its microphones are placed about their centre."""
    profile = find_profile(written(tmp_path))
    assert isinstance(profile, ArrayProfile)
    assert profile.positions == pytest.approx(np.array(SQUARE))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"microphones_m": SQUARE[:3]}, "4 microphone channels but 3 positions"),
        ({"microphones_m": [[30, 30, 0], [-30, 30, 0], [-30, -30, 0], [30, -30, 0]]}, "positions are in metres"),
        ({"microphones_m": [*SQUARE[:3], SQUARE[0]]}, "at the same place"),
        ({"microphones_m": [[0.01 * at, 0.0, 0.0] for at in range(4)]}, "on one line"),
        ({"microphone_channels": [1, 2, 3, 5]}, "channel 5 does not exist"),
        ({"microphone_channels": [0, 1, 2, 3]}, "named twice"),
        ({"microphone_channels": [1, 2], "microphones_m": SQUARE[:2]}, "at least three microphones"),
        ({"rate_hz": 44100}, "no multiple of 16000"),
        ({"radius_m": 0.03}, "radius_m"),
        ({"title": 'no "quotes'}, "own.toml"),
    ],
)
def test_impossible_arrays_are_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    """A geometry that cannot be is refused with what is wrong in it."""
    with pytest.raises(AudioError) as caught:
        find_profile(written(tmp_path, **changed))
    assert caught.value.code == "array_profile_bad"
    assert said in caught.value.message


def test_an_unknown_array_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """A name that is neither known nor a file is refused, with the names that are."""
    with pytest.raises(AudioError) as caught:
        find_profile(str(tmp_path / "respeaker-9"))
    assert caught.value.code == "array_profile_unknown"
    assert all(name in caught.value.advice for name in known_profiles())
