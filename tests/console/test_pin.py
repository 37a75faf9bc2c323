"""Claims about the PIN and about trying it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.console.attempts import MAX_TRIES_OF_ALL, MAX_TRIES_OF_ONE, WINDOW_S, Attempts
from edge_agent.console.pin import FILE_NAME, PinError, PinFile


def test_only_the_pin_fits_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    """A private file keeps a hash, and each setting another one."""
    pin, file = PinFile(tmp_path), tmp_path / FILE_NAME
    pin.set("482913")
    first = pin.record()
    assert [pin.fits(text) for text in ("482913", "482914", "", "４８２９１３", "482913\n")] == [True] + [False] * 4
    assert "482913" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    pin.set("482913")
    assert pin.record().digest != first.digest
    assert pin.record().session_key != first.session_key


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "12a456", "000000", "123456", "987654", "112233", "４８２９１３"]
)
def test_a_pin_that_anybody_would_try_is_refused(tmp_path: Path, pin: str) -> None:
    """Too short, not of digits, or a row of digits."""
    with pytest.raises(PinError):
        PinFile(tmp_path).set(pin)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_pin_is_made_once(tmp_path: Path) -> None:
    """The first start makes one and tells it; the next finds it."""
    pin = PinFile(tmp_path / "new")
    made = pin.make()
    assert made is not None
    assert pin.fits(made)
    assert pin.make() is None


def test_a_missing_or_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    """Without a readable PIN there is an error with advice, not an open door."""
    pin = PinFile(tmp_path)
    for code in ("pin_missing", "pin_unreadable"):
        with pytest.raises(PinError) as refused:
            pin.fits("482913")
        assert refused.value.code == code
        assert refused.value.advice
        (tmp_path / FILE_NAME).write_text("{}")


def test_an_address_waits_after_its_tries_and_others_do_not() -> None:
    """Five failures close the door for that address until the first of them is five minutes old."""
    attempts = Attempts()
    for second in range(MAX_TRIES_OF_ONE):
        assert attempts.wait_s("a", now_s=second) == 0
        attempts.failed("a", now_s=second)
    assert attempts.wait_s("a", now_s=10) == WINDOW_S - 10
    assert attempts.wait_s("b", now_s=10) == 0
    assert attempts.wait_s("a", now_s=WINDOW_S) == 0


def test_many_addresses_together_wait_too() -> None:
    """Guessing from a thousand addresses is no faster than from six."""
    attempts = Attempts()
    for n in range(MAX_TRIES_OF_ALL):
        attempts.failed(f"address {n}", now_s=1)
    assert attempts.wait_s("another", now_s=2) > 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()), max_size=60))
def test_no_order_of_tries_gets_more_than_the_limit(tries: list[tuple[str, int, bool]]) -> None:
    """Whatever happens, an address has at most five failures in any five minutes; a success forgets its own."""
    attempts, now_s, failed = Attempts(), 0.0, dict[str, list[float]](a=[], b=[], c=[])
    for address, passed_s, succeeds in tries:
        now_s += passed_s
        if attempts.wait_s(address, now_s=now_s) > 0:
            assert len([at for at in failed[address] if at > now_s - WINDOW_S]) >= MAX_TRIES_OF_ONE
            continue
        attempts.failed(address, now_s=now_s)
        failed[address].append(now_s)
        if succeeds:
            attempts.succeeded(address, now_s=now_s)
            failed[address].clear()
        assert len([at for at in failed[address] if at > now_s - WINDOW_S]) <= MAX_TRIES_OF_ONE
