"""API keys, accounts and sign-in links."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.errors import RejectedError
from models.ids import new_id
from server.access import accounts, repository
from server.access.accounts import Role
from server.access.keys import create_key
from server.access.secrets import digest
from server.store.database import Database
from support.device_client import HTTP, utterance
from support.running_server import RunningServer

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
GUARDED = "/v1/analysis/backlog"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "api_key_missing"),
        ({"Authorization": "Basic abc"}, "api_key_missing"),
        ({"Authorization": "Bearer vt_wrong"}, "api_key_unknown"),
        ({"Authorization": "Bearer \xff\xfe"}, "api_key_unknown"),
    ],
)
def test_without_a_valid_key_nothing_is_told(server: RunningServer, header: dict[str, str], code: str) -> None:
    """No key, another scheme and an unknown key get 401 and how to do it."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in header.items()]
    answer = HTTP.get(server.url + GUARDED, headers=raw)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_revoked_key_is_refused(server: RunningServer) -> None:
    """A key is worth nothing from the moment it is revoked."""

    def make(conn: Any) -> str:
        return create_key(conn, tenant="default", name="to revoke", role=Role.READER, now=NOW)

    key = server.in_database(make)
    assert server.get(GUARDED, key=key).status_code == 200

    assert server.in_database(lambda conn: repository.revoke_key(conn, digest(key), now=NOW))
    refused = server.get(GUARDED, key=key)
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_revoked")


def test_keys_are_stored_as_hashes(server: RunningServer) -> None:
    """Whoever reads the database gets no key."""
    stored = server.rows("SELECT key_hash, name FROM api_key")
    assert stored
    assert server.api_key not in str(stored)
    assert server.api_key.startswith("vt_")


def test_conversation_of_another_tenant_stays_as_it_is(server: RunningServer) -> None:
    """The same conversation id in two tenants is two conversations; neither sees or changes the other."""
    ours, conversation = server.device(), new_id()
    key = server.add_tenant(f"tenant-{conversation}")
    theirs = server.device(f"tenant-{conversation}")
    assert ours.verdicts([ours.conversation(conversation, ended=False), utterance(conversation, "我们的话")])
    sent = [theirs.conversation(conversation, ended=True, customer="THEIRS"), utterance(conversation, "他们的话")]
    assert [verdict["verdict"] for verdict in theirs.verdicts(sent)] == ["accepted", "accepted"]
    assert sorted(server.of(conversation, "conversation", "tenant, customer, ended_at IS NULL")) == [
        ("default", "C-1", True),
        (f"tenant-{conversation}", "THEIRS", False),
    ]
    page = server.get(f"/v1/conversations/{conversation}", key=key).text
    assert "他们的话" in page
    assert "我们的话" not in page


async def test_link_signs_in_once(database: Database) -> None:
    """A one-time link works one time."""
    token = await _account_with_link(database)
    who = await database.write(lambda conn: accounts.use_sign_in_link(conn, token, now=NOW))
    assert (who.tenant, who.login, who.role) == ("acme", "ann", Role.ADMINISTRATOR)
    with pytest.raises(RejectedError, match="not valid"):
        await database.write(lambda conn: accounts.use_sign_in_link(conn, token, now=NOW))


async def test_link_expires(database: Database) -> None:
    """After 15 minutes a link is worth nothing."""
    token = await _account_with_link(database)
    late = NOW + timedelta(minutes=15)
    with pytest.raises(RejectedError) as caught:
        await database.write(lambda conn: accounts.use_sign_in_link(conn, token, now=late))
    assert caught.value.code == "link_invalid"


async def test_link_of_an_unknown_account_is_not_made(database: Database) -> None:
    """There is no way in for somebody who has no account."""
    with pytest.raises(RejectedError) as caught:
        await database.write(lambda conn: accounts.issue_sign_in_link(conn, tenant="acme", login="bob", now=NOW))
    assert caught.value.code == "account_unknown"


async def test_login_is_taken_once_in_a_tenant(database: Database) -> None:
    """Two people do not share a login, two tenants may."""
    await _account_with_link(database)
    with pytest.raises(RejectedError) as caught:
        await database.write(
            lambda conn: accounts.create_account(conn, tenant="acme", login="ann", role=Role.READER, now=NOW)
        )
    assert caught.value.code == "login_taken"
    await database.write(
        lambda conn: accounts.create_account(conn, tenant="other", login="ann", role=Role.READER, now=NOW)
    )


async def test_password_signs_in_to_its_own_tenant(database: Database) -> None:
    """A login that two tenants have leads to the one whose password was typed."""
    for tenant in ("acme", "other"):
        hashed = accounts.hash_password(f"a long password of {tenant}")

        def make(conn: Any, tenant: str = tenant, hashed: str = hashed) -> None:
            accounts.create_account(conn, tenant=tenant, login="ann", role=Role.READER, now=NOW)
            accounts.set_password(conn, tenant=tenant, login="ann", password_hash=hashed)

        await database.write(make)
    found = await database.read(lambda conn: repository.accounts_of_login(conn, "ann"))
    assert accounts.check_password(found, "a long password of other").tenant == "other"
    assert all("a long password" not in str(each) for each in found)


async def test_wrong_password_and_unknown_login_sound_the_same(database: Database) -> None:
    """Nobody learns from an answer which logins exist."""
    await _account_with_link(database)
    known = await database.read(lambda conn: repository.accounts_of_login(conn, "ann"))
    messages = set()
    for candidates in (known, []):
        with pytest.raises(RejectedError) as caught:
            accounts.check_password(candidates, "a wrong password")
        messages.add((caught.value.code, str(caught.value)))
    assert len(messages) == 1


@pytest.mark.parametrize(("password", "code"), [("short", "password_too_short"), ("x" * 201, "password_too_long")])
def test_passwords_have_a_sensible_length(password: str, code: str) -> None:
    """Too short can be guessed, too long costs the server."""
    with pytest.raises(RejectedError) as caught:
        accounts.hash_password(password)
    assert caught.value.code == code


async def _account_with_link(database: Database) -> str:
    def make(conn: Any) -> str:
        accounts.create_account(conn, tenant="acme", login="ann", role=Role.ADMINISTRATOR, now=NOW)
        return accounts.issue_sign_in_link(conn, tenant="acme", login="ann", now=NOW)

    return await database.write(make)
