"""All pages, and what an application needs around them."""

from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles

from server.web import failures
from server.web.assets.vendor import warn_of_missing_scripts
from server.web.pages import conversations, corrections, customers, events, journeys, overview, sign_in
from server.web.rendering import STATIC_DIR
from server.web.security import SecurityHeaders
from server.web.session import require_csrf_token

PAGES: Final = (overview, journeys, customers, conversations, corrections, events, sign_in)

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_csrf_token)])
for _page in PAGES:
    router.include_router(_page.router)


def install(app: FastAPI) -> None:
    """Add the pages, their static files, their error pages and the security headers to an application."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC_DIR), name="static")
    app.add_middleware(SecurityHeaders)
    failures.install(app)
    warn_of_missing_scripts()
