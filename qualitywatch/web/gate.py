"""The door in front of the application: carries out what ``access`` decides, and sets the headers that keep a page safe.

An ASGI wrapper, so that it also stands before static files, streams and errors.  It goes by the path of the scope, by which
the application finds what to answer: ``Request.url`` is put together from headers that a stranger writes.  No
``Access-Control-*`` header is ever sent: no other site may read anything.  Source: OWASP HTTP Headers Cheat Sheet.
"""

from __future__ import annotations

import logging
from html import escape
from typing import Final
from urllib.parse import quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qualitywatch.ports import Clock
from qualitywatch.web.access import COOKIE, SESSION_S, Access
from qualitywatch.web.decisions import Admitted, Asked, Bounce, Refused, Welcome
from qualitywatch.web.refusals import refusal

log = logging.getLogger(__name__)

VISITOR: Final = "qualitywatch.visitor"
"""The key of the scope under which the application finds who is asking."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_BASIC: Final = 'Basic realm="qualitywatch", charset="UTF-8"'
_NO_ENTRY: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>qualitywatch</title><h1>qualitywatch</h1><p>{message}</p>
<p>Open <code>/?token=…</code> with the token of the configuration.</p>
<p lang="ru">Нужен вход: откройте <code>/?token=…</code> с токеном из конфигурации.</p></html>"""
_GO_ON: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>qualitywatch</title>
<meta http-equiv="refresh" content="0;url={url}"><p><a href="{url}">qualitywatch</a></p></html>"""


class Gate:
    """Stands before an ASGI application."""

    def __init__(self, inner: ASGIApp, access: Access, clock: Clock) -> None:
        self._inner = inner
        self._access = access
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            return  # neither web sockets nor a lifespan of its own

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        asked = self._asked(request)
        match decision := self._access.decide(asked, self._clock.now()):
            case Admitted():
                scope[VISITOR] = decision.visitor
                await self._inner(scope, receive, send_safely)
            case Welcome():
                await self._welcome(request, decision)(scope, receive, send_safely)
            case Bounce():
                await _go_on(request)(scope, receive, send_safely)
            case Refused():
                await self._refuse(request, asked, decision)(scope, receive, send_safely)

    def _asked(self, request: Request) -> Asked:
        header = request.headers
        address = request.client.host if request.client is not None else ""
        if self._access.doors.is_behind_tls and (forwarded := header.getlist("x-forwarded-for")):
            # The last address of the last line is what the proxy itself saw: it may add a line to those a stranger sent.
            address = forwarded[-1].rpartition(",")[2].strip()[:64]
        path = request.scope["path"]
        return Asked(
            method=request.method,
            path=path,
            address=address,
            authorization=header.get("authorization", ""),
            cookie=request.cookies.get(COOKIE, ""),
            link_token=request.query_params.get("token", "") if path == "/" else "",
            fetch_site=header.get("sec-fetch-site", ""),
            fetch_mode=header.get("sec-fetch-mode", ""),
            origin=header.get("origin", ""),
            host=header.get("host", ""),
        )

    def _welcome(self, request: Request, decision: Welcome) -> Response:
        # A page that goes on, no redirect: after one, a browser that came from elsewhere would hold a strict cookie back.
        response = _go_on(request)
        response.set_cookie(
            COOKIE,
            decision.cookie,
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=self._access.doors.is_behind_tls,
        )
        return response

    def _refuse(self, request: Request, asked: Asked, decision: Refused) -> Response:
        if decision.code == "too_many_failures":
            log.info("web.throttled address=%s", ascii(asked.address))
        headers: dict[str, str] = {}
        if decision.status == 401:
            headers["WWW-Authenticate"] = _BASIC if self._access.takes_passwords else "Bearer"
        if decision.retry_after_s is not None:
            headers["Retry-After"] = str(decision.retry_after_s)
        if asked.method == "GET" and asked.path == "/" and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_NO_ENTRY.format(message=escape(decision.message)), decision.status, headers)
        return refusal(decision.status, decision.code, decision.message, headers=headers)


def _go_on(request: Request) -> Response:
    """The same page again, as if our own page had asked for it; without the token in its address."""
    query = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "token"])
    # Never another host: browsers read a backslash as a slash, and leave out tabs, so both are quoted again.
    path = "/" + quote(request.scope["path"].lstrip("/"))
    return HTMLResponse(_GO_ON.format(url=escape(path + (f"?{query}" if query else ""))))
