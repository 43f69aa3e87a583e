"""A release that cannot read what another one stored tells of everything that comes afterwards all the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.app import assembly
from qualitywatch.app.daemon import Daemon
from qualitywatch.clock import SystemClock
from qualitywatch.config import read_config, read_config_and_rules
from qualitywatch.desk.desk import Desk
from qualitywatch.model import Alert, AlertKey, AlertState, Incident, NotifyReason, Severity, Silence, Transition
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.ports import StateChange, StoredState
from qualitywatch.room import SilenceRequest
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.patient import PatientStore
from tests.notify.targets import QUICK, Chat, Clock
from tests.store.state_file import sql

T0 = 1_763_848_800.0
CONFIG = """
pbx: [{name: office, host: 127.0.0.1, username: u, secret: s}]
notify: [{name: ops, kind: console}]
store: {directory: unused}
"""


def firing(subject: str, severity: Severity) -> Alert:
    key = AlertKey("trunk-down", "office", subject)
    return Alert(key, AlertState.FIRING, severity, "trunk_state", T0, {severity: T0}, fired_at=T0, worst=severity)


def fires(desk: Desk, *alerts: Alert) -> tuple[Incident, ...]:
    """The last of these alerts has begun to fire."""
    began = Transition(T0, alerts[-1], AlertState.INACTIVE, AlertState.FIRING, NotifyReason.FIRING)
    return desk.step("office", [began], alerts, T0).incidents


async def tell(store: PatientStore, stored: StoredState, chat: Chat, incidents: tuple[Incident, ...], news: int) -> None:
    """Let the dispatcher of one run tell a chat of incidents until so many messages are there."""
    await store.commit(StateChange(incidents=incidents))
    dispatcher = Dispatcher(store, {"ops": chat}, Clock(), incidents=stored.incidents, posts=stored.posts, backoff=QUICK)
    dispatcher.update(incidents)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(dispatcher.run())
        await chat.until(lambda chat: len(chat.messages) >= news)
        assert await dispatcher.drain(5)
        task.cancel()


async def test_what_follows_an_incident_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "c.yml").chmod(0o600)
    config, chat = read_config(tmp_path / "c.yml", {}), Chat()
    store = PatientStore(await SqliteStateStore.open(tmp_path, now=T0))
    stored = await store.load()
    first = firing("SIP/a", Severity.WARNING)
    await tell(store, stored, chat, fires(assembly.desk(config, (), stored, {}), first), 1)
    await store.commit(StateChange(alerts=(replace(first, state=AlertState.INACTIVE),)))
    await store.close()
    sql(tmp_path, """UPDATE incident SET body = replace(body, '"opened"', '"a_reason_of_a_newer_release"')""")

    store = PatientStore(await SqliteStateStore.open(tmp_path, now=T0))
    stored = await store.load()
    assert stored.incidents == ()
    (incident,) = incidents = fires(assembly.desk(config, (), stored, {}), firing("SIP/other", Severity.CRITICAL))
    await tell(store, stored, chat, incidents, 2)
    await store.close()
    assert [text for text in chat.texts if "critical firing" in text] == [f"living\n#{incident.id} critical firing 0%"]
    assert [message.incidents for message in chat.messages.values()] == [(1,), (2,)], "nobody's message speaks for another"


async def test_the_number_of_a_silence_that_cannot_be_read_is_not_given_again(tmp_path: Path) -> None:
    """Buttons of old messages and the audit still name it."""
    (tmp_path / "c.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "c.yml").chmod(0o600)
    config = read_config(tmp_path / "c.yml", {})
    store = PatientStore(await SqliteStateStore.open(tmp_path, now=T0))
    await store.commit(StateChange(silences=(Silence(7, T0 + 60, "Anna", T0, subjects=("*",)),)))
    await store.close()
    sql(tmp_path, "UPDATE silence SET body = 'x'")
    store = PatientStore(await SqliteStateStore.open(tmp_path, now=T0))
    desk = assembly.desk(config, (), await store.load(), {})
    made, _ = desk.silence(SilenceRequest(T0 + 60, subjects=("SIP/1",)), "Anna", T0)
    assert made.id == 8
    await store.close()


@pytest.mark.timeout(30)
async def test_a_silence_that_would_be_matched_for_ever_is_named_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Older releases took any expression, and a silence outlives a restart."""
    (tmp_path / "c.yml").write_text(CONFIG.replace("unused", str(tmp_path)), encoding="utf-8")
    (tmp_path / "c.yml").chmod(0o600)
    store = await SqliteStateStore.open(tmp_path, now=T0)
    await store.commit(StateChange(silences=(Silence(3, 4e9, "Anna", T0, subjects=("/(a+)+$/",)),)))
    await store.close()
    daemon = await Daemon.open(*read_config_and_rules(tmp_path / "c.yml"), SystemClock())
    await daemon.close()
    (line,) = [record.getMessage() for record in caplog.records if "silence.not_in_force" in record.message]
    assert line.startswith('silence.not_in_force id=3 by="Anna" why=\'subject "/(a+)+$/" may take too long to match: use ')
