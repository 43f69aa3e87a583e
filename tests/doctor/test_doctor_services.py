"""What ``doctor`` says of the bot, its chats and databases: real HTTP on loopback, with every refusal there is a fix for."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.doctor.finding import Level
from tests.doctor.clinic import Diagnosis, examined, write_config
from tests.fakes.doctor_pbx import DoctorPbx
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.influx_server import InfluxServer
from tests.fakes.series_servers import influxdb1

GROUP, ANNA = -1001234567890, 700
INFLUX_TOKEN = "influx-Secret-91cc"


async def chat_diagnosed(tmp_path: Path, telegram: FakeTelegram, chat_id: int = GROUP, **target: Any) -> Diagnosis:
    async with DoctorPbx().manager().listening() as manager:
        bot = {"token": TOKEN, "base_url": telegram.url}
        notify = [{"name": "ops", "kind": "telegram", "chat_id": chat_id, **target}]
        return await examined(write_config(tmp_path, manager.port, telegram=bot, notify=notify), 0.0)


async def test_a_bot_that_may_write(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        found = await chat_diagnosed(tmp_path, telegram, topic=7)
        telegram.chats[GROUP] = {"is_forum": True}
        with_topics = await chat_diagnosed(tmp_path, telegram, topic=7)
        assert not telegram.sent, "doctor wrote to people"
    found.one("telegram token", Level.OK, "the token is that of @fake_bot")
    found.one("telegram chat", Level.ERROR, "the supergroup Ops has no topics")
    with_topics.one("telegram chat", Level.OK, "may write in the supergroup Ops, topic 7")


async def test_a_wrong_token(tmp_path: Path) -> None:
    async with FakeTelegram(token="999:another-bot") as telegram:
        found = await chat_diagnosed(tmp_path, telegram)
    found.one("telegram token", Level.ERROR, "Telegram refuses the bot token", "@BotFather", "telegram.token")
    assert not found.of("telegram chat")
    assert TOKEN not in str(found)


async def test_telegram_cannot_be_reached(tmp_path: Path) -> None:
    telegram = FakeTelegram()
    await telegram.start()
    await telegram.stop()
    found = await chat_diagnosed(tmp_path, telegram)
    found.one("telegram token", Level.ERROR, "Telegram could not be asked", "check the network")


async def test_what_the_bot_is_told_goes_elsewhere(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        telegram.webhook = "https://example.org/hook"
        found = await chat_diagnosed(tmp_path, telegram)
        assert telegram.webhook, "doctor changed something"
    found.one("telegram token", Level.WARNING, "goes to a web hook", "a bot of its own")


RIGHTS = {"can_send_messages": True, "can_send_photos": True, "can_send_documents": True}
RESTRICTED = {
    "status": "restricted",
    "is_member": True,
    "until_date": 0,
    **dict.fromkeys(
        (
            *("can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics", "can_send_polls"),
            *("can_send_audios", "can_send_videos", "can_send_video_notes", "can_send_voice_notes"),
            *("can_send_other_messages", "can_add_web_page_previews", "can_edit_tag", "can_react_to_messages"),
        ),
        False,
    ),
}


@pytest.mark.parametrize(
    ("chat", "member", "level", "texts"),
    [
        (None, {}, Level.ERROR, ("Chat not found", "check the chat id")),
        ({}, {"status": "left"}, Level.ERROR, ("the bot is not in the supergroup Ops", "add it")),
        ({}, {"status": "kicked", "until_date": 0}, Level.ERROR, ("the bot is not in", "add it")),
        ({}, {**RESTRICTED, **RIGHTS, "can_send_messages": False}, Level.ERROR, ("may not write", "an administrator")),
        ({}, {**RESTRICTED, **RIGHTS, "can_send_photos": False}, Level.WARNING, ("may not send pictures", "pictures: false")),
        ({}, {**RESTRICTED, **RIGHTS}, Level.OK, ("may write",)),
        ({}, {"status": "restricted"}, Level.OK, ("may write",)),  # without fields the library knows: "typing" was taken
        ({"permissions": {"can_send_messages": False}}, {}, Level.ERROR, ("may not write", "an administrator")),
        ({"type": "channel", "title": "News"}, {}, Level.ERROR, ("may not write in the channel News", "an administrator")),
    ],
)
async def test_how_the_bot_stands_in_a_group(
    chat: Mapping[str, object] | None, member: Mapping[str, object], level: Level, texts: tuple[str, ...], tmp_path: Path
) -> None:
    async with FakeTelegram() as telegram:
        telegram.chats[GROUP] = chat
        telegram.members[GROUP] = member
        found = await chat_diagnosed(tmp_path, telegram)
    found.one("telegram chat", level, *texts)


async def test_people_who_blocked_the_bot_and_groups_that_moved(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        good = await chat_diagnosed(tmp_path, telegram, ANNA)
        telegram.fail("sendChatAction", 403, "Forbidden: bot was blocked by the user")
        blocked = await chat_diagnosed(tmp_path, telegram, ANNA)
        telegram.moved[-100] = -1009
        moved = await chat_diagnosed(tmp_path, telegram, -100)
    good.one("telegram chat", Level.OK, "private Anna")
    blocked.one("telegram chat", Level.ERROR, "bot was blocked by the user", "unblock it")
    moved.one("telegram chat", Level.ERROR, "moved the chat -100 to -1009", "write chat_id: -1009")


async def test_a_topic_that_is_gone(tmp_path: Path) -> None:
    async with FakeTelegram(threads=frozenset()) as telegram:
        telegram.chats[GROUP] = {"is_forum": True}
        found = await chat_diagnosed(tmp_path, telegram, topic=7)
    found.one("telegram chat", Level.WARNING, "messages go to the chat itself", "correct topic")


# --- databases


async def series_diagnosed(tmp_path: Path, **influx: Any) -> Diagnosis:
    async with DoctorPbx().manager().listening() as manager:
        return await examined(write_config(tmp_path, manager.port, influx=[influx]), 0.0)


@pytest.mark.parametrize(
    ("status", "body", "level", "texts"),
    [
        (204, "", Level.OK, ("version 2.7.0", "bucket qualitywatch can be written to")),
        (404, '{"code":"not found","message":"bucket \\"x\\" not found"}', Level.ERROR, ("no bucket", "influx setup")),
        (401, '{"code":"unauthorized","message":"unauthorized access"}', Level.ERROR, ("refuses the token", "right to write")),
        (503, "", Level.WARNING, ("cannot take data now",)),
    ],
)
async def test_a_bucket(status: int, body: str, level: Level, texts: tuple[str, ...], tmp_path: Path) -> None:
    async with InfluxServer() as server:
        server.org, server.buckets = "qualitywatch", {"qualitywatch": None}
        server.answer_always(status, body)
        found = await series_diagnosed(tmp_path, url=server.url, token=INFLUX_TOKEN)
        assert not server.lines
    found.one("time series", level, *texts)
    assert INFLUX_TOKEN not in str(found)


async def test_a_database_that_is_down(tmp_path: Path) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        found = await series_diagnosed(tmp_path, url=f"http://127.0.0.1:{probe.getsockname()[1]}")
    found.one("time series", Level.WARNING, "cannot be reached", "is it running")


async def test_a_real_influxdb_without_our_database(tmp_path: Path) -> None:
    with influxdb1(tmp_path) as url:
        missing = await series_diagnosed(tmp_path, kind="influxdb1", url=url, database="nobody-made-it")
        wrong_version = await series_diagnosed(tmp_path, kind="influxdb", url=url)
        there = await series_diagnosed(tmp_path, kind="influxdb1", url=url, database="_internal")
    missing.one("time series", Level.ERROR, 'no database "nobody-made-it"', "influx setup")
    wrong_version.one("time series", Level.ERROR, "write kind: influxdb1")
    assert there.of("time series")
