"""From options to notifiers, for every channel there is."""

from __future__ import annotations

import io
from datetime import UTC

from qualitywatch.notify.channels import apprise, console, telegram, webhook
from qualitywatch.notify.registry import NOTIFIERS, ChannelOptions, build_notifiers
from qualitywatch.ports import Notifier
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.told import bulletin


def test_every_channel_is_registered_under_its_module_name() -> None:
    assert {kind: channel.options_type for kind, channel in NOTIFIERS.items()} == {
        "apprise": apprise.Options,
        "console": console.Options,
        "telegram": telegram.Options,
        "webhook": webhook.Options,
    }


async def test_targets_of_all_kinds_are_built_in_the_given_order() -> None:
    async with FakeTelegram() as server:
        stream = io.StringIO()
        chat = telegram.Options(42, Secret(TOKEN), base_url=server.url)
        targets: dict[str, ChannelOptions] = {
            "b": chat,
            "out": console.Options(stream=stream),
            "a": telegram.Options(43, Secret(TOKEN), base_url=server.url),
        }
        built: dict[str, Notifier] = build_notifiers(
            targets, show_pbx=True, zone=UTC, remembered={"telegram.chat.43": "-100", "unrelated": "x"}
        )
        assert list(built) == ["b", "out", "a"]
        for notifier in built.values():
            await notifier.send(notifier.render(bulletin()))
            await notifier.close()
        assert {sent.chat_id: sent.text.splitlines()[0] for sent in server.sent} == {
            42: "🟡 [office] loss to SIP/6117 5.45%",
            -100: "🟡 [office] loss to SIP/6117 5.45%",
        }
        assert stream.getvalue().startswith("🟡 [office] loss to SIP/6117 5.45%\n")
