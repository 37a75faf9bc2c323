"""The worker that drains the analysis queue.

It takes up what has been due longest, reads the conversation whole, infers outside any transaction in a thread, and
stores the outcome in one short transaction that is void when the queue rang meanwhile. Killed at any point it leaves
the row in the queue, and doing the work again gives the same ids. Several may run at once on PostgreSQL.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from traceback import extract_tb
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from models.errors import StoreError, VoicetrailError
from nlp.events.rules import EventRules, shipped_rules
from nlp.understanding import load as load_understanding
from server.analysis.repository import Claim, bury, claim, erase_withdrawn, postpone, put_off, read_work, settle
from server.analysis.understand import Understands, Understood, Work, understand
from server.store.database import Database, LogInUseError

_log = structlog.get_logger("server.analysis.worker")


@dataclass(frozen=True)
class WorkerOptions:
    """How the worker goes about it."""

    sweep_s: float = 1.0
    """How often to look at the queue when nothing rings."""
    lease_s: float = 30.0
    """After this long without a result, another worker may take a conversation up (PostgreSQL)."""
    max_attempts: int = 5
    """A conversation that fails this often goes to the dead letters."""
    first_pause_s: float = 2.0
    """Pause after the first failure of a conversation; it doubles with each."""
    default_journey_map: str = "retail_store"
    """Map of sites that no map's pattern fits: a shop is the most general of the shipped ones."""
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    """By whose clock 明天 and 下班前 are promised."""


class Worker:
    """Understands conversations as they become due."""

    def __init__(
        self,
        db: Database,
        *,
        load: Callable[[], Understands] = load_understanding,
        rules: EventRules | None = None,
        options: WorkerOptions | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make a worker; it does nothing before `run` or `drain`.

        Args:
            db: where the queue is.
            load: loads the models, once, in a thread, when there is something to do.
            rules: of events; the shipped ones when absent.
            options: intervals and limits.
            clock: tells the time.
        """
        self._db = db
        self._load = load
        self._understanding: Understands | None = None
        self._rules = rules or shipped_rules()
        self._options = options or WorkerOptions()
        self._clock = clock
        self._wake = asyncio.Event()

    def ring(self) -> None:
        """Tell the worker that the queue may have something; call it in the worker's event loop."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the conversation in hand is finished first.

        Raises:
            UnderstandingError: the models cannot be loaded; nothing can be analysed.
        """
        while not stop.is_set():
            self._wake.clear()
            try:
                await self.drain(stop)
            except StoreError as error:
                # The database is away, full or overloaded: no conversation is to blame, so none counts an attempt.
                _log.warning("database_unavailable", code=error.code, advice=error.advice)
            await self._rest(stop)

    async def drain(self, stop: asyncio.Event | None = None) -> int:
        """Work until nothing is due, and return how many conversations were taken up.

        Raises:
            StoreError: the database is away.
            UnderstandingError: the models cannot be loaded.
        """
        taken = 0
        while stop is None or not stop.is_set():
            claimed = await self._claim()
            if claimed is None:
                break
            taken += 1
            await self._work(claimed)
        return taken

    async def _claim(self) -> Claim | None:
        now, lease = self._clock(), timedelta(seconds=self._options.lease_s)

        def work(conn: Connection) -> Claim | None:
            return claim(conn, now=now, lease=lease)

        return await self._db.write(work)

    async def _work(self, claimed: Claim) -> None:
        """Understand one conversation and settle it."""
        understanding = await self._loaded()
        try:
            work = await self._db.read(lambda conn: read_work(conn, claimed=claimed))
            understood = None if work is None else await asyncio.to_thread(self._understand, work, understanding)
            now = self._clock()
            if work is None and not await self._erased(claimed, now=now):
                return
            kept = await self._db.write(lambda conn: settle(conn, claimed=claimed, understood=understood, now=now))
        except StoreError:
            raise
        # The edge of the worker: whatever one conversation's words do to the models, the others go on.
        except Exception as error:
            await self._give_up(claimed, error)
            return
        _log.info(
            "conversation_analysed" if kept else "conversation_rang_again",
            conversation_id=str(claimed.conversation_id),
            tenant=claimed.tenant,
            events=len(understood.events) if understood else 0,
        )

    async def _erased(self, claimed: Claim, *, now: datetime) -> bool:
        """Leave nothing of a withdrawn conversation; return False when that has to wait for somebody who reads."""
        if not await self._db.write(lambda conn: erase_withdrawn(conn, claimed=claimed, now=now)):
            return True
        try:
            # Before the queue forgets the conversation: killed here, it is done again.
            await self._db.forget_deleted()
        except LogInUseError as error:
            due_at = now + timedelta(seconds=self._options.first_pause_s)
            await self._db.write(lambda conn: postpone(conn, claimed=claimed, due_at=due_at))
            _log.warning(error.code, conversation_id=str(claimed.conversation_id), tenant=claimed.tenant)
            return False
        return True

    def _understand(self, work: Work, understanding: Understands) -> Understood:
        return understand(
            work,
            understanding=understanding,
            rules=self._rules,
            default_map=self._options.default_journey_map,
            zone=self._options.time_zone,
            now=self._clock(),
        )

    async def _loaded(self) -> Understands:
        if self._understanding is None:
            self._understanding = await asyncio.to_thread(self._load)
        return self._understanding

    async def _give_up(self, claimed: Claim, error: Exception) -> None:
        """Count a failure: try again later, or write a dead letter."""
        now, attempt = self._clock(), claimed.attempts + 1
        code = error.code if isinstance(error, VoicetrailError) else "analysis_failed"
        detail = _where(error)
        buried = attempt >= self._options.max_attempts
        _log.error(
            "conversation_buried" if buried else "conversation_failed",
            conversation_id=str(claimed.conversation_id),
            tenant=claimed.tenant,
            attempt=attempt,
            error=detail,
        )
        if buried:
            await self._db.write(lambda conn: bury(conn, claimed=claimed, code=code, error=detail, now=now))
        else:
            due_at = now + timedelta(seconds=self._options.first_pause_s * 2 ** (attempt - 1))
            await self._db.write(lambda conn: put_off(conn, claimed=claimed, error=detail, due_at=due_at))

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait for the bell, the sweep or the end."""
        waiting = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waiting, timeout=self._options.sweep_s, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _where(error: Exception) -> str:
    """Say what failed and where, without the message: it may quote what a customer said."""
    frames = extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
