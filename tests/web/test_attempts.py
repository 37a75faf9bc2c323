"""Claims about how often a sign-in may be tried."""

from hypothesis import given
from hypothesis import strategies as st

from server.web.attempts import Attempts


def test_the_eleventh_try_waits() -> None:
    """Ten failures in five minutes are let through, then the oldest must grow old."""
    attempts = Attempts()
    for second in range(10):
        assert attempts.wait_s("li", now_s=second) == 0
        attempts.failed("li", now_s=second)
    assert attempts.wait_s("li", now_s=10) == 290
    assert attempts.wait_s("li", now_s=299.5) == 0.5
    assert attempts.wait_s("li", now_s=300) == 0


def test_others_are_not_held_up() -> None:
    """One person's failures do not lock another out."""
    attempts = Attempts(max_tries=1)
    attempts.failed("li", now_s=0)
    assert attempts.wait_s("li", now_s=1) > 0
    assert attempts.wait_s("wang", now_s=1) == 0


def test_success_forgets() -> None:
    """Who signs in begins anew."""
    attempts = Attempts(max_tries=1)
    attempts.failed("li", now_s=0)
    attempts.succeeded("li")
    assert attempts.wait_s("li", now_s=1) == 0


@given(st.lists(st.integers(0, 10_000), max_size=200))
def test_memory_is_bounded(names: list[int]) -> None:
    """A flood of invented logins is forgotten, the oldest first."""
    attempts = Attempts(max_tries=1, max_keys=5)
    for name in names:
        attempts.failed(str(name), now_s=0)
    remembered = {name for name in names if attempts.wait_s(str(name), now_s=0) > 0}
    newest_first = list(dict.fromkeys(reversed(names)))
    assert remembered == set(newest_first[:5])
