"""Section ``notify``: the places that hear of alerts, by kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias

from qualitywatch.config.checks import LANGUAGES, is_plain_to_others, report_twins, url_problem
from qualitywatch.config.context import Context
from qualitywatch.config.machine import has_library
from qualitywatch.config.secret_keys import NOWHERE, read_optional_secret, read_secret, read_secrets, secret_key
from qualitywatch.config.settings import (
    AppriseTarget,
    ConsoleTarget,
    TargetConfig,
    TargetOptions,
    TelegramConfig,
    TelegramTarget,
    WebhookTarget,
)
from qualitywatch.config.telegram import MAX_ID
from qualitywatch.document import Section
from qualitywatch.model import Severity

_SUPERGROUPS_BELOW: Final = -1_000_000_000_000  # Bot API: supergroup ids are -100 followed by the id
_ANY_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")

_Reader: TypeAlias = Callable[[Section, Context, TelegramConfig | None], TargetOptions]


def read_targets(
    root: Section, context: Context, language: str, pbxes: Collection[str], telegram: TelegramConfig | None
) -> tuple[TargetConfig, ...]:
    """Read the targets; without any, the console."""
    sections = root.sections("notify")
    targets = tuple(_target(section, context, language, pbxes, telegram) for section in sections)
    report_twins(sections, [target.name for target in targets])
    return targets or (TargetConfig("console", "console", language, Severity.WARNING, (), ConsoleTarget()),)


def _target(
    section: Section, context: Context, language: str, pbxes: Collection[str], telegram: TelegramConfig | None
) -> TargetConfig:
    kind = section.text("kind", choices=tuple(_READERS))
    if kind == "telegram" and telegram is None:
        section.problem("kind", "needs a telegram section with the token of a bot")
    return TargetConfig(
        name=section.text("name", kind),
        kind=kind,
        language=section.text("language", language, choices=LANGUAGES),
        min_severity=section.choice("min_severity", Severity, Severity.WARNING),
        pbxes=section.texts("pbx", choices=sorted(pbxes)),
        options=_READERS[kind or _guess(section)](section, context, telegram),
    )


def _guess(section: Section) -> str:
    """Return what a target of a misspelt kind looks like, so that one mistake is told as one."""
    if "chat_id" in section:
        return "telegram"
    if "secret" in section or "secret_file" in section:
        return "webhook"
    return "apprise" if any(key in section for key in ("url", "url_file", "credential")) else "console"


def _console(_section: Section, _context: Context, _telegram: TelegramConfig | None) -> ConsoleTarget:
    return ConsoleTarget()


def _chat(section: Section, context: Context, telegram: TelegramConfig | None) -> TelegramTarget:
    chat_id = section.integer("chat_id", minimum=-MAX_ID, maximum=MAX_ID)
    if chat_id == 0:
        section.problem("chat_id", "must be the number of a chat")
    topic = section.integer("topic", None, minimum=1, maximum=2**31)
    if topic is not None and chat_id > _SUPERGROUPS_BELOW:
        section.problem("topic", "only supergroups have topics, and their chat_id begins with -100")
    pictures = section.boolean("pictures", telegram.pictures if telegram else True)
    if pictures and "pictures" in section:
        context.warn_without_library(section, "pictures", "matplotlib", "charts", "a line of blocks takes their place")
    return TelegramTarget(chat_id, topic, pictures)


def _webhook(section: Section, context: Context, _telegram: TelegramConfig | None) -> WebhookTarget:
    url = read_secret(section, "url", context)
    if url is not None:
        key = secret_key(section, "url")
        if reason := url_problem(url.reveal(), ("https", "http")):
            section.problem(key, reason)
        elif is_plain_to_others(url.reveal()):
            context.warn(section, key, "everybody on the way can read what is sent: use https://")
    return WebhookTarget(url or NOWHERE, read_optional_secret(section, "secret", context))


def _apprise(section: Section, context: Context, _telegram: TelegramConfig | None) -> AppriseTarget:
    urls = read_secrets(section, "url", context)
    if not all(_ANY_URL.fullmatch(url.reveal()) for url in urls):
        reason = "must be a URL of apprise, such as mailto://user:password@example.org or ntfy://topic"
        section.problem(secret_key(section, "url"), reason)
    if "kind" in section and not has_library("apprise"):
        section.problem("kind", 'needs the library apprise: pip install "qualitywatch[channels]"')
    return AppriseTarget(urls)


_READERS: Final[Mapping[str, _Reader]] = {
    "console": _console,
    "telegram": _chat,
    "webhook": _webhook,
    "apprise": _apprise,
}
