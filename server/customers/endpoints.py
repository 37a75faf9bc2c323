"""The list of customers: kept by other systems, read by devices."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StringConstraints

from models.noun import Noun
from models.wire import CustomerDelta, ListedCustomer
from server.access.keys import Principal, require_contributor
from server.customers import repository
from server.devices.signatures import KnownDevice, require_device
from server.plain_name import PlainName
from server.problems import Problem
from server.store.database import Database
from server.store.position import LARGEST

router = APIRouter(prefix="/v1", tags=["customers"])

Contributor = Annotated[Principal, Depends(require_contributor)]

MAX_BATCH: Final = 1000


class CustomerDetails(Noun):
    """What devices are to know of a customer."""

    name: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    phone_tail: Annotated[str, StringConstraints(pattern=r"^([0-9]{4})?$")] = ""
    """The last four digits of their phone number and no more."""
    codes: tuple[PlainName, ...] = Field(default=(), max_length=20)
    """Numbers of their cards, as a scanner reads them."""


class CustomerEntry(CustomerDetails):
    """A customer of a batch."""

    ref: PlainName
    """The customer's id in your own systems."""
    deleted: bool = False
    """Takes the customer off the list; whatever else is given is dropped."""

    def listed(self) -> ListedCustomer:
        """Return it as it is kept: of a deleted one the ref alone."""
        return ListedCustomer(ref=self.ref, deleted=True) if self.deleted else ListedCustomer(**self.model_dump())


class CustomerBatch(Noun):
    """Customers to add, replace or take off the list."""

    customers: tuple[CustomerEntry, ...] = Field(max_length=MAX_BATCH)


class BatchTaken(Noun):
    """What a batch did."""

    changed: int
    """Customers that are not as they were."""


@router.put("/customers/{ref}", status_code=204)
async def put_customer(request: Request, principal: Contributor, ref: PlainName, given: CustomerDetails) -> Response:
    """Add a customer to the list that devices search, or replace one."""
    one = ListedCustomer(ref=ref, **given.model_dump())
    db: Database = request.app.state.db
    await db.write(lambda conn: repository.put_customers(conn, [one], tenant=principal.tenant))
    return Response(status_code=204)


@router.delete("/customers/{ref}", status_code=204)
async def delete_customer(request: Request, principal: Contributor, ref: PlainName) -> Response:
    """Take a customer off the list that devices search; their conversations stay."""
    db: Database = request.app.state.db
    try:
        await db.write(lambda conn: repository.delete_customer(conn, tenant=principal.tenant, ref=ref))
    except repository.UnlistedCustomerError as error:
        raise Problem(404, error.code, "Not found", error.message, error.advice) from error
    return Response(status_code=204)


@router.post("/customers:batch")
async def put_batch(request: Request, principal: Contributor, batch: CustomerBatch) -> BatchTaken:
    """Add, replace or take off up to 1000 customers in one transaction; what is as it was costs devices nothing."""
    given = [one.listed() for one in batch.customers]
    db: Database = request.app.state.db
    changed = await db.write(lambda conn: repository.put_customers(conn, given, tenant=principal.tenant))
    return BatchTaken(changed=changed)


@router.get("/device/customers", summary="A device reads what changed in the list of customers")
async def get_delta(
    request: Request,
    device: Annotated[KnownDevice, Depends(require_device)],
    *,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before; 0 to begin")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="Most customers in one page")] = 1000,
) -> CustomerDelta:
    """Read what changed after a place in the list, in commit order.

    Signed by the headers X-Voicetrail-* over method, path and query: `models.wire.request_payload`. A customer that
    changed again has a later place only; a deleted one comes with its ref and `deleted`.
    """
    db: Database = request.app.state.db
    return await db.read(lambda conn: repository.read_delta(conn, tenant=device.tenant, after=after, limit=limit))
