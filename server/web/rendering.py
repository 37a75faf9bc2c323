"""Pages out of templates."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from models.language import LANGUAGE_COOKIE, LANGUAGE_COOKIE_S, LANGUAGE_PARAMETER, Language, chosen
from models.noun import Noun
from models.words import Words
from server.web import formatting
from server.web.assets.vendor import missing_scripts
from server.web.net_sentiment import SMALL_N
from server.web.session import Visitor, require_sign_in
from server.web.words import words_for

STATIC_DIR: Final = Path(__file__).parent / "static"
TEMPLATES_DIR: Final = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = formatting.clock
    made.filters["percent"] = formatting.percent
    made.filters["signed"] = formatting.signed
    # A customer's id may hold any character, a slash too.
    made.filters["in_path"] = lambda text: quote(text, safe="")
    made.filters["script_json"] = json_for_script
    made.globals["static"] = static_url
    made.globals["small_n"] = SMALL_N
    return made


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, with its content's hash so that a new version is fetched."""
    file = STATIC_DIR / name
    version = sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "missing"
    return f"/static/{name}?v={version}"


@dataclass(frozen=True, kw_only=True)
class Page:
    """What every page knows: its request, its words, its time, and who looks at it."""

    request: Request
    words: Words
    zone: ZoneInfo
    now: datetime
    csrf: str
    visitor: Visitor | None = None

    @property
    def tenant(self) -> str:
        """The tenant whose data the page shows."""
        if self.visitor is None:
            raise LookupError("a page without a sign-in shows no tenant's data")
        return self.visitor.user.tenant

    def render(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Render a template; `?lang=` in the request is remembered in a cookie."""
        text = (
            environment()
            .get_template(template)
            .render(
                **values,
                page=self,
                user=self.visitor.user if self.visitor else None,
                t=self.words,
                when=lambda at: formatting.moment(at, zone=self.zone),
                scripts_missing=missing_scripts(),
            )
        )
        response = HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})
        wanted = chosen(self.request.query_params.get(LANGUAGE_PARAMETER))
        if wanted is not None:
            response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=LANGUAGE_COOKIE_S, samesite="lax", httponly=True)
        return response

    def here_in(self, language: Language) -> str:
        """Return the address of this page in a language."""
        return self.here_with(**{LANGUAGE_PARAMETER: language.value})

    def here_with(self, **parameters: str) -> str:
        """Return the address of this page with some of its parameters replaced; an empty one is left out."""
        merged = {**dict(self.request.query_params), **parameters}
        kept = {name: value for name, value in merged.items() if value}
        path = quote(self.request.url.path)
        return f"{path}?{urlencode(kept)}" if kept else path

    @property
    def languages(self) -> tuple[Language, ...]:
        """Every language the page can be read in."""
        return tuple(Language)


def page_of(request: Request, *, csrf: str, visitor: Visitor | None = None) -> Page:
    """Make the page of a request."""
    return Page(
        request=request,
        words=words_for(request),
        zone=request.app.state.settings.time_zone,
        now=datetime.now(UTC),
        csrf=csrf,
        visitor=visitor,
    )


async def signed_in_page(request: Request, visitor: Annotated[Visitor, Depends(require_sign_in)]) -> Page:
    """Return the page of a person who is signed in.

    Raises:
        SignInRequiredError: nobody is.
    """
    return page_of(request, csrf=visitor.session.csrf, visitor=visitor)


SignedInPage = Annotated[Page, Depends(signed_in_page)]


def json_for_script(value: Noun) -> Markup:
    """Return JSON that can stand inside a <script> element: nothing in it can end the element."""
    text = value.model_dump_json()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - see above
