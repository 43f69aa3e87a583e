"""A real daemon with recorded PBXes, and somebody who asks it over loopback HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from qualitywatch.ami.server import CaptureServer
from qualitywatch.app.daemon import Daemon
from qualitywatch.clock import SystemClock
from qualitywatch.config import read_config_and_rules
from tests.conftest import CAPTURES
from tests.fakes.ports import free_port

TOKEN = "a-token-for-tests-only"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PASSWORD = "correct horse"
LOSS = "asterisk-20/sip-bridge-loss"
OUTAGE = "asterisk-20/trunk-outage"
PATIENCE_S = 20.0


@dataclass(slots=True)
class House:
    """What a test asks and looks at."""

    url: str
    client: httpx.AsyncClient  # with the token
    daemon: Daemon
    stop: asyncio.Event
    recorded: Mapping[str, CaptureServer] = field(default_factory=dict)  # each PBX, to be lost

    async def get(self, path: str, **query: Any) -> Any:
        """Return the body of an answer that must be good."""
        response = await self.client.get(f"/api/v1/{path}", params=query)
        assert response.status_code == 200, (path, response.text)
        return response.json()

    async def until(self, path: str, good: Callable[[Any], bool], **query: Any) -> Any:
        """Ask until the answer is good, and return it."""
        body = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not good(body := await self.get(path, **query)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{path} stayed {json.dumps(body)[:2000]}") from None
        return body


def configured(folder: Path, ports: dict[str, int], web: dict[str, Any], more: Mapping[str, Any] | None = None) -> Path:
    """Write a configuration, with ``more`` sections where a test needs them, and return its path."""
    document = {
        "pbx": [
            {"name": name, "host": "127.0.0.1", "port": port, "username": "qualitywatch", "secret": "qualitywatch"}
            for name, port in ports.items()
        ],
        "notify": [{"name": "terminal", "kind": "console"}],
        "store": {"directory": str(folder / "state")},
        "timezone": "UTC",
        "web": web,
        **(more or {}),
    }
    path = folder / "qualitywatch.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    path.chmod(0o600)
    return path


@asynccontextmanager
async def house(
    folder: Path,
    *,
    speed: float = 0,
    is_played: bool = True,
    captures: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
    **web: Any,
) -> AsyncIterator[House]:
    """A daemon that watches recorded PBXes, "office" and "branch" unless told otherwise, and serves what it knows."""
    port = free_port()
    settings = {"listen": f"127.0.0.1:{port}", "token": TOKEN, "users": {"anna": PASSWORD}, **web}
    settings = {name: value for name, value in settings.items() if value is not None}
    async with AsyncExitStack() as things:
        servers, recorded = {}, dict[str, CaptureServer]()
        for name, capture in (captures or {"office": LOSS, "branch": OUTAGE}).items():
            server = CaptureServer((CAPTURES / capture / "input.ami").read_bytes(), speed=speed)
            recorded[name] = server
            servers[name] = await server.start("127.0.0.1", 0)
            things.push_async_callback(server.stop)
        config, specs = read_config_and_rules(
            configured(folder, servers if is_played else {"office": free_port()}, settings, more)
        )
        daemon = await Daemon.open(config, specs, SystemClock())
        things.push_async_callback(daemon.close)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.run(stop))
            try:
                url = f"http://127.0.0.1:{port}"
                async with httpx.AsyncClient(base_url=url, headers=BEARER) as client:
                    await _is_up(client)
                    opened = House(url, client, daemon, stop, recorded)
                    if is_played and speed == 0:
                        await _is_over(opened, list(recorded.values()))
                    yield opened
            finally:
                stop.set()


async def _is_over(opened: House, recorded: Sequence[CaptureServer]) -> None:
    """Wait until everything recorded was said, and judged."""
    async with asyncio.timeout(PATIENCE_S):
        for server in recorded:
            await server.finished.wait()

        counted: list[list[str]] = []
        while len(counted) < 8 or any(each != counted[-1] for each in counted[-8:]):
            text = (await opened.client.get("/metrics")).text
            counted.append([line for line in text.splitlines() if line.startswith("qualitywatch_events_total")])
            await asyncio.sleep(0.02)


async def _is_up(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await client.get("/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return
