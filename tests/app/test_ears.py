"""The bot's ears as the daemon builds them: who is answered, and in which language, while chats move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest
import yaml

from qualitywatch.app import assembly
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.services import build_services
from qualitywatch.charts.painter import Painter
from qualitywatch.config import Config, read_config
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.registry import build_notifiers
from tests.app.office import Watch, running
from tests.chat.build import busy_room
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.targets import Store, incident, tell
from tests.notify.targets import running as telling

GROUP, SUPERGROUP, ANNA = -100, -100_999, 5


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def config(server: FakeTelegram, tmp_path: Path) -> Config:
    document = {
        "pbx": [{"name": "office", "host": "127.0.0.1", "username": "watch", "secret": "x"}],
        "store": {"directory": str(tmp_path)},
        "telegram": {"token": TOKEN, "base_url": server.url, "users": {ANNA: "Anna"}},
        "notify": [{"name": "ops", "kind": "telegram", "chat_id": GROUP}],
    }
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return read_config(path, {})


@asynccontextmanager
async def daemon(config: Config, store: Store) -> AsyncIterator[Dispatcher]:
    """What tells the group and what listens to it; two of these in a row are a restart."""
    meta, clock = (await store.load()).meta, Watch()
    options = {target.name: assembly.channel_options(config, target, meta, clock) for target in config.targets}
    notifiers = build_notifiers(options, show_pbx=False, zone=UTC, remembered=meta)
    keeper = Keeper(store, [], clock)
    (ears,) = build_services(config, busy_room(), notifiers, Painter(), keeper, meta, clock, {})
    try:
        async with telling(store, notifiers) as dispatcher, running(ears):
            yield dispatcher
    finally:
        await ears.close()
        for notifier in notifiers.values():
            await notifier.close()


async def test_a_group_that_becomes_a_supergroup_keeps_its_commands_and_its_language(
    server: FakeTelegram, config: Config
) -> None:
    store = Store()
    async with daemon(config, store):
        assert (await server.user_asks(GROUP, ANNA, "/lang ru")).text.startswith("Теперь этот чат читает по-русски")
        await server.becomes_supergroup(GROUP, SUPERGROUP)
        assert (await server.user_asks(SUPERGROUP, ANNA, "/lang")).text.startswith("Этот чат читает по-русски")
    async with daemon(config, store):
        assert (await server.user_asks(SUPERGROUP, ANNA, "/lang")).text.startswith("Этот чат читает по-русски")
        assert (await server.user_asks(SUPERGROUP, ANNA, "/lang en")).text.startswith("From now on this chat reads English")
    async with daemon(config, store) as dispatcher:
        assert (await server.user_asks(SUPERGROUP, ANNA, "/lang")).text.startswith("This chat reads English.")
        await tell(store, dispatcher, incident(6118))
        await server.wait(lambda: any("loss at SIP/6118" in message.text for message in server.living(SUPERGROUP)))


async def test_a_move_that_only_a_message_finds_out_is_followed_by_the_ears_too(server: FakeTelegram, config: Config) -> None:
    store = Store()
    async with daemon(config, store) as dispatcher:
        server.moved[GROUP] = SUPERGROUP
        await tell(store, dispatcher, incident(6117))
        await server.wait(lambda: bool(server.living(SUPERGROUP)))
        assert (await server.user_asks(SUPERGROUP, ANNA, "/lang")).text.startswith("This chat reads English.")
