"""The bot and its chats: asked by the daemon's own connection.  Nothing is sent to anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from qualitywatch.app.assembly import channel_options
from qualitywatch.config import Config, TelegramConfig, TelegramTarget
from qualitywatch.doctor.facts import BotFacts, ChatFacts
from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.notify.boterrors import ThreadGoneError
from qualitywatch.notify.channels.telegram import Options, TelegramNotifier
from qualitywatch.ports import Clock


async def ask_telegram(
    config: Config, telegram: TelegramConfig, clock: Clock
) -> AsyncIterator[tuple[str, BotFacts | ChatFacts]]:
    """Yield what is known of the bot and of each of its chats, under the names of their targets."""
    options: dict[str, Options] = {}
    for target in config.targets:
        if isinstance(target.options, TelegramTarget):
            built = channel_options(config, target, {}, clock)
            if isinstance(built, Options):
                options[target.name] = built
    if not options:
        return
    try:
        chats = TelegramNotifier.from_options(options, show_pbx=False, zone=config.timezone, remembered={})
    except ConfigError as exc:
        yield "telegram", BotFacts(None, exc.problems[0])
        return
    try:
        bot = await _bot(chats, telegram)
        yield "telegram", bot
        if bot.trouble is None:
            for name, notifier in chats.items():
                yield name, await _chat(notifier, options[name])
    finally:
        for notifier in chats.values():
            await notifier.close()


async def _bot(chats: Mapping[str, TelegramNotifier], telegram: TelegramConfig) -> BotFacts:
    api = next(iter(chats.values())).api
    try:
        return BotFacts(await api.name(), listens=telegram.commands, webhook=await api.has_webhook())
    except NotifyError as exc:
        return BotFacts(None, str(exc))


async def _chat(notifier: TelegramNotifier, options: Options) -> ChatFacts:
    chat_id = options.chat_id if isinstance(options.chat_id, int) else 0
    facts = ChatFacts(chat_id, options.thread_id, options.pictures)
    try:
        place = await notifier.api.standing(options.chat_id)
    except NotifyError as exc:
        if exc.new_chat_id is not None:
            return ChatFacts(chat_id, trouble=f"{exc}: write chat_id: {exc.new_chat_id} into the configuration")
        return ChatFacts(chat_id, trouble=str(exc))
    trouble, topic_trouble = None, None
    if place.may_write:
        try:
            await notifier.api.show_typing(options.chat_id, options.thread_id)
        except ThreadGoneError as exc:
            topic_trouble = str(exc)
        except NotifyError as exc:
            trouble = str(exc)
    return ChatFacts(
        facts.chat_id,
        facts.topic,
        facts.pictures,
        title=place.title,
        kind=place.kind,
        has_topics=place.has_topics,
        role=place.role,
        may_write=place.may_write,
        may_send_files=place.may_send_files,
        trouble=trouble,
        topic_trouble=topic_trouble,
    )
