"""`/v1/enrol` for devices, `/v1/devices/…` for administrators."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from models.noun import Moment, Noun
from models.wire import Enrolment, EnrolmentRequest
from server.access.keys import Principal, require_administrator
from server.devices import enrolment, repository
from server.problems import Problem
from server.store.database import Database

router = APIRouter(prefix="/v1", tags=["devices"])

Administrator = Annotated[Principal, Depends(require_administrator)]


class IssuedCode(Noun):
    """An enrolment code, shown once."""

    enrolment_code: str
    tenant: str
    expires_at: Moment


@router.post("/enrol", summary="A device asks for its identity with a one-time code")
async def enrol(request: Request, asked: EnrolmentRequest) -> Enrolment:
    """Give a device its identity."""
    db: Database = request.app.state.db
    now = datetime.now(UTC)
    return await db.write(lambda conn: enrolment.enrol(conn, asked, now=now))


@router.post("/devices/enrolment-codes", status_code=201, summary="Make a one-time enrolment code")
async def create_code(request: Request, principal: Administrator) -> IssuedCode:
    """Make an enrolment code for one more device of the tenant."""
    db: Database = request.app.state.db
    now = datetime.now(UTC)
    code, expires_at = await db.write(lambda conn: enrolment.create_code(conn, tenant=principal.tenant, now=now))
    return IssuedCode(enrolment_code=code, tenant=principal.tenant, expires_at=expires_at)


@router.post("/devices/{device_id}/revoke", status_code=204, summary="Refuse a device from now on")
async def revoke(request: Request, device_id: UUID, principal: Administrator) -> Response:
    """Refuse whatever a lost or retired device sends."""
    db: Database = request.app.state.db
    now = datetime.now(UTC)
    if not await db.write(
        lambda conn: repository.revoke_device(conn, tenant=principal.tenant, device_id=device_id, now=now)
    ):
        raise Problem(404, "device_unknown", "Not found", "The tenant has no such device.")
    request.app.state.device_keys.forget(device_id)
    return Response(status_code=204)
