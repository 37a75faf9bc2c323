"""How it stands, told to an open page as it changes (server-sent events, WHATWG HTML 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edge_agent.agent.port import CaptionView, Snapshot
from edge_agent.console.moods import mood_of
from edge_agent.console.parts import Console, console_of, staff_only
from edge_agent.console.regions import REGIONS, Situation
from edge_agent.console.rendering import Page, render_caption, render_region
from models.words import Words

BEAT_S: Final = 0.5
"""A page that has heard nothing for 2 s says so; with four beats in that time a single late one is no alarm."""
_LEAST_PAUSE_S: Final = 0.1
CAPTIONS: Final = "captions"


class Told:
    """What one open page has been told, and what it has to be told next."""

    def __init__(self, regions: Iterable[str], *, words: Words) -> None:
        self._words = words
        self._regions: dict[str, object] = {name: None for name in regions if name in REGIONS}
        self._captions: dict[str, CaptionView] = {}
        self._with_captions = CAPTIONS in set(regions)

    def news(self, now: Situation) -> dict[str, object]:
        """Return what has changed since the last call, and always mood, level and time."""
        snapshot = now.snapshot
        news: dict[str, object] = {"mood": mood_of(snapshot), "level_dbfs": snapshot.microphone.level_dbfs}
        changed = {}
        for name, before in self._regions.items():
            shown = REGIONS[name](now)
            if shown != before:
                self._regions[name] = shown
                changed[name] = render_region(name, shown, words=self._words)
        if changed:
            news["regions"] = changed
        return news | (self._caption_news(snapshot) if self._with_captions else {})

    def _caption_news(self, snapshot: Snapshot) -> dict[str, object]:
        captions = {one.id.hex: one for one in (snapshot.encounter.captions if snapshot.encounter else ())}
        if captions == self._captions:
            return {}
        changed = {
            key: render_caption(one, words=self._words)
            for key, one in captions.items()
            if self._captions.get(key) != one
        }
        self._captions = captions
        return {"captions": {"order": list(captions), "changed": changed}}


async def _events(console: Console, request: Request, told: Told, *, threads: CapacityLimiter) -> AsyncIterator[str]:
    revision = -1
    while not console.closing.is_set():
        wait = partial(console.agent.wait_for_change, revision, timeout_s=BEAT_S)
        # A beat that does not come through the agent would vouch for an agent that hangs.
        snapshot = await to_thread.run_sync(wait, limiter=threads, abandon_on_cancel=True)
        session = console.sessions.read(request, now=datetime.now(UTC))
        if session is None or not session.signed_in:
            return
        revision = snapshot.revision
        news = told.news(console.as_of(snapshot)) | {"now_ms": round(datetime.now(UTC).timestamp() * 1000)}
        yield f"data: {json.dumps(news, ensure_ascii=False)}\n\n"
        await asyncio.sleep(_LEAST_PAUSE_S)


async def stream(page: Page) -> Response:
    """Tell an open page how it stands, from now on; `?regions=` names the parts that it shows."""
    told = Told(page.request.query_params.get("regions", "").split(","), words=page.words)
    # One thread for each page: however many are open, the actions of staff find a thread of their own.
    events = _events(console_of(page.request), page.request, told, threads=CapacityLimiter(1))
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


routes = [Route("/stream", staff_only(stream), methods=["GET"])]
