"""How much still waits to be understood."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from server.access.keys import Principal, require_key
from server.analysis.repository import Backlog, read_backlog
from server.store.database import Database

router = APIRouter(prefix="/v1/analysis", tags=["analysis"])


@router.get("/backlog")
async def get_backlog(request: Request, principal: Annotated[Principal, Depends(require_key)]) -> Backlog:
    """Say how many conversations wait for their analysis; events are complete up to now when none does."""
    db: Database = request.app.state.db
    return await db.read(lambda conn: read_backlog(conn, tenant=principal.tenant))
