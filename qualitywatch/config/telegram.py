"""Section ``telegram``: the bot, the way to its server, and who may press its buttons."""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.config.checks import url_problem
from qualitywatch.config.context import Context
from qualitywatch.config.secret_keys import NOWHERE, read_optional_secret, read_secret, secret_key
from qualitywatch.config.settings import TelegramConfig
from qualitywatch.document import Section
from qualitywatch.secrets import Secret

_PROXY_SCHEMES: Final = ("socks5", "socks5h", "http", "https")
_TOKEN: Final = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_USER_ID: Final = re.compile(r"[1-9][0-9]{0,15}")
MAX_ID: Final = 2**52  # Bot API: ids of users and chats have at most 52 significant bits


def read_telegram(root: Section, context: Context) -> TelegramConfig | None:
    """Read the bot; None when there is none."""
    section = root.section("telegram")
    if section is None:
        return None
    token = read_secret(section, "token", context)
    if token is not None and not _TOKEN.fullmatch(token.reveal()):
        key = secret_key(section, "token")
        section.problem(key, "not a bot token (digits, a colon, letters and digits); copy it again from @BotFather")
    base_url = section.text("base_url", "https://api.telegram.org").rstrip("/")
    if base_url.endswith("/bot"):
        section.problem("base_url", 'must not end in "/bot"')
    elif reason := url_problem(base_url, ("https", "http")):
        section.problem("base_url", reason)
    proxy = _proxy(section, context)
    if proxy is not None and (reason := url_problem(proxy.reveal(), _PROXY_SCHEMES)):
        section.problem(secret_key(section, "proxy"), reason)
    return TelegramConfig(
        token=token or NOWHERE,
        base_url=base_url,
        proxy=proxy,
        users=_users(section),
        commands=section.boolean("commands", True),
        pictures=_pictures(section, context),
    )


def _proxy(section: Section, context: Context) -> Secret | None:
    """The proxy's address, which only sometimes holds a password: one in the configuration need not be hidden from readers."""
    if "proxy_file" in section:
        return read_optional_secret(section, "proxy", context)
    proxy = section.text("proxy", None)
    return Secret(proxy) if proxy else None


def _users(section: Section) -> dict[int, str]:
    users = {}
    people = section.section("users")
    for key, name in section.text_map("users").items():
        if _USER_ID.fullmatch(key) and int(key) <= MAX_ID:
            users[int(key)] = name
        elif people is not None:
            people.problem(key, "must be the number of a user, with a name after it, such as 123456789: Anna")
    return users


def _pictures(section: Section, context: Context) -> bool:
    pictures = section.boolean("pictures", True)
    if pictures and "pictures" in section:
        context.warn_without_library(section, "pictures", "matplotlib", "charts", "a line of blocks takes their place")
    return pictures
