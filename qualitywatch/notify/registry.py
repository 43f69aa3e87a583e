"""Every channel that can carry a message: one line each, and the way from options to notifiers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final, Protocol, TypeAlias

from qualitywatch.notify.channels import apprise, console, telegram, webhook
from qualitywatch.ports import Notifier

ChannelOptions: TypeAlias = console.Options | telegram.Options | webhook.Options | apprise.Options


class Channel(Protocol):
    """What a channel's class offers; the options are those of its own module."""

    @property
    def options_type(self) -> type[Any]: ...

    def from_options(
        self, targets: Mapping[str, Any], *, show_pbx: bool, zone: tzinfo, remembered: Mapping[str, str]
    ) -> Mapping[str, Notifier]: ...


NOTIFIERS: Final[Mapping[str, Channel]] = {
    "apprise": apprise.AppriseNotifier,
    "console": console.ConsoleNotifier,
    "telegram": telegram.TelegramNotifier,
    "webhook": webhook.WebhookNotifier,
}


def build_notifiers(
    targets: Mapping[str, ChannelOptions], *, show_pbx: bool, zone: tzinfo, remembered: Mapping[str, str]
) -> dict[str, Notifier]:
    """Build a notifier for every target, in the given order; raises ConfigError.

    ``show_pbx`` puts the PBX's name in front of every message, ``zone`` is where its times are told, ``remembered`` is the
    store's meta, with what channels asked to be remembered (a chat's new id).
    """
    built: dict[str, Notifier] = {}
    for channel in NOTIFIERS.values():
        own = {name: options for name, options in targets.items() if isinstance(options, channel.options_type)}
        built.update(channel.from_options(own, show_pbx=show_pbx, zone=zone, remembered=remembered))
    return {name: built[name] for name in targets}
