"""What changes, as it changes: server-sent events for the page.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from qualitywatch.room import PbxView
from qualitywatch.web.api import alerts, pbxes, peers, trunks
from qualitywatch.web.asking import Seen
from qualitywatch.web.news import Change, Shared, TooManyPagesError, Topic
from qualitywatch.web.refusals import RefusalError, responses
from qualitywatch.web.sources import Sources
from qualitywatch.web.telling import Told
from qualitywatch.web.troubles import troubles

router = APIRouter(tags=["state"])

EVERY_S: Final = 1.0
HEARTBEAT_S: Final = 15
PATIENCE_S: Final = 20.0  # a page that takes nothing for so long is let go
MAX_TOLD: Final = 500  # peers in one event, and alerts; a page that needs more reads the list again


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    summary="Changes as they happen",
    responses={
        **responses(),
        200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def stream(request: Request, sources: Seen) -> EventSourceResponse:
    """Tell what changed, at most once a second, as events with an object in JSON.

    * `hello`: the stream stands; read the lists now.
    * `pbxes`, `peers`, `trunks`: `{"items": [...]}`, those that changed, as their lists show them; `pbxes` with `troubles`.
    * `alerts`: `{"items": [...], "total": n}`, all that are pending or firing, most urgent first.
    * `reload`: too much changed; read the lists again.
    """
    if sources.news.closed or sources.news.pages >= sources.news.max_pages:
        raise RefusalError(503, "too_many_pages", "Too many pages are open: close one.")
    return EventSourceResponse(_events(sources, request.app.state.shared_news), ping=HEARTBEAT_S, send_timeout=PATIENCE_S)


async def _events(sources: Sources, shared: Shared[list[ServerSentEvent]]) -> AsyncIterator[ServerSentEvent]:
    try:
        with sources.news.listening() as listener:
            yield ServerSentEvent("{}", event="hello", retry=3000)
            while True:
                await listener.woken.wait()
                if sources.news.closed:
                    return
                changes, overflowed = listener.take()
                key = sources.news.revision, tuple(changes), overflowed
                for event in shared.get(key, lambda: list(_news(sources, changes, overflowed))):  # noqa: B023 called at once
                    yield event
                await asyncio.sleep(EVERY_S - asyncio.get_running_loop().time() % EVERY_S)  # the same beat for all pages
    except TooManyPagesError:
        return


def _news(sources: Sources, changes: Sequence[Change], overflowed: bool) -> Iterator[ServerSentEvent]:
    if overflowed or len(changes) > MAX_TOLD:
        yield ServerSentEvent("{}", event="reload")
        return
    views = {view.name: view for view in sources.room.pbxes()}
    topics = {change.topic for change in changes}
    if topics:
        wanted = {change.pbx for change in changes}
        shown = pbxes.all_shown(sources, [view for name, view in views.items() if name in wanted])
        yield _told("pbxes", shown, troubles=troubles(sources))
    if Topic.PEER in topics:
        yield _told("peers", _peers(sources, views.values(), changes))
    if Topic.TRUNK in topics:
        names = {(change.pbx, change.subject) for change in changes if change.topic is Topic.TRUNK}
        yield _told(
            "trunks",
            [
                trunks.shown(view, trunk)
                for view in views.values()
                for trunk in view.trunks
                if (view.name, trunk.trunk) in names
            ],
        )
    if Topic.ALERT in topics:
        found = [alert for view in views.values() for alert in view.alerts]
        found.sort(key=lambda alert: alert.urgency)
        yield _told("alerts", [alerts.shown(alert, sources.zone) for alert in found[:MAX_TOLD]], len(found))


def _peers(sources: Sources, views: Iterable[PbxView], changes: Iterable[Change]) -> list[peers.Peer]:
    names = {(change.pbx, change.subject) for change in changes if change.topic is Topic.PEER}
    found = []
    for view in views:
        severity = peers.severities(view)
        found += [
            peers.shown(view, peer, sources.recent, severity) for peer in view.peers if (view.name, peer.subject) in names
        ]
    return found


class _Told(BaseModel):
    items: list[BaseModel]
    troubles: list[Told] | None = None
    total: int | None = None


def _told(
    event: str, items: Sequence[BaseModel], total: int | None = None, troubles: list[dict[str, str]] | None = None
) -> ServerSentEvent:
    body = _Told(items=list(items), total=total, troubles=troubles)
    return ServerSentEvent(body.model_dump_json(serialize_as_any=True, exclude_none=False), event=event)
