"""Enrolment gives a device one identity, whatever happens on the way."""

import base64
import json
from pathlib import Path

import pytest

from edge_agent.enrolment import enrol
from edge_agent.identity import DeviceKey, Identity
from edge_agent.server_link import ServerLink
from models.errors import EnrolmentError, VoicetrailError
from support.scripted_server import ScriptedServer, scripted_server


def ask(folder: Path, server: ScriptedServer, code: str = ScriptedServer.CODE) -> Identity:
    with ServerLink(server.url + "/", timeout_s=5) as link:
        return enrol(folder, link=link, code=code, name="counter 3")


def test_the_key_stays_here_and_the_identity_is_written(tmp_path: Path) -> None:
    """Only the public key leaves; private key and identity are the owner's to read."""
    with scripted_server() as server:
        identity = ask(tmp_path / "device", server)
        public = server.public_key
    assert identity == Identity.load(tmp_path / "device")
    assert identity.server == server.url
    assert len(base64.b64decode(public)) == 32
    assert DeviceKey.load(tmp_path / "device").public_base64 == public
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "device").iterdir()} == {0o600}


def test_a_crash_after_the_servers_answer_is_healed_by_the_same_code(tmp_path: Path) -> None:
    """The answer was lost with the power: enrolling again with the code gives the same device."""
    with scripted_server() as server:
        first = ask(tmp_path, server)
        (tmp_path / "identity.json").unlink()
        assert ask(tmp_path, server).device_id == first.device_id


def test_an_enrolled_device_is_left_as_it_is(tmp_path: Path) -> None:
    """A second enrolment is refused by the device itself and changes nothing."""
    with scripted_server() as server:
        first = ask(tmp_path, server)
        with pytest.raises(EnrolmentError) as refused:
            ask(tmp_path, server)
    assert refused.value.code == "already_enrolled"
    assert Identity.load(tmp_path) == first


def test_a_wrong_and_a_used_code_are_told_in_the_servers_words(tmp_path: Path) -> None:
    """The server's code and advice reach the person who typed it."""
    with scripted_server() as server:
        with pytest.raises(EnrolmentError) as wrong:
            ask(tmp_path / "one", server, "WRONG")
        ask(tmp_path / "one", server)
        with pytest.raises(EnrolmentError) as used:
            ask(tmp_path / "two", server)
    assert (wrong.value.code, wrong.value.advice) == ("code_unknown", "Get another.")
    assert used.value.code == "code_used"
    assert not (tmp_path / "two" / "identity.json").exists()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://127.0.0.1:9", "server_unreachable"),
        ("ftp://example.com", "bad_server_address"),
        ("localhost:8080", "bad_server_address"),
        ("http://", "bad_server_address"),
        ("http://[::1", "bad_server_address"),
    ],
)
def test_an_address_without_a_server_is_told_apart(tmp_path: Path, address: str, code: str) -> None:
    """What is no address is said to be none; an address where nobody answers is unreachable."""
    with pytest.raises(VoicetrailError) as refused, ServerLink(address, timeout_s=5) as link:
        enrol(tmp_path, link=link, code="X", name="n")
    assert refused.value.code == code
    assert refused.value.advice


def test_a_damaged_identity_is_named(tmp_path: Path) -> None:
    """Unreadable identity and key files are told by name, with what to do."""
    (tmp_path / "identity.json").write_text(json.dumps({"server": 1}))
    (tmp_path / "device.key").write_text("-----BEGIN NOTHING-----")
    with pytest.raises(EnrolmentError) as identity:
        Identity.load(tmp_path)
    with pytest.raises(EnrolmentError) as key:
        DeviceKey.load(tmp_path)
    assert (identity.value.code, key.value.code) == ("identity_invalid", "device_key_invalid")
