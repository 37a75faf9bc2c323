"""How much still waits to be understood."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, func, select

from models.noun import Moment, Noun
from server.access.keys import Principal, require_key
from server.store.database import Database
from server.store.schema import analysis_queue, dead_letter

router = APIRouter(prefix="/v1/analysis", tags=["analysis"])


class Backlog(Noun):
    """What a tenant's conversations still wait for."""

    waiting: int
    """Conversations that have records not yet analysed, those still going on included."""
    oldest: Moment | None
    """When the one that waits longest was last added to."""
    dead: int
    """Conversations given up after repeated failures, not yet resolved."""


@router.get("/backlog")
async def get_backlog(request: Request, principal: Annotated[Principal, Depends(require_key)]) -> Backlog:
    """Say how many conversations wait for their analysis; events are complete up to now when none does."""
    db: Database = request.app.state.db
    queued = select(func.count(), func.min(analysis_queue.c.rung_at)).where(analysis_queue.c.tenant == principal.tenant)
    given_up = select(func.count()).where(dead_letter.c.tenant == principal.tenant, dead_letter.c.resolved_at.is_(None))

    def read(conn: Connection) -> Backlog:
        waiting, oldest = conn.execute(queued).one()
        return Backlog(waiting=waiting, oldest=oldest, dead=conn.execute(given_up).scalar_one())

    return await db.read(read)
