"""Sides that were said once are known after a restart."""

from pathlib import Path

import pytest

from edge_agent.kept_sides import FILE_NAME, kept_sides

ARRAY = "array:respeaker-v2@card"


def test_sides_outlive_the_program(tmp_path: Path) -> None:
    """What was said last of an array is what its next start begins with; only the owner may read it."""
    first = kept_sides(tmp_path, microphone=ARRAY)
    assert (first.staff_deg, first.customer_deg) == (None, None)
    first.set(staff_deg=120.0, customer_deg=30.0)
    first.set(staff_deg=120.0, customer_deg=None)
    again = kept_sides(tmp_path, microphone=ARRAY)
    assert (again.staff_deg, again.customer_deg) == (120.0, None)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_another_array_has_sides_of_its_own(tmp_path: Path) -> None:
    """Angles of one array say nothing of another."""
    kept_sides(tmp_path, microphone=ARRAY).set(staff_deg=120.0, customer_deg=30.0)
    other = kept_sides(tmp_path, microphone="array:uma-8")
    assert (other.staff_deg, other.customer_deg) == (None, None)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"microphone": "array:uma-8", "staff_deg": "left"}'])
def test_a_damaged_file_leaves_the_sides_unknown(tmp_path: Path, content: bytes) -> None:
    """The device starts all the same, and the sides can be said anew."""
    (tmp_path / FILE_NAME).write_bytes(content)
    sides = kept_sides(tmp_path, microphone=ARRAY)
    assert (sides.staff_deg, sides.customer_deg) == (None, None)
    sides.set(staff_deg=1.0, customer_deg=2.0)
    assert kept_sides(tmp_path, microphone=ARRAY).customer_deg == 2.0
