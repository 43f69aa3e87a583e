"""Secrets stay where they were put: a run with every kind of secret and every kind of trouble, and then everything is searched.

Searched are: the log at its most talkative, each file of the state directory, messages, lines of measurements, bodies for web
hooks, each page and answer of the web server, and what the commands print.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import yaml

from qualitywatch.ami.server import CaptureServer
from tests.conftest import CAPTURES
from tests.e2e.processes import CHAT, LOGIN, REPOSITORY, running
from tests.fakes import proxies
from tests.fakes.doctor_pbx import DoctorPbx
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.influx_server import InfluxServer
from tests.fakes.ports import free_port
from tests.fakes.scripted_manager import Reply
from tests.fakes.webhook_server import WebhookServer

SECRETS: Mapping[str, str] = {
    "ami": "ami+Secret/9b1f&x",
    "ami_plain": "plain-Secret-77aa",
    "ami_wrong": "wrong-Secret-0d4e",
    "telegram": TOKEN,
    "proxy": proxies.PASSWORD,
    "influx_token": "influx-Secret==5c2a",
    "influx_password": "influx pass-Secret 3e",
    "web_token": "web-Secret-token-1234567890",
    "web_anna": "anna's Secret &pass",
    "hook_key": "hook-Secret-key-8812",
    "hook_path": "hook-Secret-path-4410",
    "trunk": "trunk-Secret-5521",  # in AuthDetail, among the registrations we ask for
}


def forms(secret: str) -> Iterator[str]:
    """How a secret may look when somebody has encoded it on the way."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield secret.partition(":")[2] or secret  # the half of a bot's token that is secret
    for user in ("", LOGIN, "anna", proxies.USER, "writer"):
        for text in (secret, f"{user}:{secret}"):
            yield base64.b64encode(text.encode()).decode().rstrip("=")


def leaks(where: str, content: bytes) -> list[str]:
    """Name every secret that is in there."""
    return [f"{name} in {where}" for name, secret in SECRETS.items() if any(form.encode() in content for form in forms(secret))]


AUTH_DETAIL: Reply = (
    "Response: Success\nActionID: {id}\nEventList: start\nMessage: Following are Events for each Outbound registration\n\n"
    "Event: OutboundRegistrationDetail\nActionID: {id}\nObjectName: provider\nClientUri: sip:7499@provider.example\n"
    "ServerUri: sip:provider.example\nStatus: Registered\n\n"
    "Event: AuthDetail\nActionID: {id}\nObjectName: provider-auth\nUsername: 7499\n"
    f"Password: {SECRETS['trunk']}\nMd5Cred: \nAuthType: userpass\n\n"
    "Event: OutboundRegistrationDetailComplete\nActionID: {id}\nEventList: Complete\nListItems: 1\n\n"
)


@pytest.mark.slow
async def test_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir(mode=0o700)
    found: list[str] = []
    web_port = free_port()
    async with AsyncExitStack() as stack:
        recorded = CaptureServer((CAPTURES / "asterisk-20/loss-storm/input.ami").read_bytes(), secret=SECRETS["ami"], speed=0)
        recorded_port = await recorded.start()
        stack.push_async_callback(recorded.stop)
        outage = (CAPTURES / "asterisk-20/trunk-outage/input.ami").read_bytes()
        plain = CaptureServer(outage, secret=SECRETS["ami_plain"], speed=0)
        plain_port = await plain.start()
        stack.push_async_callback(plain.stop)
        refusing = CaptureServer(outage, secret="another", speed=0)
        refusing_port = await refusing.start()
        stack.push_async_callback(refusing.stop)
        talkative = DoctorPbx().manager(pjsipshowregistrationsoutbound=AUTH_DETAIL)
        await stack.enter_async_context(talkative.listening())
        telegram = await stack.enter_async_context(FakeTelegram())
        proxy = await stack.enter_async_context(proxies.proxy_to(telegram.port, "http"))
        influx = await stack.enter_async_context(InfluxServer())
        calm = await stack.enter_async_context(InfluxServer())
        hook = await stack.enter_async_context(WebhookServer())
        _make_trouble(telegram, influx, hook)

        def pbx(name: str, port: int, secret: str, **more: Any) -> dict[str, Any]:
            file = _put(vault, name, SECRETS[secret])
            return {"name": name, "host": "127.0.0.1", "port": port, "username": LOGIN, "secret_file": file, **more}

        influxdb = {"url": influx.url, "org": influx.org, "token_file": _put(vault, "influx_token", SECRETS["influx_token"])}
        influxdb1 = {
            "kind": "influxdb1",
            "url": "http://127.0.0.1:9",
            "username": "writer",
            "password_file": _put(vault, "influx_password", SECRETS["influx_password"]),
        }
        document = {
            "pbx": [
                pbx("storm", recorded_port, "ami"),
                pbx("outage", plain_port, "ami_plain", md5=False),
                pbx("refused", refusing_port, "ami_wrong"),
                pbx("talkative", talkative.port, "ami"),
            ],
            "telegram": {
                "token_file": _put(vault, "telegram", TOKEN),
                "base_url": "http://telegram.invalid",
                "proxy_file": _put(
                    vault, "proxy", f"http://{proxies.USER}:{quote(proxies.PASSWORD, safe='')}@127.0.0.1:{proxy.port}"
                ),
                "users": {7: "Anna"},
            },
            "notify": [
                {"name": "ops", "kind": "telegram", "chat_id": CHAT, "min_severity": "info"},
                {
                    "name": "ticket",
                    "kind": "webhook",
                    "url_file": _put(vault, "hook_url", f"{hook.url}/{SECRETS['hook_path']}"),
                    "secret_file": _put(vault, "hook_key", SECRETS["hook_key"]),
                },
            ],
            "influx": [influxdb, influxdb1, {**influxdb, "name": "calm", "url": calm.url}],
            "web": {
                "listen": f"127.0.0.1:{web_port}",
                "token_file": _put(vault, "web_token", SECRETS["web_token"]),
                "users": {"anna": {"password_file": _put(vault, "web_anna", SECRETS["web_anna"])}},
            },
            "store": {"directory": str(tmp_path / "state")},
            "log_level": "debug",
            "timezone": "UTC",
        }
        config = tmp_path / "qualitywatch.yml"
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            await daemon.logged("ami.cannot_connect pbx=refused")
            await daemon.logged("sink.trouble")
            for server in (recorded, plain):
                await server.finished.wait()
            await telegram.wait_sent(1, 30)
            await talkative.asked("CoreShowChannels")
            found += await _web_leaks(f"http://127.0.0.1:{web_port}")
            for arguments in (("check",), ("top", "--once"), ("silence", "list"), ("doctor", "--seconds", "0.5")):
                found += leaks(" ".join(arguments), await _command(*arguments, "--config", str(config)))
            found += leaks("doctor --json", await _command("doctor", "--json", "--seconds", "0", "--config", str(config)))
            await calm.wait_lines(1)
            assert await daemon.stop() == 0
        assert hook.requests
        assert proxy.asked
    found += leaks("the log", "\n".join(daemon.log).encode())
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert {"state.db", "rollup.db"} <= {path.name for path in files}
    for path in files:
        found += leaks(path.name, path.read_bytes())
    for call in telegram.calls:
        found += leaks(f"Telegram's {call.method}", str(dict(call.params)).encode())
    found += leaks("measurements", "\n".join(calm.lines + calm.queries + influx.queries).encode())
    for request in hook.requests:
        found += leaks("the body for the web hook", request.body)
    assert found == []


def test_the_search_would_find_them() -> None:
    assert leaks("a", b"GET /bot123456:TEST-token_of_the_fake/getMe") == ["telegram in a"]
    assert leaks("a", b"Authorization: Basic " + base64.b64encode(b"anna:" + SECRETS["web_anna"].encode())) == ["web_anna in a"]
    assert leaks("a", b"proxy=http://office:p%40ss%20word@h") == ["proxy in a"]
    assert leaks("a", b"nothing of that kind") == []


def _make_trouble(telegram: FakeTelegram, influx: InfluxServer, hook: WebhookServer) -> None:
    """Servers that repeat what they were told, and some that cannot."""
    telegram.fail("sendMessage", 400, f"Bad Request: no such thing as /bot{TOKEN}/sendMessage")
    telegram.fail("sendMessage", 502, body=f"<html>502 Bad Gateway at /bot{TOKEN}/sendMessage</html>")
    telegram.fail("getUpdates", 500, f"Internal Server Error in /bot{TOKEN}/getUpdates")
    telegram.fail("setMyCommands", 401, "Unauthorized")
    influx.answer(401, body=f'{{"code":"unauthorized","message":"Token {SECRETS["influx_token"]} is unknown"}}')
    influx.answer(503, body="busy")
    hook.answer(500, {}, f"no such path: /{SECRETS['hook_path']}")


def _put(vault: Path, name: str, secret: str) -> str:
    path = vault / name
    path.write_text(f"{secret}\n", encoding="utf-8")
    path.chmod(0o600)
    return str(path)


async def _web_leaks(url: str) -> list[str]:
    """Ask for everything the server has, with and without being let in."""
    found: list[str] = []
    bearer = {"Authorization": f"Bearer {SECRETS['web_token']}"}
    async with httpx.AsyncClient(base_url=url) as client:
        async with asyncio.timeout(20):
            while (document := (await client.get("/api/v1/openapi.json", headers=bearer))).status_code != 200:
                await asyncio.sleep(0.05)
        paths = [path for path, operations in document.json()["paths"].items() if "get" in operations and "{" not in path]
        assert len(paths) > 8
        streams = {path for path in paths if "stream" in path}
        asked = [*(path for path in paths if path not in streams), "/", "/metrics", "/api/v1/openapi.json"]
        answers = [await client.get(path, headers=bearer) for path in asked]
        answers += [await client.get(path, auth=("anna", SECRETS["web_anna"])) for path in asked]
        answers += [await client.get(path, params={"token": SECRETS["web_token"]}) for path in ("/", "/metrics")]
        answers += [await client.get("/api/v1/alerts", auth=("anna", "wrong")), await client.get("/nowhere", headers=bearer)]
    for answer in answers:
        found += leaks(f"{answer.status_code} of {answer.request.url.path}", str(answer.headers).encode() + answer.content)
    return found


async def _command(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "qualitywatch", *arguments),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert output
    return output
