"""Every connection that carries a secret checks who answers: nothing is said to a server nobody vouches for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from qualitywatch.app.sinks import build_server
from qualitywatch.config import InfluxConfig
from qualitywatch.errors import NotifyError
from qualitywatch.model import Notification, Severity
from qualitywatch.notify.channels import webhook
from qualitywatch.notify.channels.telegram import Options, TelegramNotifier
from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError

SOURCES = Path(__file__).parents[2] / "qualitywatch"


@asynccontextmanager
async def impostor() -> AsyncIterator[tuple[str, list[str]]]:
    """Somebody who answers everything, with a certificate of their own making; yields the URL and what was asked."""
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(f"{request.path_qs} {dict(request.headers)}")
        return web.json_response({"ok": True, "result": {}})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}", heard
    finally:
        await runner.cleanup()


async def test_telegram() -> None:
    async with impostor() as (url, heard):
        options = Options(chat_id=1, token=Secret("1:secret"), base_url=url)
        notifier = TelegramNotifier.from_options({"ops": options}, show_pbx=False, zone=UTC, remembered={})["ops"]
        with pytest.raises(NotifyError, match=r"(?i)certificate"):
            await notifier.api.name()
        await notifier.close()
        assert heard == []


async def test_a_web_hook() -> None:
    async with impostor() as (url, heard):
        options = webhook.Options(url=Secret(f"{url}/secret-path"), now=lambda: 0.0, secret=Secret("key"))
        notifier = webhook.WebhookNotifier.from_options({"x": options}, show_pbx=False, zone=UTC, remembered={})["x"]
        with pytest.raises(NotifyError, match=r"(?i)certificate") as caught:
            await notifier.send(Notification("x", "x", "x", Severity.WARNING))
        await notifier.close()
        assert heard == []
        assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize("kind", ["influxdb", "influxdb1", "victoriametrics"])
async def test_databases(kind: str) -> None:
    async with impostor() as (url, heard):
        server = build_server(InfluxConfig(kind, kind, url, "o", "b", Secret("t"), "d", "u", Secret("p"), 1, None))
        with pytest.raises(SinkError, match=r"(?i)certificate") as caught:
            await asyncio.to_thread(server.write, b"loss value=1")
        server.close()
        assert caught.value.refusal is Refusal.LATER, "what was measured is kept until the certificate is right"
        assert heard == []


def test_checking_is_switched_off_in_one_place_only() -> None:
    """``tls.verify: false`` of a PBX, which ``check`` and ``doctor`` complain of."""
    off = ("CERT_NONE", "verify=False", "verify_ssl=False", "check_hostname = False", "_create_unverified_context")
    found = {path.name for path in SOURCES.rglob("*.py") if any(word in path.read_text(encoding="utf-8") for word in off)}
    assert found == {"endpoint.py"}
