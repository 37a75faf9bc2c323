"""A shift over virtual time with cables pulled, networks cut and programs killed."""

from pathlib import Path

import pytest

from support.soak import Soak

pytestmark = [pytest.mark.faults, pytest.mark.speech, pytest.mark.timeout(900)]


def test_every_second_of_a_tormented_shift_has_its_account_and_every_word_arrives_once(tmp_path: Path) -> None:
    """A fifth of an hour; `python -m benchmarks.soak` runs four hours of it."""
    soaked = Soak(tmp_path, hours=0.2, speed=20, kills=2, cuts=2, seed=4).run()
    assert soaked.accounted_s == pytest.approx(soaked.shift_s, abs=0.5), soaked
    assert soaked.arrived_s == pytest.approx(soaked.accounted_s, abs=0.001), soaked
    assert soaked.arrived_once, soaked
    assert soaked.sealed > 0
    assert (soaked.kills, soaked.cuts) >= (2, 2)
