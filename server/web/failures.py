"""Pages for what went wrong: people get a page in their language, never a problem document."""

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from models.errors import RejectedError
from server.web.rendering import page_of
from server.web.session import SIGN_IN_PATH, CsrfError, FormTooLargeError, SignInRequiredError


class PageNotFoundError(RejectedError):
    """There is nothing at this address that the tenant may see."""

    code = "page_not_found"


class NotAllowedError(RejectedError):
    """The account may not do that."""

    code = "role_insufficient"


class FormRefusedError(RejectedError):
    """A form was filled in with what cannot be."""

    code = "form_refused"


async def _to_sign_in(request: Request, error: Exception) -> Response:
    """Send people to the sign-in page and back; htmx follows its own header, as it cannot leave a piece of a page."""
    if not isinstance(error, SignInRequiredError):
        raise error
    if "HX-Request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN_PATH})
    return RedirectResponse(f"{SIGN_IN_PATH}?{urlencode({'next': error.next_path})}", status_code=303)


async def _on_refused(request: Request, error: Exception) -> Response:
    page = page_of(request, csrf="")
    match error:
        case PageNotFoundError():
            return page.render("error.html", status=404, heading="error.not_found", lead="error.not_found_lead")
        case NotAllowedError():
            return page.render("error.html", status=403, heading="error.not_allowed", lead="error.not_allowed_lead")
        case FormRefusedError():
            return page.render("error.html", status=422, heading="error.refused", lead="error.refused_lead")
        case CsrfError():
            return page.render("error.html", status=403, heading="error.forbidden", lead="error.forbidden_lead")
        case FormTooLargeError():
            return page.render("error.html", status=413, heading="error.too_large", lead="error.forbidden_lead")
    raise error


def install(app: FastAPI) -> None:
    """Answer the errors of pages with pages."""
    app.add_exception_handler(SignInRequiredError, _to_sign_in)
    for kind in (PageNotFoundError, NotAllowedError, FormRefusedError, CsrfError, FormTooLargeError):
        app.add_exception_handler(kind, _on_refused)
