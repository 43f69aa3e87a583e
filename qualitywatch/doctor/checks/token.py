"""Whether Telegram knows the bot, and whether what it is told comes to us."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.facts import BotFacts
from qualitywatch.doctor.finding import Finding, Level, from_text, ok, warning


def judge(bot: BotFacts, now: float) -> Iterator[Finding]:
    """Say what became of asking for the bot's name."""
    del now
    if bot.trouble is not None:
        yield from_text(Level.ERROR, bot.trouble, "check the network, the proxy and the token")
        return
    yield ok(f"the token is that of @{bot.name}")
    if bot.webhook and bot.listens:
        yield warning(
            "what this bot is told goes to a web hook of somebody else; the daemon takes it away when it starts",
            "give qualitywatch a bot of its own (@BotFather), or set telegram.commands: false",
        )
