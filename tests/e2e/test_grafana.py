"""A daemon that knows a Grafana: what it tells carries the link, what it exports is what the link leads to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from qualitywatch.cli import main
from tests.conftest import CAPTURES
from tests.e2e.processes import CHAT, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram


@pytest.mark.slow
async def test_the_link_of_an_alert_leads_to_a_dashboard_that_was_exported(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/trunk-outage", speed=0) as (_, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["grafana"] = {"url": "https://grafana.example.org"}
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            await telegram.wait_sent(1, timeout_s=30)
            assert await daemon.stop() == 0
    links = [
        found for text in telegram.texts(CHAT) for found in re.findall(r"charts: (https://grafana\.example\.org/d/\S+)$", text)
    ]
    assert links, telegram.texts(CHAT)
    assert main(["grafana", "export", "--datasource", "sqlite", "--config", str(config), str(tmp_path / "out")]) == 0
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "out").rglob("*.json")]
    by_uid = {board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in boards}
    for link in links:
        uid = link.partition("/d/")[2].partition("?")[0]
        assert set(re.findall(r"[?&]var-(\w+)=", link)) <= by_uid[uid]
