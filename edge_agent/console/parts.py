"""What every handler of the console works with, and how a request becomes a page of somebody who is signed in."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from edge_agent.agent.port import Agent, Snapshot
from edge_agent.console.attempts import Attempts
from edge_agent.console.consent_links import ConsentLinks
from edge_agent.console.pin import PinFile
from edge_agent.console.regions import Situation
from edge_agent.console.rendering import Page
from edge_agent.console.session import SESSION_COOKIE, Session, Sessions, carries_length, carries_token, new_session
from edge_agent.console.words import words_for
from edge_agent.messages import Messages
from models.errors import VoicetrailError

SIGN_IN_PATH = "/sign-in"
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Console:
    """The parts of a running console."""

    agent: Agent
    pin: PinFile
    sessions: Sessions
    links: ConsentLinks
    attempts: Attempts = field(default_factory=Attempts)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server ends, so that open streams end with it."""

    async def ask(self, method: Callable[[], Answer]) -> Answer:
        """Call the agent, which may wait for its own threads, without holding up the pages."""
        return await run_in_threadpool(method)

    async def situation(self) -> Situation:
        """Return how it stands."""
        return self.as_of(await self.ask(self.agent.snapshot))

    def as_of(self, snapshot: Snapshot) -> Situation:
        """Add to a snapshot what only the console knows."""
        return Situation(snapshot=snapshot, consent_url=self.links.url(snapshot))


def console_of(request: Request) -> Console:
    """Return the console of a request's application."""
    console: Console = request.app.state.console
    return console


Handler = Callable[[Page], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def page_of(request: Request, session: Session, *, now: datetime) -> Page:
    """Make the page of a request."""
    return Page(request=request, words=words_for(request), session=session, now=now)


def _unless_no_pin(endpoint: Endpoint) -> Endpoint:
    """Answer with a page when no PIN is set: then nobody can sign in."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except VoicetrailError as error:
            return refused(page_of(request, new_session(datetime.now(UTC)), now=datetime.now(UTC)), error)

    return answer


def anybody(handler: Handler) -> Endpoint:
    """Make an endpoint for people who have not signed in; a POST must carry its session's token all the same."""

    @_unless_no_pin
    async def endpoint(request: Request) -> Response:
        console, now = console_of(request), datetime.now(UTC)
        session = console.sessions.read(request, now=now)
        if request.method == "POST" and not await _is_ours(request, session):
            return _outdated(page_of(request, new_session(now), now=now))
        kept = session or new_session(now)
        response = await handler(page_of(request, kept, now=now))
        if session is None and not any(SESSION_COOKIE in cookie for cookie in response.headers.getlist("set-cookie")):
            console.sessions.write(response, kept, request=request)
        return response

    return endpoint


def staff_only(handler: Handler) -> Endpoint:
    """Make an endpoint for people who are signed in; a POST must carry its session's token."""

    @_unless_no_pin
    async def endpoint(request: Request) -> Response:
        now = datetime.now(UTC)
        session = console_of(request).sessions.read(request, now=now)
        if session is None or not session.signed_in:
            if request.method == "POST":
                return JSONResponse({"sign_in": SIGN_IN_PATH}, status_code=401)
            return RedirectResponse(SIGN_IN_PATH, status_code=303)
        page = page_of(request, session, now=now)
        if request.method == "POST" and not await _is_ours(request, session):
            return _outdated(page)
        return await handler(page)

    return endpoint


async def _is_ours(request: Request, session: Session | None) -> bool:
    return session is not None and carries_length(request) and await carries_token(request, session)


def _outdated(page: Page) -> Response:
    return told(page, "problem.outdated", "problem.outdated_advice", status=403)


def refused(page: Page, error: VoicetrailError) -> Response:
    """Say in the reader's language what the agent refused, and what to do."""
    text, advice = Messages(page.words.language).explained(error)
    text = page.words.code("refused", error.code, otherwise=text)
    advice = page.words.code("refused_advice", error.code, otherwise=advice)
    return _problem(page, text, advice, code=error.code, status=409)


def told(page: Page, text: str, advice: str, *, status: int) -> Response:
    """Say what is wrong with a request, by the keys of two texts."""
    return _problem(page, page.words(text), page.words(advice), code=text, status=status)


def _problem(page: Page, text: str, advice: str, *, code: str, status: int) -> Response:
    if "application/json" in page.request.headers.get("accept", ""):
        return JSONResponse({"code": code, "text": text, "advice": advice}, status_code=status)
    return page.render("problem.html", status=status, text=text, advice=advice)
