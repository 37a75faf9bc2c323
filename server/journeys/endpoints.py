"""Customers' journeys, and the maps they are drawn on."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic_core import from_json
from sqlalchemy import Connection

from models.journey import JourneyMap
from models.noun import Noun
from nlp.journeys.map_file import JourneyMapError, parse_toml, validated, write_toml
from server.access.keys import Principal, require_administrator, require_key
from server.journeys import repository
from server.journeys.repository import CustomerJourney
from server.plain_name import PlainName
from server.problems import Problem
from server.store.database import Database

router = APIRouter(prefix="/v1", tags=["journeys"])

TOML = "application/toml"
_LARGEST_MAP_BYTES = 1024 * 1024


class JourneyMaps(Noun):
    """All maps of a tenant."""

    journey_maps: tuple[JourneyMap, ...]


@router.get("/customers/{ref}/journey")
async def get_journey(
    request: Request, principal: Annotated[Principal, Depends(require_key)], ref: PlainName
) -> CustomerJourney:
    """Read what a customer went through: visits with score, n and coverage, and the events with their quotes."""
    db: Database = request.app.state.db
    try:
        return await db.read(lambda conn: repository.customer_journey(conn, tenant=principal.tenant, customer=ref))
    except repository.UnknownCustomerError as error:
        raise Problem(404, error.code, "Not found", error.message, error.advice) from error


@router.get("/journey-maps")
async def get_maps(request: Request, principal: Annotated[Principal, Depends(require_key)]) -> JourneyMaps:
    """Read the newest version of every journey map."""
    db: Database = request.app.state.db
    maps = await db.read(lambda conn: repository.journey_maps(conn, tenant=principal.tenant))
    return JourneyMaps(journey_maps=tuple(maps[name] for name in sorted(maps)))


@router.get(
    "/journey-maps/{name}",
    response_model=JourneyMap,
    responses={200: {"content": {TOML: {"schema": {"type": "string"}}}}},
)
async def get_map(request: Request, principal: Annotated[Principal, Depends(require_key)], name: PlainName) -> Response:
    """Read the newest version of a journey map: as JSON, or with `Accept: application/toml` as a file to edit."""
    db: Database = request.app.state.db
    try:
        journey = await db.read(lambda conn: repository.read_map(conn, tenant=principal.tenant, name=name))
    except repository.UnknownJourneyMapError as error:
        raise Problem(404, error.code, "Not found", error.message, error.advice) from error
    if TOML in request.headers.get("accept", ""):
        return Response(write_toml(journey), media_type=TOML)
    return JSONResponse(journey.model_dump(mode="json"))


@router.put(
    "/journey-maps/{name}",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "object", "description": "A JourneyMap"}},
                TOML: {"schema": {"type": "string", "description": "A JourneyMap as the shipped templates have it"}},
            },
        }
    },
)
async def put_map(
    request: Request, principal: Annotated[Principal, Depends(require_administrator)], name: PlainName
) -> JourneyMap:
    """Store the next version of a journey map, sent as JSON or TOML by its content type.

    `version` is the current one plus 1, or left out and then given. Conversations analysed from now on stand on it;
    those analysed before keep the version they were placed by.
    """
    content = _parsed(await _body(request), media_type=request.headers.get("content-type", ""))
    now = datetime.now(UTC)

    def store(conn: Connection) -> JourneyMap:
        journey = _next(content, name=name, version=repository.next_version(conn, tenant=principal.tenant, name=name))
        repository.store_map(conn, tenant=principal.tenant, journey=journey, at=now)
        return journey

    db: Database = request.app.state.db
    try:
        return await db.write(store)
    except repository.JourneyMapConflictError as error:
        raise Problem(409, error.code, "Conflict", error.message, error.advice) from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_MAP_BYTES:
            raise Problem(
                413, "journey_map_too_large", "Too large", "A journey map has at most 1 MiB.", "Send a smaller map."
            )
    return bytes(body)


def _parsed(body: bytes, *, media_type: str) -> dict[str, object]:
    """Parse a body by its content type.

    Raises:
        JourneyMapError: it cannot be parsed.
        Problem: 415, neither JSON nor TOML.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in (TOML, "application/json"):
        raise Problem(
            415, "media_type_unknown", "Unsupported media type", "A journey map comes as application/json or TOML.",
            f"Set Content-Type to application/json or {TOML}.",
        )  # fmt: skip
    try:
        content = parse_toml(body.decode("utf-8")) if kind == TOML else from_json(body)
    except ValueError as error:
        raise JourneyMapError("the body is not well-formed", advice="send it as UTF-8 JSON or TOML") from error
    if not isinstance(content, dict):
        raise JourneyMapError("a journey map is an object", advice="GET a map to see its form")
    return content


def _next(content: dict[str, object], *, name: str, version: int) -> JourneyMap:
    """Make the next version of a map.

    Raises:
        JourneyMapError: it is no consistent map, or has another name or version.
    """
    journey = validated({"name": name, "version": version} | content)
    if journey.name != name:
        raise JourneyMapError(f"name: the map is called {journey.name}, the address says {name}")
    if journey.version != version:
        raise JourneyMapError(
            f"version: the next version is {version}, not {journey.version}", advice="leave version out, or reload"
        )
    return journey
