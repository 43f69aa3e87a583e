"""A daemon that reaches its PBX over HTTP alone tells what one on the manager port tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CAPTURES
from tests.e2e.chat import alerts
from tests.e2e.processes import CHAT, LOGIN, Site, running
from tests.fakes.ajam_server import AjamServer
from tests.fakes.fake_telegram import FakeTelegram

CALL = (CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_text(encoding="utf-8").split("\n\n")
EVENTS = [frame for frame in CALL if "Timestamp: " in frame]


@pytest.mark.parametrize("path", ["/rawman", pytest.param("/amxml", marks=pytest.mark.slow)])
async def test_a_call_is_judged_as_over_a_socket(tmp_path: Path, path: str) -> None:
    async with AjamServer(secret=LOGIN).listening() as server, FakeTelegram() as telegram:
        site = Site(tmp_path, {"office": server.port}, telegram.url, pbx_extra={"transport": "ajam", "path": path})
        async with running(site.write()) as daemon:
            await daemon.logged("ami.connected")
            await server.asked("CoreShowChannels", timeout_s=20)
            for start in range(0, len(EVENTS), 50):
                server.say("\n\n".join(EVENTS[start : start + 50]) + "\n\n")
            await telegram.wait(
                lambda: any("SIP/6117" in each.text and "loss" in each.text for each in alerts(telegram, CHAT)), timeout_s=20
            )
            told = next(each.text for each in alerts(telegram, CHAT) if "loss" in each.text)
            assert "SIP/6118" in told
            assert await daemon.stop() == 0
        assert server.logins == 1
        assert not server.live, "it logs off"
        assert not [line for line in daemon.log if LOGIN in line.replace("qualitywatch.", "")]
        assert not [line for line in daemon.log if "Traceback" in line or "bug=yes" in line]
