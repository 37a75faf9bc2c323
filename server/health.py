"""`/healthz`: the process is up. `/readyz`: it can serve, its database is there and has the right schema."""

from enum import StrEnum

from fastapi import APIRouter, Request

from server.store.database import Database
from server.store.migrate import require_current

router = APIRouter(tags=["health"])


class Analysis(StrEnum):
    """Who understands the conversations."""

    RUNNING = "running"
    STOPPED = "stopped"
    """It failed for good, see the log; records are still taken and kept for when it runs again."""
    ELSEWHERE = "elsewhere"
    """`voicetrail-server worker` does, or nobody."""


@router.get("/healthz", summary="Is the process up?")
async def healthz() -> dict[str, str]:
    """Answer as long as the process can."""
    return {"status": "up"}


@router.get("/readyz", summary="Can it serve?", responses={503: {"description": "the database is away or unmigrated"}})
async def readyz(request: Request) -> dict[str, str]:
    """Answer when the database does and its schema is this version's, else a problem with 503; say who analyses."""
    db: Database = request.app.state.db
    await require_current(db)
    return {"status": "ready", "analysis": request.app.state.analysis}
