"""The page on which a customer answers on their own phone: no sign-in, two buttons, one question."""

from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from edge_agent.console.parts import Console, console_of, page_of
from edge_agent.console.rendering import Page
from edge_agent.console.session import carries_length, new_session
from models.errors import VoicetrailError
from models.labels import ConsentState

_ANSWERS = {state.value: state for state in (ConsentState.GRANTED, ConsentState.DECLINED)}


def _page(request: Request) -> Page:
    now = datetime.now(UTC)
    return page_of(request, new_session(now), now=now)


async def _asked(console: Console, request: Request) -> UUID | None:
    return console.links.encounter(request.path_params["token"], await console.ask(console.agent.snapshot))


async def show_question(request: Request) -> Response:
    """Show the question while it is open."""
    page = _page(request)
    if await _asked(console_of(request), request) is None:
        return page.render("consent.html", status=410, state="closed")
    return page.render("consent.html", state="open")


async def take_answer(request: Request) -> Response:
    """Take the answer; the token in the address, which nobody else knows, stands for a form token."""
    console, page = console_of(request), _page(request)
    encounter = await _asked(console, request)
    state = _ANSWERS.get(str((await request.form()).get("state"))) if carries_length(request) else None
    if encounter is None or state is None:
        return page.render("consent.html", status=410, state="closed")
    try:
        await console.ask(lambda: console.agent.answer(state, how="qr", encounter=encounter))
    except VoicetrailError:
        # The question was closed in the meantime, by staff or by the spoken answer.
        return page.render("consent.html", status=410, state="closed")
    return RedirectResponse(f"/consent/answered/{state}", status_code=303)


async def show_thanks(request: Request) -> Response:
    """Say what was recorded; the address carries nothing but the answer, so it can be reloaded."""
    state = request.path_params["state"]
    page = _page(request)
    return page.render("consent.html", state=state if state in _ANSWERS else "closed")


routes = [
    Route("/consent/answered/{state}", show_thanks, methods=["GET"]),
    Route("/consent/{token}", show_question, methods=["GET"]),
    Route("/consent/{token}", take_answer, methods=["POST"]),
]
