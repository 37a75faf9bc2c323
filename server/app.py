"""The composition root: every part of the server is built and connected here, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog
from fastapi import FastAPI

import server.analysis.endpoints
import server.conversations.endpoints
import server.customers.endpoints
import server.devices.endpoints
import server.events.endpoints
import server.ingest.endpoints
import server.journeys.endpoints
import server.web.routes
from models.errors import VoicetrailError
from server import health, problems
from server.analysis.worker import Worker, WorkerOptions
from server.devices.signatures import DeviceKeys
from server.limits import BodyLimit
from server.settings import ServerSettings
from server.store.database import Database
from server.store.migrate import require_current

_log = structlog.get_logger("server.app")


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
        server.customers.endpoints,
    ):
        app.include_router(part.router)
    server.web.routes.install(app)
    app.add_middleware(BodyLimit)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServerSettings = app.state.settings
    db = Database.open(settings.url)
    try:
        await require_current(db)
        app.state.db = db
        app.state.device_keys = DeviceKeys(db)
        app.state.ring = _nobody_hears
        app.state.analysis = health.Analysis.ELSEWHERE
        if settings.worker == "off":
            yield
        else:
            options = WorkerOptions(default_journey_map=settings.default_journey_map, time_zone=settings.time_zone)
            worker = Worker(db, options=options)
            app.state.ring = worker.ring
            async with _working(worker, app):
                yield
    finally:
        await db.close()


@asynccontextmanager
async def _working(worker: Worker, app: FastAPI) -> AsyncIterator[None]:
    """Let the worker analyse beside the requests, and finish the conversation in hand at the end."""

    def ended(task: "asyncio.Task[None]") -> None:
        app.state.analysis = health.Analysis.STOPPED
        _tell_of_failure(task)

    stop = asyncio.Event()
    app.state.analysis = health.Analysis.RUNNING
    task = asyncio.create_task(worker.run(stop), name="worker")
    task.add_done_callback(ended)
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([task])


def _tell_of_failure(task: "asyncio.Task[None]") -> None:
    """Say so when analysis has stopped: records are still taken and kept, for a worker that runs again."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        advice = error.advice if isinstance(error, VoicetrailError) else ""
        _log.error("worker_stopped", error=type(error).__name__, code=getattr(error, "code", ""), advice=advice)


def _nobody_hears() -> None:
    """Stand in for the bell of a worker that runs in another process and looks at the queue by itself."""
