"""Section ``web``: the HTTP server with the status page, the API and figures for Prometheus; off unless there is one."""

from __future__ import annotations

import ipaddress
from typing import Final

import yaml

from qualitywatch.config.checks import host_problem
from qualitywatch.config.context import Context
from qualitywatch.config.secret_keys import read_optional_secret, read_secret, secret_key
from qualitywatch.config.settings import WebConfig
from qualitywatch.document import Section
from qualitywatch.document.values import is_null
from qualitywatch.secrets import Secret

DEFAULT_LISTEN: Final = "127.0.0.1:8080"
MIN_TOKEN: Final = 16
MIN_PASSWORD: Final = 8
_NEEDS: Final = "needs token_file (or token), users, or both: whoever reaches the page can see and silence everything"


def read_web(root: Section, context: Context) -> WebConfig | None:
    """Read the server's settings; None unless there is a section."""
    section = root.section("web")
    if section is None:
        if (node := root.node("web")) is not None and not isinstance(node, yaml.MappingNode | yaml.SequenceNode):
            root.problem("web", f"is empty: {_NEEDS}")
        return None
    host, port = _listen(section)
    token = read_optional_secret(section, "token", context)
    if token is not None and len(token.reveal()) < MIN_TOKEN:
        section.problem(
            secret_key(section, "token"),
            f"is too short: give {MIN_TOKEN} characters or more, such as openssl rand -hex 24 prints",
        )
    users = _users(section, context)
    if not any(key in section for key in ("token", "token_file", "users")):
        section.problem("", _NEEDS)
    is_behind_tls = section.boolean("behind_tls_proxy", False)
    if not _is_loopback(host) and not is_behind_tls:
        text = "everybody on the way can read passwords and the token: listen on 127.0.0.1 behind a proxy with TLS"
        context.warn(section, "listen", f"{text}, and say behind_tls_proxy: true")
    is_open = section.text("metrics", "closed", choices=("open", "closed")) == "open"
    context.warn_without_library(section, "", "fastapi", "web", "nothing is served")
    return WebConfig(host, port, token, users, is_metrics_open=is_open, is_behind_tls=is_behind_tls)


def _users(section: Section, context: Context) -> dict[str, Secret]:
    """Each user is a password, or a section with ``password`` or ``password_file``."""
    node = section.node("users")
    names = section.section("users")
    if names is None or not isinstance(node, yaml.MappingNode):
        return {}
    found: dict[str, Secret] = {}
    for name in names:
        value = names.node(name)
        user_name, colon, _ = name.partition(":")
        if colon and value is not None and is_null(value):
            continue  # "{anna:hunter2}" is one key to YAML; that a space is missing is told as of any other key
        if colon or not name.strip():
            names.problem(user_name, "must be a name without a colon")
        if isinstance(value, yaml.MappingNode):
            user = names.section(name)
            secret = read_secret(user, "password", context) if user is not None else None
        else:
            secret = read_optional_secret(names, name, context)
        if secret is None:
            continue
        if len(secret.reveal()) < MIN_PASSWORD:
            names.problem(name, f"has too short a password: give {MIN_PASSWORD} characters or more")
        found[name] = secret
    if not found and not list(names):
        section.problem("users", "names nobody")
    return found


def _listen(section: Section) -> tuple[str, int]:
    text = section.text("listen", DEFAULT_LISTEN)
    host, colon, port = text.rpartition(":")
    host = host.strip().removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        section.problem("listen", f"must be an address and a port, such as {DEFAULT_LISTEN} or [::1]:8080")
        return "127.0.0.1", 8080
    if reason := host_problem(host):
        section.problem("listen", reason)
    elif not _is_address(host):
        section.problem("listen", "must begin with an address, not a name: 127.0.0.1 or 0.0.0.0, for example")
    return host, int(port)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
