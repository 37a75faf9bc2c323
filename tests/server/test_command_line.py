"""`voicetrail-server` as people and scripts use it: the real program."""

import json
import re
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.ids import new_id
from support.databases import DATABASES, fresh_database
from support.device_client import HTTP, Device, utterance
from support.programs import BIN, kill, run, run_json, start, wait_until

PROGRAM = BIN / "voicetrail-server"


@contextmanager
def _serving(*options: object) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [str(PROGRAM), "serve", "--port", "0", "--worker", "off", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            yield process, address[0]
        finally:
            process.terminate()
            process.communicate(timeout=60)


@pytest.mark.parametrize("kind", DATABASES)
def test_set_up_serve_enrol_and_send(tmp_path: Path, kind: str) -> None:
    """The commands of the README lead to a stored utterance, on each database."""
    with fresh_database(kind) as url:
        where = ["--data", tmp_path / "data", *(["--database-url", url] if url else [])]
        made = run_json(PROGRAM, "setup", *where, "--json")
        assert re.fullmatch(r"vt_[\w-]{43}", made["api_key"])
        assert made["sign_in_path"].startswith("/sign-in?token=")
        assert (made["existed"], made["tenant"], made["login"]) == (False, "default", "admin")
        with _serving(*where) as (process, address):
            assert address.startswith("http://127.0.0.1:")
            device = Device.enrol(address, made["enrolment_code"])
            assert [each["verdict"] for each in device.verdicts([utterance(new_id())])] == ["accepted"]
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        assert process.returncode in (0, -signal.SIGTERM)


def test_a_key_of_a_role_may_do_what_its_role_may(tmp_path: Path) -> None:
    """A reader's key reads, a contributor's also says something; a role that there is not is refused."""
    run_json(PROGRAM, "setup", "--data", tmp_path, "--json")
    made = [
        run_json(PROGRAM, "api-key", "--data", tmp_path, "--role", role, "--json") for role in ("reader", "contributor")
    ]
    run(PROGRAM, "api-key", "--data", tmp_path, "--role", "king", expect=2)
    with _serving("--data", tmp_path) as (_, address):
        for key, status in zip(made, (403, 404), strict=True):
            headers = {"Authorization": f"Bearer {key['api_key']}"}
            assert HTTP.get(f"{address}/v1/conversations", headers=headers).status_code == 200
            path = f"{address}/v1/conversations/{new_id()}/customer"
            assert HTTP.post(path, headers=headers, json={"customer": "C-1"}).status_code == status


def test_set_up_again_makes_nothing_unasked(tmp_path: Path) -> None:
    """A second set-up says what exists; it makes new secrets only when told to."""
    first = run_json(PROGRAM, "setup", "--data", tmp_path, "--json", "--tenant", "acme", "--login", "ann")
    again = run_json(PROGRAM, "setup", "--data", tmp_path, "--json", "--tenant", "other")
    assert again == first | {"existed": True, "api_key": None, "enrolment_code": None, "sign_in_path": None}
    new = run_json(PROGRAM, "setup", "--data", tmp_path, "--json", "--new-key", "--new-code", "--new-link")
    assert new["tenant"] == "acme"
    for name in ("api_key", "enrolment_code", "sign_in_path"):
        assert new[name]
        assert new[name] != first[name]
    assert "exists already" in run(PROGRAM, "setup", "--data", tmp_path).stdout


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Other users of the machine read neither the session secret nor the database."""
    run(PROGRAM, "setup", "--data", tmp_path / "data")
    secret = tmp_path / "data" / "session.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert len(secret.read_text()) >= 43


def test_serve_without_set_up_says_what_to_do(tmp_path: Path) -> None:
    """A folder without a database gets advice, not a stack trace."""
    failed = run(PROGRAM, "serve", "--data", tmp_path, expect=1)
    assert "setup" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_taken_port_is_a_clear_message(tmp_path: Path) -> None:
    """A port that something else has is named."""
    run(PROGRAM, "setup", "--data", tmp_path)
    with _serving("--data", tmp_path) as (_, address):
        failed = run(PROGRAM, "serve", "--data", tmp_path, "--port", address.rsplit(":", 1)[1], expect=1)
    assert "port_taken" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_further_codes_and_links(tmp_path: Path) -> None:
    """A further device and a forgotten password need no second set-up."""
    run(PROGRAM, "setup", "--data", tmp_path)
    code = run(PROGRAM, "enrolment-code", "--data", tmp_path).stdout.strip()
    assert re.fullmatch(r"([0-9A-Z]{5}-){2}[0-9A-Z]{5}", code)
    link = run_json(PROGRAM, "sign-in-link", "--data", tmp_path, "--json")
    with _serving("--data", tmp_path) as (_, address):
        assert Device.enrol(address, code).tenant == "default"
        assert HTTP.get(address + link["sign_in_path"]).status_code == 200
    failed = run(PROGRAM, "sign-in-link", "--data", tmp_path, "--login", "nobody", expect=1)
    assert "account_unknown" in failed.stderr


def test_revoked_key_is_refused(tmp_path: Path) -> None:
    """A leaked key can be taken back, and a mistyped one is no success."""
    key = run_json(PROGRAM, "setup", "--data", tmp_path, "--json")["api_key"]
    run(PROGRAM, "revoke-key", "--data", tmp_path, "--key", key)
    assert "api_key_unknown" in run(PROGRAM, "revoke-key", "--data", tmp_path, "--key", "vt_no", expect=1).stderr
    with _serving("--data", tmp_path) as (_, address):
        headers = {"Authorization": f"Bearer {key}"}
        answer = HTTP.get(f"{address}/v1/events", headers=headers)
    assert answer.json()["code"] == "api_key_revoked"


def test_openapi_document_names_every_route() -> None:
    """The document is there without a database, and describes the batch."""
    document = json.loads(run(PROGRAM, "openapi").stdout)
    assert document["openapi"].startswith("3.")
    assert {"/v1/ingest", "/v1/enrol", "/v1/events", "/healthz", "/readyz"} <= set(document["paths"])
    body = document["paths"]["/v1/ingest"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "records" in body["properties"]


def test_migrate_leaves_a_current_database_alone(tmp_path: Path) -> None:
    """Running it at every start does no harm."""
    run(PROGRAM, "setup", "--data", tmp_path)
    assert "schema" in run(PROGRAM, "migrate", "--data", tmp_path).stdout


def test_worker_of_its_own_analyses_what_the_server_takes(tmp_path: Path) -> None:
    """Two processes share one SQLite file: one takes records, the other makes events of them."""
    made = run_json(PROGRAM, "setup", "--data", tmp_path, "--json")
    log = tmp_path / "worker.log"
    with _serving("--data", tmp_path) as (_, address):
        worker = start(PROGRAM, "worker", "--data", tmp_path, log=log)
        try:
            device, conversation = Device.enrol(address, made["enrolment_code"]), new_id()
            sent = [
                device.conversation(conversation, ended=False),
                utterance(conversation, "我排队等了两个小时，我要投诉你们"),
                device.conversation(conversation, ended=True),
            ]
            assert {each["verdict"] for each in device.verdicts(sent)} == {"accepted"}
            headers = {"Authorization": f"Bearer {made['api_key']}"}

            def events() -> list[object]:
                found = HTTP.get(f"{address}/v1/events", headers=headers).json()["events"]
                return list(found)

            wait_until(lambda: bool(events()), what="an event of the complaint")
            worker.terminate()
            assert worker.wait(timeout=60) == 0
        finally:
            if worker.poll() is None:
                kill(worker)


def test_wrong_settings_in_the_environment_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing errors in a unit file are messages that name the variables."""
    wrong = {"PORT": "many", "WORKER": "sometimes", "QUIET_AFTER_S": "-1"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"VOICETRAIL_SERVER_{name}", value)
    failed = run(PROGRAM, "serve", "--data", tmp_path, expect=2)
    assert all(f"VOICETRAIL_SERVER_{name}" in failed.stderr for name in wrong)
    assert "Traceback" not in failed.stderr
