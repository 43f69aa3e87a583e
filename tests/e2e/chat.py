"""What a chat finally shows: of a replay, and of a fake Telegram that a real daemon wrote to."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from pathlib import Path

from qualitywatch.commands.replay import ReplayOptions, replay
from tests.e2e.processes import CHAT
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.telegram_messages import Living

OVER = ("🟢", "⚪")
CONTINUED = ("continued below", "продолжение ниже")
RAISED = re.compile(r", (now|теперь) ")
FIGURE = re.compile(r"\d+([.,]\d+)?")


def messages_by_replay(recording: Path, config: Path, *after_gaps: Path) -> list[dict[str, object]]:
    """Every new message and edit that ``replay`` foresees for the chats of a configuration."""
    out = io.StringIO()
    options = ReplayOptions(files=(recording, *after_gaps), config=config, emit="messages", format="json")
    assert replay(options, out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def foreseen(recording: Path, config: Path, *after_gaps: Path) -> Counter[str]:
    """What the chat shows in the end, as ``replay`` foresees it, older messages of an incident left out.

    ``after_gaps`` are what was heard after the connection was lost, once or more often.
    """
    last = {
        (record["chat"], record["message_id"]): str(record["text"])
        for record in messages_by_replay(recording, config, *after_gaps)
    }
    return comparable(list(last.values()))


def shown(telegram: FakeTelegram, chat: int = CHAT) -> Counter[str]:
    """What the chat shows in the end."""
    return comparable([message.text for message in alerts(telegram, chat)])


def alerts(telegram: FakeTelegram, chat: int = CHAT) -> list[Living]:
    """The messages of the chat that are not pictures or files below others."""
    return [message for message in telegram.living(chat) if message.picture is None and message.document is None]


def comparable(texts: list[str]) -> Counter[str]:
    """Texts as they are where all is over; without figures where they were still changing when everything stopped.

    Lived through at once, a warning that turns critical is told as critical from the start.
    """
    kept = [RAISED.sub(", ", text) for text in texts if not text.endswith(CONTINUED)]
    return Counter(text if text.startswith(OVER) else FIGURE.sub("N", text) for text in kept)
