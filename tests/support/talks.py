"""Synthetic conversations as a device sends them: what the pages of the browser tests show."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models.ids import new_id
from nlp.redaction import redact
from support.databases import rows
from support.device_client import Device, Json, consent, coverage, utterance
from support.programs import ServerProgram, wait_until

HOSTILE = "等了<img/src=x/onerror=alert(1)>两个小时太慢了"
ODD_CUSTOMER = "C/2 <b>&?#"
INVENTED = "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"

BANK = (
    ("staff", "您好，请问今天办什么业务？"),
    ("customer", "我排队等了两个小时，太慢了，太差劲了。"),
    ("staff", "实在对不起，让您久等了，我马上给您办。"),
    ("customer", "我的手机号是13912345678，你记一下。"),
    ("staff", "好的，明天下午三点前我给您回电话。"),
    ("customer", "好的谢谢你，你态度真好，我非常满意。"),
)
LEAVING = (
    ("staff", "您好，请坐。"),
    ("customer", "以后再也不来你们银行了，我要去投诉你们。"),
    ("staff", "您先消消气。"),
)
DEALER = (
    ("customer", f"{HOSTILE}。"),
    ("customer", "这个报价太贵了，别家便宜五千块呢。"),
    ("staff", "我跟经理申请一下优惠。"),
)
UNBOUND = (("customer", "这个保险怎么买，多少钱一年？"), ("staff", "我给您介绍一下。"))


@dataclass(frozen=True)
class Told:
    """What was sent."""

    bank: UUID
    dealer: UUID
    running: UUID


@dataclass(frozen=True)
class StoredEvent:
    """An event that stands, as the database holds it."""

    id: str
    kind: str
    journey_map: str
    touchpoint: str
    customer: str | None
    conversation_id: str
    quote: str
    occurred_ms: int


@dataclass(frozen=True)
class Shown:
    """A server with data, and a way past it into its database."""

    server: ServerProgram
    told: Told

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Read rows past all of our own code."""
        return rows(statement, folder=self.server.folder, url=None)

    def events(self) -> list[StoredEvent]:
        """Read the events that stand."""
        columns = "id, kind, journey_map, touchpoint, customer, conversation_id, quote, occurred_at"
        found = self.rows(f"SELECT {columns} FROM experience_event WHERE superseded_at IS NULL")  # noqa: S608 (fixed)
        return [StoredEvent(*row) for row in found]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _talk(
    device: Device,
    turns: tuple[tuple[str, str], ...],
    *,
    at: datetime,
    customer: str | None,
    site: str,
    ended: bool = True,
    invented: bool = False,
) -> UUID:
    """Send one conversation: six seconds a turn and one of silence; an invented line comes with lost time."""
    talk = new_id()
    frame: Json = {"customer": customer, "site": site, "started_at": _iso(at)}
    records = [device.conversation(talk, ended=False, **frame), consent(talk, at=_iso(at))]
    for place, (role, text) in enumerate(turns):
        start_ms = place * 7000
        masked = redact(text)
        masks = [mask.model_dump(mode="json") for mask in masked.masks]
        said = utterance(talk, text, start_ms=start_ms, end_ms=start_ms + 6000, role=role)
        said["body"]["text"] = {"text": masked.text, "masks": masks, "redaction": masked.redaction}
        said["occurred_at"] = _iso(at + timedelta(milliseconds=start_ms))
        heard = coverage(talk, "heard", start_ms=start_ms, end_ms=start_ms + 6000)
        silent = coverage(talk, "silent", start_ms=start_ms + 6000, end_ms=start_ms + 7000)
        records += [said, heard, silent]
    end_ms = len(turns) * 7000
    if invented:
        records.append(utterance(talk, INVENTED, start_ms=end_ms, quarantined="invention"))
        records.append(coverage(talk, "lost", start_ms=end_ms, end_ms=end_ms + 5000, reason="overload"))
    if ended:
        over = _iso(at + timedelta(milliseconds=end_ms))
        records.append(device.conversation(talk, ended=True, **frame | {"ended_at": over}))
    assert {verdict["verdict"] for verdict in device.verdicts(records)} == {"accepted"}
    return talk


def tell(server: ServerProgram) -> Told:
    """Send every conversation and wait until they are understood."""
    device = Device.enrol(server.url, server.keys["enrolment_code"])
    long_ago, now = datetime(2026, 11, 3, 2, tzinfo=UTC), datetime.now(UTC)
    bank = _talk(device, BANK, at=long_ago, customer="C-1", site="bank-01", invented=True)
    _talk(device, LEAVING, at=long_ago + timedelta(days=3), customer="C-1", site="bank-01")
    dealer = _talk(device, DEALER, at=long_ago + timedelta(days=1), customer=ODD_CUSTOMER, site="auto-07")
    _talk(device, UNBOUND, at=now, customer=None, site="insurance-02")
    running = _talk(device, UNBOUND[:1], at=now, customer="C-9", site="bank-01", ended=False)
    declined = coverage(None, "withheld", reason="consent_declined", start_ms=0, end_ms=90_000)
    assert device.verdicts([declined])[0]["verdict"] == "accepted"
    # The running one is left alone until it has been quiet for a minute.
    backlog = "/v1/analysis/backlog"
    wait_until(lambda: server.get(backlog)["waiting"] == 1, what="the closed conversations are understood")
    return Told(bank=bank, dealer=dealer, running=running)
