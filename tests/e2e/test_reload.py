"""The real daemon is given other rules and settings while it watches: as a whole or not at all, and without looking away."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import CAPTURES
from tests.e2e.chat import alerts, foreseen, shown
from tests.e2e.processes import CHAT, REPOSITORY, DaemonProcess, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.notify_socket import NotifySocket
from tests.fakes.ports import free_port
from tests.fakes.scripted_manager import ScriptedManager

CALL = (CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_bytes().split(b"\r\n\r\n")
EVENTS = [frame + b"\r\n\r\n" for frame in CALL if b"Timestamp: " in frame]
CALL_BEGINS = 1_795_377_227.0  # so many seconds after it at 1.0
OTHER_CHAT = -1009
STAYS = "the old configuration"


def said_until(seconds: float, since: float = 0.0) -> bytes:
    """What the recorded PBX said in [since, seconds) of the call in which SIP/6117 loses 6 % and SIP/6118 9 %."""
    stamps = ((float(re.search(rb"Timestamp: ([\d.]+)", event)[1]) - CALL_BEGINS, event) for event in EVENTS)  # type: ignore[index]
    return b"".join(event for at, event in stamps if since <= at < seconds)


@dataclass
class World:
    """A daemon that watches a PBX under the test's control, its files and its chats."""

    folder: Path
    office: ScriptedManager
    telegram: FakeTelegram
    daemon: DaemonProcess
    path: Path

    def settings(self, **changed: Any) -> None:
        """Change sections of the configuration; None takes one out."""
        document = yaml.safe_load(self.path.read_text(encoding="utf-8")) | changed
        text = yaml.safe_dump({key: value for key, value in document.items() if value is not None}, allow_unicode=True)
        self.path.write_text(text, encoding="utf-8")

    def rules(self, *rules: dict[str, Any]) -> None:
        """Replace the rules on top of the shipped ones."""
        (self.folder / "rules" / "own.yml").write_text(yaml.safe_dump({"rules": list(rules)}), encoding="utf-8")

    async def reload(self) -> tuple[int, str]:
        """Run ``qualitywatch reload``; return its exit code and all it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qualitywatch", "reload", "--config", str(self.path)),
            cwd=REPOSITORY,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def chat_shows(self, *parts: str, chat: int = CHAT) -> str:
        """Wait for a message with all of these texts, and return it."""

        def found() -> list[str]:
            return [each.text for each in alerts(self.telegram, chat) if all(part in each.text for part in parts)]

        try:
            await self.telegram.wait(lambda: bool(found()), timeout_s=15)
        except TimeoutError:
            raise AssertionError(f"{parts} not in {[each.text for each in alerts(self.telegram, chat)]}") from None
        return found()[0]


LOSS: dict[str, Any] = {
    "name": "loss",
    "kind": "threshold",
    "metric": "loss_percent",
    "warning": {"enter": 3, "clear": 1.5, "for": "5s"},
    "critical": {"enter": 90},
}
UNREGISTERED: dict[str, Any] = {"name": "trunk-down", "kind": "state", "entity": "trunk", "critical": {"for": "1s"}}


@asynccontextmanager
async def world(folder: Path, **environment: str) -> AsyncIterator[World]:
    (folder / "rules").mkdir()
    async with ScriptedManager().listening() as office, FakeTelegram() as telegram:
        path = Site(folder, {"office": office.port}, telegram.url).write()
        here = World(folder, office, telegram, None, path)  # type: ignore[arg-type]
        here.rules(LOSS)
        here.settings(rules={"defaults": False, "directory": str(folder / "rules")})
        async with running(path, **environment) as here.daemon:
            await here.daemon.logged("ami.connected")
            await office.asked("CoreShowChannels")
            yield here
            assert await here.daemon.stop() == 0
            assert not [line for line in here.daemon.log if "Traceback" in line or "bug=yes" in line]


async def test_limits_that_change_while_an_alert_fires(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.office.say(said_until(40))
        await here.chat_shows("🟡", "6118")
        here.rules({**LOSS, "critical": {"enter": 5, "clear": 2}})
        assert await here.reload() == (0, "rule loss: changed\n")
        # The window is still there: no report more is needed to see that 9 % are more than 5.
        after = await here.chat_shows("🔴", "6118")
        assert "now critical" in after, "the same alerts, which have become worse"
        assert here.office.connections == 1, "nobody was disconnected"
        assert await here.reload() == (0, "Nothing is different: configuration and rules are as they were.\n")
        await here.daemon.logged("reloaded changes=1")


async def test_rules_that_are_wrong_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.rules({**LOSS, "warning": {"enter": "much"}}, {"name": "other", "kind": "thresold"})
        code, said = await here.reload()
        assert code == 2
        assert "own.yml" in said
        assert "much" in said
        assert "thresold" in said
        assert STAYS in said
        here.daemon.hang_up()
        await here.daemon.logged("reload.refused problems=")
        assert len([line for line in here.daemon.log if "reload.refused" in line and "much" in line]) == 1
        await here.office.say(said_until(40))
        await here.chat_shows("🟡", "6118")
        assert here.office.connections == 1


@pytest.mark.slow
async def test_a_rule_that_is_removed_ends_its_alerts(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.office.say(said_until(40))
        firing = await here.chat_shows("🟡", "6118")
        here.rules({**LOSS, "name": "lost"})
        code, said = await here.reload()
        assert code == 0
        assert set(said.splitlines()) >= {"rule loss: removed", "rule lost: added"}
        assert "alerts ended" in said
        ended = await here.chat_shows("6118", "no longer watched")
        assert ended != firing
        # The new rule knows what the old one knew, and is given its own time.
        await here.office.say(said_until(50, 40))
        await here.telegram.wait(lambda: len(alerts(here.telegram, CHAT)) == 2, timeout_s=15)


@pytest.mark.slow
async def test_pbxes_and_chats_come_and_go(tmp_path: Path) -> None:
    async with ScriptedManager().listening() as branch, world(tmp_path) as here:
        document = yaml.safe_load(here.path.read_text(encoding="utf-8"))
        (office,), (ops,) = document["pbx"], document["notify"]
        both = [office, {**office, "name": "branch", "port": branch.port}]
        here.settings(pbx=both, notify=[ops, {**ops, "name": "boss", "chat_id": OTHER_CHAT}])
        assert await here.reload() == (0, "pbx branch: added\nnotify boss: added\n")
        await branch.asked("CoreShowChannels")
        await branch.say(said_until(40))
        await here.chat_shows("[branch]", "6118", chat=OTHER_CHAT)
        await here.chat_shows("[branch]", "6118")

        here.settings(pbx=[{**office, "name": "office"}], notify=[ops])
        code, said = await here.reload()
        assert code == 0
        assert said.startswith("pbx branch: removed\nnotify boss: removed\n")
        await branch.asked("Logoff")
        ended = await here.chat_shows("6118", "no longer watched")
        assert re.search(r"ended after \d+ s", ended), "by the clock of that PBX"
        assert here.office.connections == 1, "only the PBX that was meant was left"


@pytest.mark.slow
async def test_a_pbx_at_another_address_is_connected_anew_and_no_other(tmp_path: Path) -> None:
    async with ScriptedManager().listening() as branch, ScriptedManager().listening() as moved, world(tmp_path) as here:
        (office,) = yaml.safe_load(here.path.read_text(encoding="utf-8"))["pbx"]
        here.settings(pbx=[office, {**office, "name": "branch", "port": branch.port}])
        assert (await here.reload())[0] == 0
        await branch.asked("CoreShowChannels")
        await branch.say(said_until(40))
        await here.chat_shows("🟡", "6118")
        here.settings(pbx=[office, {**office, "name": "branch", "port": moved.port}])
        assert await here.reload() == (0, "pbx branch: changed, is connected anew\n")
        await branch.asked("Logoff")
        await moved.asked("CoreShowChannels")
        assert (here.office.connections, branch.connections, moved.connections) == (1, 1, 1)
        await moved.say(said_until(60, 40))
        await here.chat_shows("🟡", "6118")
        assert len(alerts(here.telegram, CHAT)) == 1, "the alert is kept under the name of its PBX"


@pytest.mark.slow
async def test_what_cannot_be_taken_over_is_refused_as_a_whole(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        store = yaml.safe_load(here.path.read_text(encoding="utf-8"))["store"]
        here.rules({**LOSS, "warning": {"enter": 50}})
        here.settings(store={"directory": str(tmp_path / "elsewhere")})
        here.daemon.hang_up()
        await here.daemon.logged("reload.refused store.directory: ")
        # It can be read, yet it cannot be put to work.
        (tmp_path / "state" / "spool-influx.db").mkdir()
        (office,) = yaml.safe_load(here.path.read_text(encoding="utf-8"))["pbx"]
        moved = {**office, "name": "moved"}
        influx = {"name": "influx", "kind": "influxdb", "url": "http://127.0.0.1:1", "org": "o", "bucket": "b", "token": "t"}
        here.settings(store=store, influx=[influx], pbx=[moved])
        code, said = await here.reload()
        assert (code, STAYS in said) == (2, True), said
        assert "spool-influx.db" in said
        await here.office.say(said_until(40))
        assert "[moved]" not in await here.chat_shows("🟡", "6118")
        assert here.office.connections == 1, "nobody was disconnected"


@pytest.mark.slow
async def test_a_database_goes_on_from_its_spool_though_the_file_can_be_opened_no_more(tmp_path: Path) -> None:
    """Another address for it, then a second database that cannot be kept: neither ends the daemon, nor the first spool."""
    first = {"name": "first", "kind": "influxdb", "url": "http://127.0.0.1:1", "org": "o", "bucket": "b", "token": "t"}
    async with world(tmp_path) as here:
        here.settings(influx=[first])
        assert await here.reload() == (0, "influx first: added\n")
        spool = tmp_path / "state" / "spool-first.db"
        for path in spool.parent.glob("spool-first.db*"):
            path.unlink()
        spool.mkdir()
        here.settings(influx=[{**first, "url": "http://127.0.0.1:2"}])
        assert await here.reload() == (0, "influx first: changed\n")
        (tmp_path / "state" / "spool-second.db").mkdir()
        here.settings(influx=[{**first, "name": "second"}])
        code, said = await here.reload()
        assert (code, STAYS in said, "spool-second.db" in said) == (2, True, True), said
        await here.office.say(said_until(40))
        await here.chat_shows("🟡", "6118")
        assert here.office.connections == 1


@pytest.mark.slow
async def test_systemd_is_told(tmp_path: Path) -> None:
    with NotifySocket(tmp_path, watchdog_s=1.0) as socket:
        async with world(tmp_path, **socket.environment) as here:
            await socket.wait_for("READY=1", timeout_s=20)
            here.settings(names={"SIP/6118": "Boris"})
            here.daemon.hang_up()
            lines = await socket.wait_for("RELOADING=1", timeout_s=20)
            assert lines[-1].startswith("MONOTONIC_USEC=")
            lines = await socket.wait_for("READY=1", timeout_s=20)
            assert "STATUS=watching office" in lines
            await socket.wait_for("WATCHDOG=1", timeout_s=20)
            await here.daemon.logged("reload.changed names: changed")
            await here.office.say(said_until(40))
            await here.chat_shows("Boris", "6118")
            here.rules({"name": "loss"})
            here.daemon.hang_up()
            await socket.wait_for("RELOADING=1", timeout_s=20)
            assert any("reload refused" in line for line in await socket.wait_for("READY=1", timeout_s=20))


@pytest.mark.slow
async def test_the_page_comes_goes_and_takes_another_token(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api/v1/pbxes"
    async with world(tmp_path) as here, httpx.AsyncClient() as client:
        for token in ("the-first-token-of-all", "another-token-than-that"):
            here.settings(web={"listen": f"127.0.0.1:{port}", "token": token})
            assert await here.reload() == (0, "web: changed\n")
            await here.daemon.logged(f"web.listens on=127.0.0.1:{port}")
            assert await asked(client, url, token) == 200
        assert await asked(client, url, "the-first-token-of-all") == 401
        here.settings(web=None)
        assert await here.reload() == (0, "web: changed\n")
        assert await asked(client, url, "another-token-than-that") is None
        assert "the-first-token-of-all" not in "".join(here.daemon.log)


async def asked(client: httpx.AsyncClient, url: str, token: str) -> int | None:
    try:
        return (await client.get(url, headers={"Authorization": f"Bearer {token}"})).status_code
    except httpx.TransportError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("recording", ["asterisk-20/trunk-outage", "asterisk-20/sip-bridge-loss"])
async def test_however_often_it_is_reloaded_people_are_told_the_same(tmp_path: Path, recording: str) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / recording, speed=20.0) as (server, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        plain = config.read_text(encoding="utf-8")
        expected = foreseen(CAPTURES / recording, config)
        reloads = 0
        async with running(config) as daemon:
            await daemon.logged("ami.resynced")
            while not server.finished.is_set():
                reloads += 1
                config.write_text(f"{plain}lamps: {{SIP/nobody@nowhere: lamp{reloads}}}\n", encoding="utf-8")
                daemon.hang_up()
                await daemon.counted("reloaded changes=1", reloads)
            await telegram.wait(lambda: shown(telegram) == expected, timeout_s=30)
            assert await daemon.stop() == 0
        assert reloads > 5
        assert len([line for line in daemon.log if "ami.connected" in line]) == 1
        assert not [line for line in daemon.log if "Traceback" in line or "bug=yes" in line]


GUARD: dict[str, Any] = {
    "name": "no-satellites",
    "kind": "destination",
    "deny": ["+882"],
    "remedies": [{"action": "hangup", "cause": 21}],
}


def forbidden_call(number: int) -> str:
    return (
        f"Event: DialBegin\nPrivilege: call,all\nTimestamp: {time.time()}\nChannel: SIP/6117-{number}\n"
        f"Uniqueid: 7.{number}\nLinkedid: 7.{number}\nDestChannel: SIP/provider-{number}\nDestUniqueid: 8.{number}\n"
        f"DestLinkedid: 7.{number}\nDialString: provider/0088216123456\n\n"
    )


@pytest.mark.slow
async def test_a_call_that_must_not_be_is_hung_up_while_a_reload_waits_for_telegram(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.office.answers["hangup"] = "Response: Success\nActionID: {id}\n\n"
        here.rules(GUARD)
        here.settings(remedies={"enabled": True, "max_per_hour": 1000})
        assert (await here.reload())[0] == 0
        here.telegram.hang_after_accepting = 1
        calls = 1
        await here.office.say(forbidden_call(calls))
        await here.office.asked("Hangup", calls)
        here.settings(remedies={"enabled": True, "max_per_hour": 1000}, language="ru")
        reloading = asyncio.create_task(here.reload())
        while not reloading.done():
            calls += 1
            await here.office.say(forbidden_call(calls))
            await asyncio.wait({reloading}, timeout=0.5)
        assert (await reloading)[0] == 0
        await here.office.asked("Hangup", calls)
        hung_up = [action["channel"] for action in here.office.actions if action["action"] == "Hangup"]
        assert sorted(hung_up) == sorted(f"SIP/6117-{number}" for number in range(1, calls + 1))
