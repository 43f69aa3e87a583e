"""Whole messages of every situation, as they are read, in both languages: ``golden/messages.<language>.txt``.

``pytest --update-golden`` writes them anew; read the difference as an administrator would at three in the morning.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qualitywatch.model import Notification
from qualitywatch.notify.render import notification
from qualitywatch.notify.texts import LANGUAGES
from tests.fakes.telegram_html import visible_text
from tests.notify.situations import SITUATIONS

GOLDEN = Path(__file__).parent / "golden"
MOSCOW = ZoneInfo("Europe/Moscow")
LIST_LINES = 4  # of an attachment, enough to see its shape


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_read_as_promised(language: str, update_golden: bool) -> None:
    golden = GOLDEN / f"messages.{language}.txt"
    shown = "\n\n".join(
        f"=== {name}\n{_shown(notification(bulletin, language, show_pbx=True, zone=MOSCOW))}"
        for name, bulletin in SITUATIONS.items()
    )
    if update_golden:
        golden.write_text(shown + "\n", encoding="utf-8")
    assert shown + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SITUATIONS)
def test_html_shows_the_same_words(name: str, language: str) -> None:
    message = notification(SITUATIONS[name], language, show_pbx=True, zone=MOSCOW)
    assert visible_text(message.html) == message.plain


def _shown(message: Notification) -> str:
    rows = ["".join(f"[{button.label}]" for button in row) for row in message.buttons]
    attached = []
    if message.attachment is not None:
        lines = message.attachment.content.decode().splitlines()
        attached = [f"({message.attachment.name}: {len(lines)} lines)", *(f"| {line}" for line in lines[:LIST_LINES])]
    return "\n".join((message.plain, *rows, *attached))
