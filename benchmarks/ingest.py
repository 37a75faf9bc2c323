"""Utterances per second that ingest takes, as a share of what raw SQLite takes in the same run.

    python -m benchmarks.ingest [--utterances 12000] [--rounds 3] [--json]

Per batch size and round, on the same rows and in turn (the machine's own ups and downs then meet all of them):

raw        sqlite3's executemany into the same table with the same indexes, WAL, synchronous=FULL, one COMMIT a batch
write      `Database.write` with the same rows, as ingest calls it, without HTTP, reading or judging
http       signed gzip batches over keep-alive connections to `voicetrail-server serve`, until each is acknowledged
pg raw     asyncpg's executemany into the same table, one transaction a batch, on one connection
pg http    the same batches to a server on PostgreSQL

Batches are prepared beforehand; client and server share the machine's cores. A share is the median over the rounds.
"""

import argparse
import asyncio
import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, told
from models.conversation import Recognition, Utterance
from models.ids import new_id
from models.labels import Role
from models.wire import HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIMESTAMP, IngestBatch, Record, signing_payload
from nlp.redaction import redact
from server.ingest.judging import Judged, judge
from server.ingest.lines import Line, line_of
from server.ingest.repository import store
from server.settings import ServerSettings
from server.setup import Wanted, set_up
from server.store.database import Database
from server.store.moment import milliseconds
from server.store.tables.conversations import utterance

SIZES: Final = (20, 100)
CONNECTIONS: Final = 16
POSTGRES_URL: Final = os.environ.get("VOICETRAIL_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
# Written for this benchmark; as long as what people say at a counter, and with personal data as often (1 in 15).
SAYINGS: Final = (
    "你好，我想问一下这个定期存款现在的利率是多少",
    "我上周就来过一次了，当时说三天之内给我回电话，结果一直没有人联系我",
    "您稍等，我帮您查一下，您的电话是13800138000对吧",
    "那这个手续费能不能便宜一点，隔壁那家好像不收",
    "好的，谢谢",
    "这个产品有没有风险，万一亏了本金怎么办",
    "您放心，这款是保本的，合同里写得很清楚，您可以先看一下",
    "我再考虑考虑吧，回去跟家里人商量一下",
    "排了一个多小时的队，怎么只开两个窗口啊",
    "实在不好意思，让您久等了，今天人比较多",
    "身份证带了吗，麻烦您在这里签个字",
    "行，那就按您说的办",
    "大概什么时候能办下来",
    "正常的话三到五个工作日，办好了我们会发短信通知您",
    "你们的服务态度真不错，下次还来找你",
)


@dataclass(frozen=True)
class Device:
    """A device that enrolled with a server."""

    id: UUID
    tenant: str
    key: Ed25519PrivateKey


@dataclass(frozen=True)
class Measured:
    """Utterances per second of one way, in one round."""

    way: str
    batch: int
    rate: float


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=12_000, help="of each way, size and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    asked = parser.parse_args()
    results = [
        measured
        for _ in range(asked.rounds)
        for size in SIZES
        for measured in _round(size, batches=max(1, asked.utterances // size))
    ]
    report = _report(results)
    if asked.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _show(report)


def _round(size: int, *, batches: int) -> Iterator[Measured]:
    yield Measured("raw", size, _raw(size, batches))
    yield Measured("write", size, _write(size, batches))
    yield Measured("http", size, _http(size, batches, url=None))
    with _postgres() as url:
        if url is not None:
            yield Measured("pg raw", size, asyncio.run(_pg_raw(size, batches, url)))
    with _postgres() as url:
        if url is not None:
            yield Measured("pg http", size, _http(size, batches, url=url))


def _records(size: int, batches: int) -> list[list[Record]]:
    """Make batches of one conversation each."""
    sayings = [redact(text) for text in SAYINGS]
    heard = Recognition(model="whisper-base-int8", avg_logprob=-0.31, no_speech_prob=0.02, compression_ratio=0.9)
    start = datetime.now(UTC) - timedelta(hours=1)
    made = []
    for batch in range(batches):
        conversation_id = new_id()
        made.append(
            [
                Record(
                    id=new_id(),
                    device_seq=batch * size + at,
                    monotonic_ms=at * 3000,
                    occurred_at=start + timedelta(seconds=3 * at),
                    body=Utterance(
                        id=new_id(),
                        conversation_id=conversation_id,
                        role=Role.CUSTOMER if at % 2 else Role.STAFF,
                        role_confidence=0.8,
                        start_ms=at * 3000,
                        end_ms=at * 3000 + 2500,
                        text=sayings[at % len(sayings)],
                        recognition=heard,
                    ),
                )
                for at in range(size)
            ]
        )
    return made


def _lines(records: Sequence[Record], device: Device) -> list[Line]:
    now = datetime.now(UTC)
    judged = [judge(record, tenant=device.tenant, device_id=device.id, now=now) for record in records]
    return [
        line_of(each, tenant=device.tenant, device=device.id.hex, recorded_ms=milliseconds(now))
        for each in judged
        if isinstance(each, Judged)
    ]


def _raw(size: int, batches: int) -> float:
    device = Device(new_id(), "default", Ed25519PrivateKey.generate())
    rows = [[line.row for line in _lines(records, device)] for records in _records(size, batches)]
    names = ", ".join(column.name for column in utterance.columns)
    marks = ", ".join("?" for _ in utterance.columns)
    with _server_folder() as folder:
        db = sqlite3.connect(folder / "voicetrail.db", isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        started = time.perf_counter()
        for batch in rows:
            db.execute("BEGIN")
            db.executemany(f"INSERT INTO utterance ({names}) VALUES ({marks})", batch)  # noqa: S608 - our own names
            db.execute("COMMIT")
        took_s = time.perf_counter() - started
        db.close()
    return size * batches / took_s


def _write(size: int, batches: int) -> float:
    device = Device(new_id(), "default", Ed25519PrivateKey.generate())
    prepared = [_lines(records, device) for records in _records(size, batches)]

    async def write_all(url: str) -> float:
        db = Database.open(url)
        waiting = iter(prepared)

        async def writer() -> None:
            for lines in waiting:
                await db.write(
                    partial(
                        store,
                        lines=lines,
                        tenant=device.tenant,
                        device=device.id.hex,
                        now=datetime.now(UTC),
                        quiet_after=timedelta(minutes=1),
                    )
                )

        started = time.perf_counter()
        await asyncio.gather(*(writer() for _ in range(CONNECTIONS)))
        took_s = time.perf_counter() - started
        await db.close()
        return took_s

    with _server_folder() as folder:
        return size * batches / asyncio.run(write_all(f"sqlite:///{folder / 'voicetrail.db'}"))


def _http(size: int, batches: int, *, url: str | None) -> float:
    with _server_folder(url) as folder, _serving(folder, url) as (port, code):
        device = _enrol(port, code)
        requests = [_request(records, device) for records in _records(size, batches)]
        took_s = asyncio.run(_send_all(port, requests))
    return size * batches / took_s


def _enrol(port: int, code: str) -> Device:
    key = Ed25519PrivateKey.generate()
    asked = {"code": code, "public_key": b64encode(key.public_key().public_bytes_raw()).decode()}
    answer = httpx2.post(f"http://127.0.0.1:{port}/v1/enrol", json=asked, trust_env=False).json()
    return Device(UUID(answer["device_id"]), answer["tenant"], key)


def _request(records: list[Record], device: Device) -> bytes:
    """Return a whole HTTP request as bytes, so that the client costs little beside the server."""
    batch = IngestBatch(
        id=new_id(), tenant=device.tenant, device_id=device.id, sent_at=datetime.now(UTC), records=tuple(records)
    )
    body = gzip.compress(batch.model_dump_json().encode())
    timestamp = int(time.time())
    signature = b64encode(device.key.sign(signing_payload(device.id, timestamp, body))).decode()
    head = (
        "POST /v1/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"{HEADER_DEVICE}: {device.id}\r\n{HEADER_TIMESTAMP}: {timestamp}\r\n{HEADER_SIGNATURE}: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send_all(port: int, requests: Sequence[bytes]) -> float:
    """Send every request on a few connections; return the seconds until the last acknowledgement."""
    waiting = iter(requests)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert head.startswith(b"HTTP/1.1 200") and length is not None, head
            body = await reader.readexactly(int(length[1]))
            assert b"rejected" not in body and b"duplicate" not in body, body
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return time.perf_counter() - started


@contextmanager
def _server_folder(url: str | None = None) -> Iterator[Path]:
    """Give a folder in which a server was set up; its code is in the file code."""
    # Beside the checkout, not in /tmp: on many machines that is memory, where an fsync costs nothing.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path(__file__).parents[1]) as name:
        folder = Path(name)
        settings = ServerSettings(data=folder, database_url=url)
        installed = asyncio.run(set_up(settings, Wanted(tenant="default", login="admin"), now=datetime.now(UTC)))
        (folder / "code").write_text(installed.enrolment_code or "")
        yield folder


@contextmanager
def _serving(folder: Path, url: str | None) -> Iterator[tuple[int, str]]:
    program = Path(sys.executable).parent / "voicetrail-server"
    command = [str(program), "serve", "--data", str(folder), "--port", "0", "--worker", "off"]
    command += [] if url is None else ["--database-url", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = re.search(r":(\d+)\s*$", process.stdout.readline())
            assert port is not None, "the server did not start"
            yield int(port[1]), (folder / "code").read_text()
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def _postgres() -> Iterator[str | None]:
    """Give the URL of a fresh PostgreSQL database; None when this machine has no server."""
    name = f"voicetrail_bench_{uuid4().hex}"

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(POSTGRES_URL, timeout=5)
        await connection.execute(statement)
        await connection.close()

    try:
        asyncio.run(execute(f"CREATE DATABASE {name}"))
    except OSError:
        yield None
        return
    try:
        yield POSTGRES_URL.rsplit("/", 1)[0] + f"/{name}"
    finally:
        asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


async def _pg_raw(size: int, batches: int, url: str) -> float:
    device = Device(new_id(), "default", Ed25519PrivateKey.generate())
    rows = [[line.row for line in _lines(records, device)] for records in _records(size, batches)]
    await set_up(
        ServerSettings(data=Path(tempfile.gettempdir()), database_url=url),
        Wanted(tenant="default", login="admin"),
        now=datetime.now(UTC),
    )
    names = ", ".join(column.name for column in utterance.columns)
    marks = ", ".join(f"${at + 1}" for at in range(len(utterance.columns)))
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    for batch in rows:
        async with connection.transaction():
            await connection.executemany(f"INSERT INTO utterance ({names}) VALUES ({marks})", batch)  # noqa: S608 - ours
    took_s = time.perf_counter() - started
    await connection.close()
    return size * batches / took_s


def _report(results: Sequence[Measured]) -> dict[str, Any]:
    rows = []
    for size in SIZES:
        rates = {way: [each.rate for each in results if (each.way, each.batch) == (way, size)] for way in _WAYS}
        for way, limit in _WAYS.items():
            if rates[way]:
                shares = [rate / base for rate, base in zip(rates[way], rates[limit], strict=True)]
                rows.append(
                    {
                        "batch": size,
                        "way": way,
                        "utterances_per_s": round(median(rates[way])),
                        "share_of": limit,
                        "share": round(median(shares), 3),
                        "shares": [round(share, 3) for share in shares],
                    }
                )
    return {"machine": machine(sqlite=sqlite3.sqlite_version), "results": rows}


_WAYS: Final = {"raw": "raw", "write": "raw", "http": "raw", "pg raw": "pg raw", "pg http": "pg raw"}
"""Each way and the limit that it is compared with."""


def _show(report: dict[str, Any]) -> None:
    console = Console()
    table = Table("batch", "way", "utterances/s", "share of its limit", "each round", title="Ingest")
    for row in report["results"]:
        rounds = " ".join(f"{share:.0%}" for share in row["shares"])
        table.add_row(
            str(row["batch"]),
            row["way"],
            f"{row['utterances_per_s']:,}",
            f"{row['share']:.0%} of {row['share_of']}",
            rounds,
        )
    console.print(table)
    console.print(told(report["machine"]))
    console.print(json.dumps(report, ensure_ascii=False), soft_wrap=True, highlight=False)


if __name__ == "__main__":
    main()
