"""What staff ask of the agent: one address for each, JSON for an answer."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_agent.agent.port import Agent
from edge_agent.console.parts import Handler, console_of, refused, staff_only, told
from edge_agent.console.rendering import Page
from models.errors import VoicetrailError
from models.labels import ConsentState, Role

ENROL_SECONDS: Final = 20.0
"""Speech that a voiceprint is made of: above the least of 12 s, so that pauses do not spoil it."""
_MAX_NAME_CHARS: Final = 200


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > _MAX_NAME_CHARS or not value.isprintable():
        raise ValueError(f"{name} is no short text")
    return value.strip()


def _given(form: FormData, name: str) -> str:
    value = _text(form, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _degrees(form: FormData, name: str) -> float | None:
    text = _text(form, name)
    degrees = float(text) if text else None
    if degrees is not None and not 0 <= degrees < 360:
        raise ValueError(f"{name} lies outside 0…360")
    return degrees


Ask = Callable[[Agent], object]
"""One call of the agent."""


def _begin_shift(form: FormData) -> Ask:
    staff = _given(form, "staff")
    return lambda agent: agent.begin_shift(staff=staff)


def _end_shift(_form: FormData) -> Ask:
    return lambda agent: agent.end_shift()


def _start(form: FormData) -> Ask:
    customer = _text(form, "customer") or None
    return lambda agent: agent.start(customer=customer)


def _stop(_form: FormData) -> Ask:
    return lambda agent: agent.stop()


def _answer(form: FormData) -> Ask:
    state, encounter = ConsentState(_given(form, "state")), UUID(_given(form, "encounter"))
    return lambda agent: agent.answer(state, how="button", encounter=encounter)


def _listen(_form: FormData) -> Ask:
    return lambda agent: agent.listen_for_answer()


def _bind(form: FormData) -> Ask:
    encounter, customer = UUID(_given(form, "encounter")), _given(form, "customer")
    return lambda agent: agent.bind(encounter, customer=customer)


def _correct(form: FormData) -> Ask:
    utterance, role = UUID(_given(form, "utterance")), Role(_given(form, "role"))
    return lambda agent: agent.correct_role(utterance, role=role)


def _enrol(_form: FormData) -> Ask:
    return lambda agent: agent.enrol_voice(seconds=ENROL_SECONDS)


def _forget(_form: FormData) -> Ask:
    return lambda agent: agent.forget_voice()


def _sides(form: FormData) -> Ask:
    staff_deg, customer_deg = _degrees(form, "staff_deg"), _degrees(form, "customer_deg")
    return lambda agent: agent.set_sides(staff_deg=staff_deg, customer_deg=customer_deg)


Action = Callable[[FormData], Ask]
"""Reads a form; raises ValueError when it is none of ours."""


def _handler(action: Action) -> Handler:
    async def handle(page: Page) -> Response:
        console = console_of(page.request)
        try:
            ask = action(await page.request.form())
        except ValueError:
            return told(page, "problem.input", "problem.input_advice", status=422)
        try:
            await console.ask(lambda: ask(console.agent))
        except VoicetrailError as error:
            return refused(page, error)
        return JSONResponse({})

    return handle


ACTIONS: Final[dict[str, Action]] = {
    "/shift/begin": _begin_shift,
    "/shift/end": _end_shift,
    "/encounter/start": _start,
    "/encounter/stop": _stop,
    "/encounter/answer": _answer,
    "/encounter/listen": _listen,
    "/encounter/customer": _bind,
    "/utterance/role": _correct,
    "/voice/enrol": _enrol,
    "/voice/forget": _forget,
    "/sides": _sides,
}

routes = [Route(path, staff_only(_handler(action)), methods=["POST"]) for path, action in ACTIONS.items()]
