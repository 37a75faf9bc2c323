"""The composition root: every part of the server is built and connected here, once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

import server.analysis.endpoints
import server.conversations.endpoints
import server.devices.endpoints
import server.events.endpoints
import server.ingest.endpoints
import server.journeys.endpoints
import server.web.routes
from server import health, problems
from server.devices.signatures import DeviceKeys
from server.settings import ServerSettings
from server.store.database import Database
from server.store.migrate import require_current


def create_app(settings: ServerSettings) -> FastAPI:
    """Build the application; its database is opened when it starts serving."""
    app = FastAPI(
        title="Voicetrail 声迹",
        summary="Voice of the customer, placed on the customer's journey.",
        version=version("voicetrail"),
        lifespan=_lifespan,
        # Interactive pages would fetch their scripts from elsewhere; `voicetrail-server openapi` prints the document.
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    problems.install(app)
    # Routes are tried in this order: the busiest first.
    for part in (
        server.ingest.endpoints,
        health,
        server.devices.endpoints,
        server.analysis.endpoints,
        server.events.endpoints,
        server.journeys.endpoints,
        server.conversations.endpoints,
    ):
        app.include_router(part.router)
    server.web.routes.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServerSettings = app.state.settings
    db = Database.open(settings.url)
    try:
        await require_current(db)
        app.state.db = db
        app.state.device_keys = DeviceKeys(db)
        yield
    finally:
        await db.close()
