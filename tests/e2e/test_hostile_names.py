"""A caller whose name is an attack is told, logged, exported and shown as the plain text that it is."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from qualitywatch.ami.server import CaptureServer
from tests.conftest import CAPTURES
from tests.e2e.chat import alerts
from tests.e2e.processes import REPOSITORY, Site, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.ports import free_port
from tests.fakes.webhook_server import WebhookServer

RECORDING = (CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_bytes()
SHOWN = "={value}%s${7*7}{{7*7}}<b>x</b><img src=x onerror=alert(1)>"
HOSTILE = f"{SHOWN}\u202e\u200b\nERROR fake line"
PLAIN = f"{SHOWN} ERROR fake line"
LINE = re.compile(r"(DEBUG|INFO|WARNING|ERROR) qualitywatch\S* ")
TOKEN = "a-token-for-tests-only"


@pytest.mark.slow
async def test_a_hostile_name_is_plain_text_everywhere(tmp_path: Path) -> None:
    recording = re.sub(rb"(CallerIDName: )User 61\d\d", lambda found: found[1] + HOSTILE.encode(), RECORDING)
    assert recording != RECORDING
    server, web = CaptureServer(recording, speed=0), free_port()
    port = await server.start()
    async with FakeTelegram() as telegram, WebhookServer() as hook:
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["notify"].append({"name": "ticket", "kind": "webhook", "url": hook.url, "secret": "shared"})
        document["web"] = {"listen": f"127.0.0.1:{web}", "token": TOKEN}
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        try:
            async with running(config) as daemon:
                await asyncio.wait_for(server.finished.wait(), 60)
                await telegram.wait(lambda: any("loss" in message.text for message in alerts(telegram)), timeout_s=40)
                async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
                    peers = await client.get(f"http://127.0.0.1:{web}/api/v1/peers")
                    metrics = await client.get(f"http://127.0.0.1:{web}/metrics")
                assert await daemon.stop() == 0
        finally:
            await server.stop()
    told = "\n".join(message.text for message in alerts(telegram))
    assert SHOWN in told  # Telegram shows what is no mark-up; the fake refuses what is neither
    for text in (told, "\n".join(str(request.json["text"]) for request in hook.requests)):
        assert PLAIN in text
        assert "\u202e" not in text
        assert "\nERROR fake line" not in text
    bodies = b"".join(request.body for request in hook.requests)
    assert b"\nERROR fake line" not in bodies
    assert b"\\u202e" not in bodies  # in any field: JSON of a web hook is ASCII
    assert b"\\nERROR fake line" not in bodies
    assert [line for line in daemon.log if not LINE.match(line)] == [], "a name wrote lines of its own into the log"
    assert peers.status_code == 200
    assert peers.headers["content-type"] == "application/json"
    assert "\nERROR fake line" not in metrics.text
    sheet = await report(config, "csv")
    cells = [cell for row in csv.reader(io.StringIO(sheet)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+=", "\t"))]
    assert "<img src=x" not in await report(config, "html")


async def report(config: Path, form: str) -> str:
    """What ``qualitywatch report`` prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "qualitywatch", "report", "--config", str(config), "--since", "30d", "--format", form),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()
