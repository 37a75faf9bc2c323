"""The pages that staff read, and signing in."""

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from edge_agent.console.parts import SIGN_IN_PATH, anybody, console_of, refused, staff_only, told
from edge_agent.console.rendering import Page, environment, render_caption
from edge_agent.console.session import new_session
from models.errors import VoicetrailError

MAX_SEARCH_CHARS = 200


async def show_sign_in(page: Page) -> Response:
    """Ask for the PIN."""
    if page.session.signed_in:
        return RedirectResponse("/", status_code=303)
    return page.render("sign_in.html", message="", minutes=0)


async def sign_in(page: Page) -> Response:
    """Sign in by PIN; an address that failed too often has to wait."""
    console = console_of(page.request)
    address = page.request.client.host if page.request.client else ""
    now_s = page.now.timestamp()
    wait_s = console.attempts.wait_s(address, now_s=now_s)
    if wait_s > 0:
        return page.render("sign_in.html", status=429, message="sign_in.too_many", minutes=-(-int(wait_s) // 60) or 1)
    # Counted before the slow check, so that tries sent side by side count too.
    console.attempts.failed(address, now_s=now_s)
    pin = (await page.request.form()).get("pin")
    if not isinstance(pin, str) or not await run_in_threadpool(console.pin.fits, pin.strip()):
        return page.render("sign_in.html", status=401, message="sign_in.wrong", minutes=0)
    console.attempts.succeeded(address, now_s=now_s)
    response = RedirectResponse("/", status_code=303)
    # A session of its own: the one from before the sign-in is not carried over.
    console.sessions.write(response, new_session(datetime.now(UTC), signed_in=True), request=page.request)
    return response


async def sign_out(page: Page) -> Response:
    """End the session."""
    response = RedirectResponse(SIGN_IN_PATH, status_code=303)
    console_of(page.request).sessions.clear(response)
    return response


async def show_now(page: Page) -> Response:
    """Show the shift: what goes on now."""
    now = await console_of(page.request).situation()
    encounter = now.snapshot.encounter
    captions = [render_caption(one, words=page.words) for one in encounter.captions] if encounter else []
    return page.render("now.html", now=now, captions=captions)


async def show_today(page: Page) -> Response:
    """Show today's encounters."""
    return page.render("today.html", now=await console_of(page.request).situation())


async def show_device(page: Page) -> Response:
    """Show microphone, delivery, voiceprint and sides."""
    return page.render("device.html", now=await console_of(page.request).situation())


async def show_encounter(page: Page) -> Response:
    """Show what was said in one of today's encounters."""
    console, wanted = console_of(page.request), page.request.path_params["encounter"]
    now = await console.situation()
    encounter = next((one for one in now.snapshot.today if one.id == wanted), None)
    if encounter is None:
        return told(page, "problem.not_found", "problem.not_found_advice", status=404)
    try:
        captions = await console.ask(lambda: console.agent.captions(encounter.id))
    except VoicetrailError as error:
        return refused(page, error)
    shown = [render_caption(one, words=page.words) for one in captions]
    return page.render("encounter.html", now=now, encounter=encounter, captions=shown)


async def find_customers(page: Page) -> Response:
    """Give the customers that a text finds, as list items."""
    console = console_of(page.request)
    text = page.request.query_params.get("q", "").strip()[:MAX_SEARCH_CHARS]
    try:
        found = await console.ask(lambda: console.agent.find_customers(text)) if text else ()
    except VoicetrailError as error:
        return refused(page, error)
    return HTMLResponse(
        environment().get_template("found.html").render(text=text, found=found, t=page.words),
        headers={"Cache-Control": "no-store"},
    )


async def nothing_here(page: Page) -> Response:
    """Say that there is no such page."""
    return told(page, "problem.not_found", "problem.not_found_advice", status=404)


routes = [
    Route(SIGN_IN_PATH, anybody(show_sign_in), methods=["GET"]),
    Route(SIGN_IN_PATH, anybody(sign_in), methods=["POST"]),
    Route("/sign-out", staff_only(sign_out), methods=["POST"]),
    Route("/", staff_only(show_now), methods=["GET"]),
    Route("/today", staff_only(show_today), methods=["GET"]),
    Route("/today/{encounter:uuid}", staff_only(show_encounter), methods=["GET"]),
    Route("/device", staff_only(show_device), methods=["GET"]),
    Route("/customers", staff_only(find_customers), methods=["GET"]),
]
