"""Withdrawals that are said on the server, as devices read them: each once, in commit order, of their own only."""

import threading
from uuid import UUID

from models.ids import new_id
from models.wire import WithdrawalDelta
from support.device_client import HTTP, Device, consent, signed, utterance
from support.running_server import RunningServer

PATH = "/v1/device/withdrawals"


def talk_of(device: Device) -> UUID:
    """Send a conversation."""
    talk = new_id()
    device.verdicts([device.conversation(talk, ended=True), utterance(talk)])
    return talk


def withdraw(server: RunningServer, talk: UUID, key: str | None = None) -> None:
    """Take consent back as a program does."""
    assert server.post(f"/v1/conversations/{talk}/withdraw", key).status_code == 200


def told(device: Device, *, after: int = 0, limit: int = 1000) -> WithdrawalDelta:
    """Ask as a device does."""
    answer = signed(device, f"{PATH}?after={after}&limit={limit}")
    assert answer.status_code == 200, answer.text
    return WithdrawalDelta.model_validate_json(answer.content)


def test_a_device_is_told_of_its_own_conversations(server: RunningServer, device: Device) -> None:
    """What was withdrawn on the server comes once, in order, page by page; other devices hear nothing of it."""
    talks = [talk_of(device) for _ in range(3)]
    other = server.device()
    foreign = talk_of(other)
    for talk in (*talks, foreign, talks[0]):
        withdraw(server, talk)
    assert list(told(device).conversations) == talks
    assert told(other).conversations == (foreign,)
    first = told(device, limit=2)
    assert (list(first.conversations), first.has_more) == (talks[:2], True)
    rest = told(device, after=first.next)
    assert (list(rest.conversations), rest.has_more) == (talks[2:], False)
    assert told(device, after=rest.next) == WithdrawalDelta(conversations=(), next=rest.next, has_more=False)


def test_what_the_device_said_itself_is_not_told_again(server: RunningServer, device: Device) -> None:
    """A customer who withdrew at the counter is known there; doing it on the server afterwards tells nobody."""
    talk = talk_of(device)
    device.verdicts([consent(talk, "withdrawn")])
    withdraw(server, talk)
    assert told(device).conversations == ()


def test_a_place_that_was_never_reached_begins_anew(server: RunningServer, device: Device) -> None:
    """A device that knows more than the database, which was restored, is led back before its place."""
    withdraw(server, talk_of(device))
    assert told(device, after=10**9).next < 10**9


def test_withdrawals_side_by_side_hide_nothing_from_a_reader(server: RunningServer, device: Device) -> None:
    """A device that follows while two programs withdraw its conversations is told of each once."""
    talks = [talk_of(device) for _ in range(12)]
    done = threading.Event()
    heard: list[UUID] = []

    def follow() -> None:
        after = 0
        while True:
            last = done.is_set()
            page = told(device, after=after, limit=3)
            heard.extend(page.conversations)
            after = page.next
            if last and not page.has_more:
                return

    def each(mine: list[UUID]) -> None:
        for talk in mine:
            withdraw(server, talk)

    programs = [threading.Thread(target=each, args=(talks[half::2],)) for half in (0, 1)]
    reader = threading.Thread(target=follow)
    for thread in (reader, *programs):
        thread.start()
    for thread in programs:
        thread.join()
    done.set()
    reader.join()
    assert sorted(heard) == sorted(talks)


def test_withdrawals_stay_with_their_tenant(server: RunningServer, device: Device) -> None:
    """Places are each tenant's own, and no tenant's device reads another's."""
    withdraw(server, talk_of(device))
    key = server.add_tenant(f"other-{new_id()}")
    other = server.device(server.post("/v1/devices/enrolment-codes", key).json()["tenant"])
    assert told(other) == WithdrawalDelta(conversations=(), next=0, has_more=False)
    withdraw(server, talk_of(other), key)
    assert told(other).next == 1


def test_a_device_must_sign_what_it_asks_for(server: RunningServer, device: Device) -> None:
    """Another query, a batch's signature, an API key or none: refused."""
    assert signed(device, PATH, signs=f"{PATH}?after=1").json()["code"] == "signature_invalid"
    assert HTTP.get(device.url + PATH, headers=device.sign(b"")).json()["code"] == "signature_invalid"
    assert server.get(PATH).json()["code"] == "signature_missing"
