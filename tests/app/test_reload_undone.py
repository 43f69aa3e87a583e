"""A reload that fails half-way, as the state can be read no more: the daemon lives, and goes on by the old configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.app.daemon import Daemon
from qualitywatch.clock import SystemClock
from qualitywatch.config.reader import read_config_and_rules
from qualitywatch.errors import StoreError
from qualitywatch.ports import StoredState
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.registry import STATE_STORES
from tests.fakes.ports import free_port
from tests.fakes.scripted_manager import ScriptedManager
from tests.web.house import TOKEN, configured


class Moody(MemoryStateStore):
    """A store whose disk fails when a test says so: ``fails`` counts the loads that do, after ``works`` that do not."""

    works, fails = 1_000, 0

    async def load(self) -> StoredState:
        """As the other, or raise StoreError."""
        if self.works:
            type(self).works -= 1
        elif self.fails:
            type(self).fails -= 1
            raise StoreError("state.db: disk I/O error")
        return await super().load()


@asynccontextmanager
async def daemon(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Daemon, ScriptedManager, asyncio.Event]]:
    """One that is asked to take over another name for a phone."""
    monkeypatch.setitem(STATE_STORES, "moody", Moody)
    monkeypatch.setattr(Moody, "works", 1_000)
    async with ScriptedManager().listening() as manager:
        web = {"listen": f"127.0.0.1:{free_port()}", "token": TOKEN}
        config, specs = read_config_and_rules(configured(folder, {"office": manager.port}, web))
        changed = replace(config, names={"SIP/6118": "Boris"})
        opened = await Daemon.open(
            *(config, specs, SystemClock()), state_kind="moody", series_kind="memory", read=lambda: (changed, specs)
        )
        stop = asyncio.Event()
        work = asyncio.create_task(opened.run(stop))
        try:
            await manager.asked("CoreShowChannels")
            yield opened, manager, stop
            assert not work.done()
        finally:
            stop.set()
            await asyncio.wait_for(work, 20)
            await opened.close()


@pytest.mark.parametrize(
    ("works", "fails"), [(0, 1), (1, 1), (1, 2)], ids=["at once", "once the old one has ended", "and for a while"]
)
async def test_a_state_that_cannot_be_read_leaves_the_old_configuration_in_force(
    works: int, fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with daemon(tmp_path, monkeypatch) as (opened, manager, _):
        monkeypatch.setattr(Moody, "works", works)
        monkeypatch.setattr(Moody, "fails", fails)
        done = await asyncio.wait_for(opened.reload(), 20)
        assert not done.applied
        assert done.problems == ("state.db: disk I/O error",)
        assert manager.connections == 1
        again = await asyncio.wait_for(opened.reload(), 20)
        assert again.changes == ("names: changed",)
