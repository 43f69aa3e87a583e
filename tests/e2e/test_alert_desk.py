"""The alert desk as its users know it: a real daemon, a recorded PBX, and a chat that is read, pressed and written to."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from qualitywatch.ami.recording import read_recording
from qualitywatch.ami.server import CaptureServer
from tests.conftest import CAPTURES
from tests.e2e.chat import alerts
from tests.e2e.processes import CHAT, REPOSITORY, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.telegram_messages import Living
from tests.fakes.webhook_server import WebhookServer

ANNA, STRANGER = 4711, 666
OUTAGE = CAPTURES / "asterisk-20/trunk-outage"
STORM = CAPTURES / "asterisk-20/loss-storm"
BOTH_DOWN_AT = 1795377595.0  # 19:59:55: both trunks of the recording are down
MOBILE = "PJSIP/74995555@127.0.0.1:5080"


def site(folder: Path, port: int, telegram: FakeTelegram, **more: Any) -> Path:
    """A configuration in which Anna may press; ``more`` goes over it."""
    path = Site(folder, {"office": port}, telegram.url).write()
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["telegram"]["users"] = {ANNA: "Anna"}
    document["notify"][0]["min_severity"] = "warning"
    document |= more
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    path.chmod(0o600)
    return path


def cut(recording: Path, at: float) -> tuple[bytes, bytes]:
    """A recording in two: what was heard up to an instant, and the rest."""
    data = (recording / "input.ami").read_bytes()
    later = next(timed.message.raw for timed in read_recording(data) if timed.at > at)
    place = data.index(later)
    return data[:place], data[place:]


@asynccontextmanager
async def serving(data: bytes, port: int = 0) -> AsyncIterator[int]:
    """A recorded PBX that lives on in silence when its recording is over."""
    server = CaptureServer(data, speed=0)
    try:
        yield await server.start("127.0.0.1", port)
    finally:
        await server.stop()


async def the_message(telegram: FakeTelegram, *words: str, chat: int = CHAT, number: int | None = None) -> Living:
    """Wait until the newest alert of the chat, or the one of this number, says all these words."""

    def found() -> Living | None:
        meant = [each for each in alerts(telegram, chat) if number in {None, each.message_id}][-1:]
        return next((message for message in meant if all(word in message.text for word in words)), None)

    await telegram.wait(lambda: found() is not None, timeout_s=40)
    message = found()
    assert message is not None
    return message


async def qualitywatch(*arguments: str) -> tuple[int, str]:
    """Run a command and return its exit code and everything it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "qualitywatch",
        *arguments,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def audit(folder: Path) -> list[tuple[str, str]]:
    """Who did what, as an administrator sees it with ``sqlite3``."""
    with sqlite3.connect(folder / "state" / "state.db") as database:
        return list(database.execute("SELECT who, action FROM audit ORDER BY id"))


def posted(folder: Path) -> list[int | None]:
    """Ids of the messages that the daemon knows to have sent."""
    with sqlite3.connect(folder / "state" / "state.db") as database:
        return [message_id for (message_id,) in database.execute("SELECT json_extract(body, '$.message_id') FROM post")]


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_one_message_lives_through_a_kill_an_acknowledgement_and_the_end(tmp_path: Path) -> None:
    begins, ends = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram:
        async with serving(begins) as port:
            config = site(tmp_path, port, telegram)
            async with running(config) as first:
                told = await the_message(telegram, "2 trunks are not registered")
                await until(lambda: told.message_id in posted(tmp_path))  # killed before that, it may tell the same again
                first.kill()
                await first.wait()
            async with running(config) as second:
                await second.logged("ami.resynced")
                assert not (await telegram.user_presses(told.message_id, ANNA, "Acknowledge", timeout_s=20)).is_alert
                await the_message(telegram, "acknowledged by Anna")
                assert await second.stop() == 0
        async with serving(ends, port), running(config) as third:
            # The recording goes on with a second outage, whose message may come before this one's last edit.
            over = await the_message(telegram, "🟢", "2 trunks are back", "acknowledged by Anna", number=told.message_id)
            await third.stop()
    assert over.buttons == ()
    assert ("Anna", "acknowledge") in audit(tmp_path)


async def test_a_stranger_may_not_press_and_undo_takes_it_back(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram, serving(begins) as port:
        async with running(site(tmp_path, port, telegram)) as daemon:
            told = await the_message(telegram, "not registered")
            refusal = await telegram.user_presses(told.message_id, STRANGER, "Acknowledge", timeout_s=20)
            assert refusal.is_alert
            await telegram.user_presses(told.message_id, ANNA, "Acknowledge")
            acknowledged = await the_message(telegram, "acknowledged by Anna")
            again = (
                await telegram.user_presses(told.message_id, ANNA, "ack:1") if "Acknowledge" in acknowledged.labels else None
            )
            assert again is None, "what is acknowledged cannot be acknowledged again"
            await telegram.user_presses(told.message_id, ANNA, acknowledged.labels[0])
            await telegram.wait(lambda: "acknowledged" not in alerts(telegram)[-1].text, timeout_s=20)
            assert await daemon.stop() == 0
        assert len(alerts(telegram)) == 1
    assert [action for _, action in audit(tmp_path)] == ["refused", "acknowledge", "unacknowledge"]


@pytest.mark.slow
async def test_a_button_from_before_the_state_was_lost_does_nothing_to_another_incident(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram:
        async with serving(begins) as port:
            config = site(tmp_path, port, telegram)
            async with running(config) as first:
                old = await the_message(telegram, "2 trunks are not registered")
                assert await first.stop() == 0
        (tmp_path / "state" / "state.db").write_bytes(b"damaged" * 1000)
        async with serving(begins, port), running(config) as second:
            await telegram.wait(lambda: len(alerts(telegram)) > 1, timeout_s=40)
            new = await the_message(telegram, "2 trunks are not registered")
            assert new.message_id != old.message_id
            answer = await telegram.user_presses(old.message_id, ANNA, "Acknowledge", timeout_s=20)
            assert answer.is_alert
            assert "Nothing was done" in answer.text
            assert not (await telegram.user_presses(new.message_id, ANNA, "Acknowledge", timeout_s=20)).is_alert
            assert await second.stop() == 0
    assert audit(tmp_path) == [("Anna", "acknowledge")]


@pytest.mark.slow
async def test_a_deleted_message_is_replaced_by_a_new_one(tmp_path: Path) -> None:
    begins, ends = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram:
        async with serving(begins) as port:
            config = site(tmp_path, port, telegram)
            async with running(config) as daemon:
                told = await the_message(telegram, "2 trunks are not registered")
                telegram.user_deletes(told.message_id)
                assert await daemon.stop() == 0
        async with serving(ends, port), running(config) as daemon:
            over = await the_message(telegram, "2 trunks are back")
            assert await daemon.stop() == 0
    assert over.message_id != told.message_id
    assert sum("2 trunks are back after 49 s" in message.text for message in alerts(telegram)) == 1


@pytest.mark.slow
async def test_the_command_line_silences_a_running_daemon(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram, serving(begins) as port:
        config = site(tmp_path, port, telegram)
        code, said = await qualitywatch("silence", "list", "--config", str(config))
        assert code == 1
        assert "no running daemon" in said
        async with running(config) as daemon:
            told = await the_message(telegram, "not registered")
            code, said = await qualitywatch(
                "silence",
                "add",
                "--config",
                str(config),
                "--rule",
                "trunk-down",
                "--for",
                "2h",
                "--comment",
                "provider is at it",
            )
            assert code == 0, said
            await the_message(telegram, "muted until", "provider is at it")
            code, said = await qualitywatch("silence", "list", "--config", str(config), "--format", "json")
            (silence,) = json.loads(said) if said.lstrip().startswith("[") else [json.loads(line) for line in said.splitlines()]
            assert code == 0
            assert silence["comment"] == "provider is at it"
            code, said = await qualitywatch("silence", "expire", "--config", str(config), str(silence["id"]))
            assert code == 0, said
            await telegram.wait(lambda: "muted" not in alerts(telegram)[-1].text, timeout_s=20)
            assert await daemon.stop() == 0
        assert [message.message_id for message in alerts(telegram)] == [told.message_id]


@pytest.mark.slow
async def test_the_chat_is_answered_and_learns_russian(tmp_path: Path) -> None:
    begins, ends = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram:
        async with serving(begins) as port:
            config = site(tmp_path, port, telegram)
            async with running(config) as daemon:
                await the_message(telegram, "2 trunks are not registered")
                status = await telegram.user_asks(CHAT, STRANGER, "/status", timeout_s=20)
                assert "office" in status.text
                trunks = await telegram.user_asks(CHAT, STRANGER, "/trunks")
                assert MOBILE in trunks.text
                wrong = await telegram.user_asks(CHAT, STRANGER, "/peer nobody")
                assert "/peer" in wrong.text or "SIP/" in wrong.text
                russian = await telegram.user_asks(CHAT, ANNA, "/lang ru")
                assert "язык" in russian.text.lower() or "рус" in russian.text.lower()
                assert telegram.menus.keys() >= {"", "ru"}
                assert await daemon.stop() == 0
        async with serving(ends, port), running(config) as daemon:
            await the_message(telegram, "🟢", "2 транка")
            assert await daemon.stop() == 0


@pytest.mark.slow
async def test_commands_of_other_chats_are_not_answered(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    elsewhere = -100999
    async with FakeTelegram() as telegram, serving(begins) as port, running(site(tmp_path, port, telegram)) as daemon:
        await the_message(telegram, "not registered")
        await telegram.user_says(elsewhere, STRANGER, "/status")
        await daemon.logged(str(elsewhere))
        await telegram.user_asks(CHAT, ANNA, "/status")
        assert await daemon.stop() == 0
    assert telegram.living(elsewhere) == []


@pytest.mark.slow
async def test_what_nobody_acknowledges_goes_to_the_next_chat(tmp_path: Path) -> None:
    head = -100777
    async with FakeTelegram() as telegram, playing(OUTAGE, speed=25) as (server, port):
        config = site(
            tmp_path,
            port,
            telegram,
            notify=[
                {"name": "ops", "kind": "telegram", "chat_id": CHAT},
                {"name": "head", "kind": "telegram", "chat_id": head, "language": "ru"},
            ],
            routes=[
                {"match": {"severity": "critical"}, "to": ["ops"], "escalate": {"after": "20s", "to": ["head"]}},
                {"to": ["ops"]},
            ],
        )
        async with running(config) as daemon:
            await asyncio.wait_for(server.finished.wait(), 60)
            await telegram.wait(lambda: bool(alerts(telegram, head)), timeout_s=20)
            assert await daemon.stop() == 0
    assert all("транк" in message.text.lower() for message in alerts(telegram, head))


@pytest.mark.slow
async def test_a_storm_with_telegram_away_ends_in_few_messages_that_name_everybody(tmp_path: Path) -> None:
    async with FakeTelegram(per_chat_per_minute=20, per_second=30) as telegram, playing(STORM, speed=0) as (server, port):
        await telegram.stop()
        async with running(site(tmp_path, port, telegram)) as daemon:
            await asyncio.wait_for(server.finished.wait(), 60)
            await daemon.logged("next attempt in")
            await telegram.start()
            await telegram.wait_sent(1, timeout_s=40)
            assert await daemon.stop() == 0
    shown = alerts(telegram)
    text = "\n".join(message.text for message in shown)
    assert 1 <= len(shown) <= 3
    assert not [number for number in range(6111, 6125) if f"SIP/{number}" not in text]


@pytest.mark.slow  # a chart comes half a minute after its message
async def test_a_chart_hangs_below_the_alert_without_a_sound(tmp_path: Path) -> None:
    recording = CAPTURES / "asterisk-22/jitter"
    async with (
        FakeTelegram() as telegram,
        playing(recording, speed=8) as (server, port),
        running(site(tmp_path, port, telegram, incidents={"group_by": []})) as daemon,
    ):
        await asyncio.wait_for(server.finished.wait(), 60)
        await telegram.wait(lambda: any(message.picture for message in telegram.living(CHAT)), timeout_s=60)
        assert await daemon.stop() == 0
    picture = next(message for message in telegram.living(CHAT) if message.picture)
    assert picture.is_silent
    assert picture.reply_to in {message.message_id for message in alerts(telegram)}
    assert picture.picture is not None
    assert picture.picture.startswith(b"\x89PNG")


@pytest.mark.slow
async def test_a_web_hook_is_told_as_well_and_signed(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, WebhookServer() as hook, playing(OUTAGE, speed=0) as (server, port):
        targets = [{"name": "ticket", "kind": "webhook", "url": hook.url, "secret": "shared key"}]
        async with running(site(tmp_path, port, telegram, notify=targets)) as daemon:
            await asyncio.wait_for(server.finished.wait(), 60)
            await until(lambda: any(b'"resolved"' in request.body for request in hook.requests))
            assert await daemon.stop() == 0
    assert all(request.signed_with("shared key") for request in hook.requests)


@pytest.mark.slow
async def test_where_nobody_may_press_there_are_no_buttons(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram, serving(begins) as port:
        config = site(tmp_path, port, telegram)
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        del document["telegram"]["users"]
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            told = await the_message(telegram, "not registered")
            assert await daemon.stop() == 0
    assert told.buttons == ()
