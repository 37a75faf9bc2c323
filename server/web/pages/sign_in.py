"""Signing in and out, and setting a password."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from models.errors import RejectedError
from server.access import accounts
from server.access.accounts import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from server.access.repository import accounts_of_login, find_account
from server.store.database import Database
from server.web.attempts import Attempts
from server.web.rendering import Page, SignedInPage, page_of
from server.web.session import SIGN_IN_PATH, Session, Visitor, cookies_of, local_path, new_session, require_sign_in

router = APIRouter()

Text = Annotated[str, Form(max_length=2000)]


def attempts_of(request: Request) -> Attempts:
    """Return the application's count of failed sign-ins."""
    state = request.app.state
    if not hasattr(state, "sign_in_attempts"):
        state.sign_in_attempts = Attempts()
    attempts: Attempts = state.sign_in_attempts
    return attempts


def _form_page(
    request: Request, *, message: str = "", minutes: int = 0, status: int = 200, token: str = "", next_path: str = "/"
) -> Response:
    """Show the sign-in form, or the button that uses a link, to somebody who has no session yet."""
    now = datetime.now(UTC)
    cookies = cookies_of(request)
    session = cookies.read(request, now=now) or new_session(now)
    page = page_of(request, csrf=session.csrf)
    response: Response = page.render(
        "sign_in.html", status=status, message=message, minutes=minutes, token=token, next_path=next_path
    )
    cookies.write(response, session, request=request)
    return response


@router.get(SIGN_IN_PATH)
async def show_sign_in(
    request: Request, token: str = "", next_path: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Show the form; for a link's token only a button: programs that preview links must not use it up."""
    return _form_page(request, token=token, next_path=local_path(next_path))


def _signed_in(request: Request, who: accounts.SignedIn, *, target: str, by_link: bool) -> Response:
    """Begin a session of its own: the one from before the sign-in is not carried over."""
    response = RedirectResponse(target, status_code=303)
    session = new_session(datetime.now(UTC), tenant=who.tenant, login=who.login, by_link=by_link)
    cookies_of(request).write(response, session, request=request)
    return response


@router.post(SIGN_IN_PATH)
async def sign_in(
    request: Request, login: Text = "", password: Text = "", next_path: Annotated[Text, Form(alias="next")] = "/"
) -> Response:
    """Sign in by login and password."""
    attempts = attempts_of(request)
    now_s = datetime.now(UTC).timestamp()
    key = f"{login}\n{request.client.host if request.client else ''}"
    wait_s = attempts.wait_s(key, now_s=now_s)
    target = local_path(next_path)
    if wait_s > 0:
        minutes = -(-int(wait_s) // 60) or 1
        return _form_page(request, message="sign_in.too_many", minutes=minutes, status=429, next_path=target)
    # Counted before the slow check, so that tries sent side by side count too.
    attempts.failed(key, now_s=now_s)
    database: Database = request.app.state.db
    try:
        candidates = await database.read(lambda conn: accounts_of_login(conn, _storable(login)))
        who = await run_in_threadpool(accounts.check_password, candidates, _storable(password))
    except RejectedError:
        return _form_page(request, message="sign_in.wrong", status=401, next_path=target)
    attempts.succeeded(key)
    return _signed_in(request, who, target=target, by_link=False)


def _storable(text: str) -> str:
    """Return the text without what no database and no hash can take: NUL and lone surrogates."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


@router.post(f"{SIGN_IN_PATH}/link")
async def sign_in_by_link(
    request: Request, token: Text = "", next_path: Annotated[Text, Form(alias="next")] = "/"
) -> Response:
    """Use a one-time link up; whoever has no password yet may set one."""
    database: Database = request.app.state.db
    now = datetime.now(UTC)

    def use(conn: Connection) -> tuple[accounts.SignedIn, bool]:
        who = accounts.use_sign_in_link(conn, token, now=now)
        account = find_account(conn, tenant_name=who.tenant, login=who.login)
        return who, account is not None and account.password_hash is not None

    try:
        who, has_password = await database.write(use)
    except RejectedError:
        return _form_page(request, message="sign_in.wrong_link", status=401)
    return _signed_in(request, who, target=local_path(next_path) if has_password else "/password", by_link=True)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse(SIGN_IN_PATH, status_code=303)
    cookies_of(request).clear(response)
    return response


def _password_page(
    page: Page, session: Session, *, message: str = "", saved: bool = False, status: int = 200
) -> Response:
    return page.render(
        "password.html",
        status=status,
        message=message,
        saved=saved,
        ask_current=not session.by_link,
        min_chars=MIN_PASSWORD_CHARS,
        max_chars=MAX_PASSWORD_CHARS,
    )


@router.get("/password")
async def show_password(page: SignedInPage, visitor: Annotated[Visitor, Depends(require_sign_in)]) -> Response:
    """Show the form that sets a password."""
    return _password_page(page, visitor.session)


@router.post("/password")
async def set_password(
    request: Request,
    page: SignedInPage,
    visitor: Annotated[Visitor, Depends(require_sign_in)],
    *,
    new: Text = "",
    again: Text = "",
    current: Text = "",
) -> Response:
    """Set a password; whoever signed in by password must know the current one."""
    if new != again:
        return _password_page(page, visitor.session, message="password.differ", status=422)
    try:
        await _change_password(request.app.state.db, visitor, new=_storable(new), current=_storable(current))
    except RejectedError as error:
        return _password_page(page, visitor.session, message=_PASSWORD_FAULTS[error.code], status=422)
    return _password_page(page, visitor.session, saved=True)


async def _change_password(database: Database, visitor: Visitor, *, new: str, current: str) -> None:
    tenant, login = visitor.user.tenant, visitor.user.login
    if not visitor.session.by_link:
        stored = await database.read(lambda conn: find_account(conn, tenant_name=tenant, login=login))
        await run_in_threadpool(accounts.check_password, [stored] if stored else [], current)
    hashed = await run_in_threadpool(accounts.hash_password, new)
    await database.write(lambda conn: accounts.set_password(conn, tenant=tenant, login=login, password_hash=hashed))


_PASSWORD_FAULTS: Final = {
    "password_too_short": "password.short",
    "password_too_long": "password.long",
    "sign_in_refused": "password.wrong_current",
    "account_unknown": "sign_in.wrong",
}
