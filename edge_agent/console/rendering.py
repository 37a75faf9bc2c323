"""Pages out of templates.

Alike the server's pages in shape: the address of a static file, the engine's strictness, the frame of a page. It stands
twice because neither application imports the other and `models` takes no template engine.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from edge_agent.agent.port import CaptionView
from edge_agent.console.regions import REGIONS, Situation
from edge_agent.console.session import Session
from models.language import LANGUAGE_COOKIE, LANGUAGE_COOKIE_S, LANGUAGE_PARAMETER, Language, chosen
from models.words import Words

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
    made.filters["position"] = position
    made.filters["hour"] = lambda at: f"{at.astimezone():%H:%M}"
    made.filters["qr"] = qr
    made.globals["static"] = static_url
    return made


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, with its content's hash so that a new version is fetched."""
    return f"/static/{name}?v={sha256((STATIC_DIR / name).read_bytes()).hexdigest()[:12]}"


def position(at_ms: int) -> str:
    """Write a position in an encounter as m:ss, from one hour on h:mm:ss."""
    seconds = at_ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def qr(text: str) -> Markup:
    """Draw a QR code (ISO/IEC 18004, error correction M) as SVG that grows with its frame."""
    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(border=4, omitsize=True, light="#fff", svgclass="qr"))  # noqa: S704 - segno's own SVG


def render_region(name: str, shown: object, *, words: Words) -> str:
    """Render one part of a page from what it shows."""
    return environment().get_template(f"regions/{name}.html").render(it=shown, t=words)


def render_caption(caption: CaptionView, *, words: Words) -> str:
    """Render one caption as a list item."""
    return environment().get_template("caption.html").render(it=caption, t=words)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What every page knows: its request, its words, and who looks at it."""

    request: Request
    words: Words
    session: Session
    now: datetime

    def render(
        self, template: str, *, status: int = 200, now: Situation | None = None, **values: object
    ) -> HTMLResponse:
        """Render a template; `?lang=` in the request is remembered in a cookie.

        Args:
            template: its file.
            status: of the answer.
            now: what the live parts of the page show; None for a page without any.
            values: for the template.
        """
        regions = {} if now is None else {name: self._region(name, now) for name in REGIONS}
        text = environment().get_template(template).render(**values, page=self, t=self.words, regions=regions)
        response = HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})
        wanted = chosen(self.request.query_params.get(LANGUAGE_PARAMETER))
        if wanted is not None:
            response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=LANGUAGE_COOKIE_S, samesite="lax", httponly=True)
        return response

    def _region(self, name: str, now: Situation) -> Markup:
        return Markup(render_region(name, REGIONS[name](now), words=self.words))  # noqa: S704 - escaped by its template

    def here_in(self, language: Language) -> str:
        """Return the address of this page in a language."""
        parameters = {**dict(self.request.query_params), LANGUAGE_PARAMETER: language.value}
        return f"{quote(self.request.url.path)}?{urlencode(parameters)}"

    @property
    def languages(self) -> tuple[Language, ...]:
        """Every language the page can be read in."""
        return tuple(Language)
