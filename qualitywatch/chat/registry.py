"""Every command: what it is called, who may use it, what does it, how it is described, and examples that work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.chat.asking import Asking, Handler
from qualitywatch.chat.incidents import alerts
from qualitywatch.chat.overviews import status, trunks
from qualitywatch.chat.parsing import read_language
from qualitywatch.chat.peers import peer
from qualitywatch.chat.rankings import report, worst
from qualitywatch.chat.silences import in_force, silence, silences, unsilence
from qualitywatch.chat.texts import LANGUAGES, texts_of
from qualitywatch.notify.inbound import Answer


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command; ``about`` by language, at most 256 characters (Bot API, BotCommand).

    ``examples`` name somebody who is there: see ``examples_of``.
    """

    name: str
    handler: Handler
    about: Mapping[str, str]
    examples: tuple[str, ...]
    needs_user: bool = False


def menu(language: str) -> Sequence[tuple[str, str]]:
    """Return names and descriptions for Telegram's setMyCommands."""
    return [(entry.name, _about(entry, language)) for entry in COMMANDS]


def examples_of(entry: CommandEntry, asking: Asking, nearest: str | None = None) -> list[str]:
    """Return the examples of a command with names that work here; ``nearest`` is a subject that was probably meant."""
    views = asking.room.pbxes()
    subject = nearest or next((peer.subject for view in views for peer in view.peers), "SIP/6117")
    technology, slash, number = subject.partition("/")
    silences = in_force(asking)
    names = {
        "subject": subject,
        "number": number or subject,
        "family": f"{technology}{slash}{number[:2]}" if slash else subject[:2],
        "pbx": views[0].name if views else "office",
        "silence": silences[0].id if silences else 1,
    }
    return [example.format_map(names) for example in entry.examples]


async def language(asking: Asking) -> Answer:
    """/lang: read another language from now on, or say which it is."""
    page = asking.page()
    if not asking.words:
        page.line(asking.texts.language_now)
        for known in LANGUAGES:
            page.line(f"/lang {known}")
        return page.answer()
    chosen = read_language(asking.words, LANGUAGES)
    await asking.set_language(chosen)
    page.line(texts_of(chosen).language_set)
    return page.answer()


async def help_(asking: Asking) -> Answer:
    """/help and /start: what there is, and for whom."""
    texts, page = asking.texts, asking.page()
    page.line(texts.help_head)
    page.blank()
    for entry in COMMANDS:
        page.line(f"/{entry.name}{'*' if entry.needs_user else ''} {_about(entry, asking.language)}")
    page.blank()
    page.line(texts.needs_user)
    page.line(texts.help_user.format(by=asking.by) if asking.by else texts.help_guest.format(id=asking.user_id))
    return page.answer()


def _about(entry: CommandEntry, language: str) -> str:
    return entry.about.get(language, entry.about["en"])


COMMANDS: Final = (
    CommandEntry(
        "status",
        status,
        {"en": "PBXes, trunks, phones, calls, incidents", "ru": "АТС, транки, телефоны, звонки, инциденты"},
        ("/status",),
    ),
    CommandEntry("alerts", alerts, {"en": "Open incidents", "ru": "Открытые инциденты"}, ("/alerts",)),
    CommandEntry("trunks", trunks, {"en": "Registrations with providers", "ru": "Регистрации у провайдеров"}, ("/trunks",)),
    CommandEntry(
        "peer",
        peer,
        {"en": "A phone: state, figures, chart", "ru": "Телефон: состояние, цифры, график"},
        ("/peer {number}", "/peer {subject} 24h"),
    ),
    CommandEntry(
        "worst",
        worst,
        {"en": "Worst by loss, jitter, mos or rtt", "ru": "Хуже всех: loss, jitter, mos, rtt"},
        ("/worst", "/worst mos 7d", "/worst jitter 1h"),
    ),
    CommandEntry(
        "report", report, {"en": "Summary of a day or a week", "ru": "Сводка за день или неделю"}, ("/report", "/report 7d")
    ),
    CommandEntry(
        "silence",
        silence,
        {"en": "Quiet for a while", "ru": "Заглушить на время"},
        (
            "/silence {subject} 2h new cable",
            "/silence rule=loss pbx={pbx} until 08:00",
            "/silence {family}* 30m",
            "/silence all 30m",
        ),
        needs_user=True,
    ),
    CommandEntry("silences", silences, {"en": "What is silenced", "ru": "Что заглушено"}, ("/silences",)),
    CommandEntry(
        "unsilence",
        unsilence,
        {"en": "End a silence", "ru": "Снять тишину"},
        ("/unsilence {silence}", "/unsilence all"),
        needs_user=True,
    ),
    CommandEntry(
        "lang", language, {"en": "Language of this chat", "ru": "Язык этого чата"}, ("/lang ru", "/lang en"), needs_user=True
    ),
    CommandEntry("help", help_, {"en": "What there is", "ru": "Что я умею"}, ("/help",)),
)
HIDDEN: Final = {"start": "help"}  # what Telegram sends when somebody opens the chat for the first time
