"""Promise 2 in bytes: what files of device and server hold after a customer said no, and after one withdrew."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from models.conversation import Utterance
from models.wire import Record
from support.console_program import ConsoleProgram
from support.databases import rows
from support.edge_device import opened_outbox
from support.programs import DEMO_AUDIO, ServerProgram, enrol, running_server, wait_until

pytestmark = pytest.mark.speech

REFUSING, WITHDRAWING, LISTED = "C-REFUSES-40417", "C-WITHDRAWS-60618", "C-LISTED-80819"


@dataclass
class Left:
    """What is left of a shift: one customer said no, the next one yes and withdrew."""

    folder: Path
    """Of device, server, and what both programs printed."""
    encounter: UUID
    """Of the customer who withdrew."""
    said: tuple[str, ...]
    """Words that were on the server, and those that were sealed on the device."""
    found_before: list[str]
    """Those of them that stood in files of the server until they were withdrawn."""

    def holding(self, *words: str, under: str = "") -> list[str]:
        """Return names of files that hold one of the words, in whatever of the usual encodings."""
        forms = [form for word in words for form in forms_of(word)]
        files = [path for path in (self.folder / under).rglob("*") if path.is_file()]
        assert files
        return [path.name for path in files if any(form in path.read_bytes() for form in forms)]


def forms_of(word: str) -> tuple[bytes, ...]:
    """Return how a word may stand in a file."""
    return word.encode(), json.dumps(word)[1:-1].encode(), word.encode("utf-16-le")


def sealed(device: Path) -> list[Record]:
    """Open every row of the outbox, whatever it belongs to; each of them opens."""
    with sqlite3.connect(f"file:{device / 'outbox.db'}?mode=ro", uri=True, timeout=30) as db:
        ids = [UUID(row[0]) for row in db.execute("SELECT id FROM records")]
    db.close()
    with opened_outbox(device) as outbox:
        letters = [outbox.letter(record) for record in ids]
    records = [letter.record for letter in letters if letter is not None and letter.record is not None]
    assert len(records) == len(ids)
    return records


def texts_of(device: Path) -> set[str]:
    """Return the words on the device."""
    return {record.body.text.text for record in sealed(device) if isinstance(record.body, Utterance)}


def texts_at(server: ServerProgram) -> set[str]:
    """Return the words on the server."""
    return {row[0] for row in rows("SELECT text FROM utterance", folder=server.folder, url=None)}


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """A shift through the real programs, ended politely; the server still runs."""
    folder = tmp_path_factory.mktemp("shift")
    device = folder / "device"
    with running_server(folder / "server") as server:
        enrol(server, device)
        know(server, LISTED)
        program = ConsoleProgram(device, microphone=f"file:{DEMO_AUDIO / '01-wealth-advice.opus'}")
        program.start()
        try:
            yield shift(program, server, folder=folder)
        finally:
            if program.process is not None:
                program.kill()


def know(server: ServerProgram, ref: str) -> None:
    """Tell the server of a customer, whom it tells its devices."""
    headers = {"Authorization": f"Bearer {server.keys['api_key']}"}
    answer = httpx2.put(f"{server.url}/v1/customers/{ref}", json={"name": ref}, headers=headers, trust_env=False)
    assert answer.status_code == 204


def shift(program: ConsoleProgram, server: ServerProgram, *, folder: Path) -> Left:
    """Let one customer say no, the next one talk and withdraw."""
    device = program.folder
    wait_until(lambda: LISTED in program.page(f"/customers?q={LISTED[:-2]}"), what="the list of customers is there")
    program.act("/shift/begin", staff="S-1")
    program.act("/encounter/start", customer=REFUSING)
    program.act("/encounter/answer", state="declined", encounter=program.encounter())
    program.act("/encounter/stop")
    program.act("/encounter/start", customer=WITHDRAWING)
    encounter = program.encounter()
    program.act("/encounter/answer", state="granted", encounter=encounter)
    wait_until(lambda: len(telling(texts_at(server))) > 1, what="words are on the server")
    said = telling(texts_at(server) | texts_of(device))
    made = Left(folder, UUID(encounter), said, [word for word in said if found(word, server.folder)])
    program.act("/encounter/answer", state="withdrawn", encounter=encounter)
    program.act("/encounter/stop")
    program.act("/shift/end")
    assert program.stop() == 0, program.log.read_text()[-3000:]
    with opened_outbox(device) as outbox:
        assert outbox.backlog().pending == 0
    server.wait_for_analysis()
    return made


def telling(texts: set[str]) -> tuple[str, ...]:
    """Return those that are long enough not to stand anywhere by chance."""
    return tuple(sorted(text for text in texts if len(text) > 3))


def found(word: str, folder: Path) -> bool:
    """Say whether a word stands in a file of a folder."""
    return any(word.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_file_of_the_device_names_a_customer_or_holds_a_word(left: Left) -> None:
    """Neither those who said no or withdrew, nor those of the list of customers; all that is there is sealed."""
    assert (left.folder / "device" / "customers.db").exists()
    assert left.holding(REFUSING, WITHDRAWING, LISTED, *left.said, under="device") == []


def test_who_said_no_is_named_nowhere(left: Left) -> None:
    """Not on the device, not on the server, in nothing that a program printed; who withdrew is known to the server."""
    assert left.holding(REFUSING) == []
    assert left.holding(WITHDRAWING, under="server")


def test_no_word_of_who_withdrew_is_in_any_file(left: Left) -> None:
    """They stood in files of the server before; now in none, nor in what a program printed."""
    assert left.found_before
    assert left.holding(*left.said) == []


def test_no_sealed_utterance_of_who_withdrew_is_left(left: Left) -> None:
    """Every row of the outbox is opened: consent, withdrawal and coverage are there, words are not."""
    kinds = [record.body.body for record in sealed(left.folder / "device")]
    assert kinds.count("consent") == 2
    assert "utterance" not in kinds
    assert "coverage" in kinds
