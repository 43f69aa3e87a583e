"""From a YAML file to a checked ``Config``, or to every problem in it at once.

Strategy: each part reads its section to the end whatever it finds there; only when all parts are read and no problem was
found is a ``Config`` handed out.  Relative paths begin at the directory of the file itself.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from qualitywatch.config.machine import find_timezone, full_path, machine_timezone, path_problem, state_directory
from qualitywatch.config.secret_keys import read_secret
from qualitywatch.config.settings import (
    Config,
    ConsoleTarget,
    PbxConfig,
    RetentionConfig,
    RulesConfig,
    StoreConfig,
    TargetConfig,
    TelegramConfig,
    TelegramTarget,
    TlsConfig,
)
from qualitywatch.document import Problems, Section, read_document
from qualitywatch.errors import ConfigError
from qualitywatch.model import Severity
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.secrets import Secret
from qualitywatch.shipped import shipped

LANGUAGES: Final = ("en", "ru")
TARGET_KINDS: Final = ("console", "telegram")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_PROXY_SCHEMES: Final = ("socks5", "socks5h", "http", "https")
_TOKEN: Final = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_DAY_S: Final = 86_400.0
_MAX_KEPT_S: Final = 10_000 * _DAY_S
_NOWHERE: Final = Secret("")  # stands in for a secret that could not be read, until the problems are raised
_SUPERGROUPS_BELOW: Final = -1_000_000_000_000  # Bot API: supergroup ids are -100 followed by the id
_MAX_CHAT_ID: Final = 2**52  # Bot API: at most 52 significant bits


@dataclass(frozen=True, slots=True)
class _Reader:
    """What every part needs: the world around the file, and where to put warnings."""

    environ: Mapping[str, str]
    base: Path
    notes: Problems

    def root(self, root: Section) -> Config:
        language = root.text("language", "en", choices=LANGUAGES)
        pbx_sections = root.sections("pbx", required=True)
        pbxes = tuple(self.pbx(section) for section in pbx_sections)
        _report_twins(pbx_sections, [pbx.name for pbx in pbxes])

        telegram_section = root.section("telegram")
        telegram = self.telegram(telegram_section) if telegram_section else None

        target_sections = root.sections("notify")
        targets = tuple(_target(section, language, {pbx.name for pbx in pbxes if pbx.name}) for section in target_sections)
        _report_twins(target_sections, [target.name for target in targets])
        for section, target in zip(target_sections, targets, strict=True):
            if target.kind == "telegram" and telegram is None:
                section.problem("kind", "needs a telegram section with the token of a bot")

        return Config(
            pbxes=pbxes,
            targets=targets or (TargetConfig("console", "console", language, Severity.WARNING, (), ConsoleTarget()),),
            telegram=telegram,
            store=self.store(root),
            rules=self.rules(root),
            names=root.text_map("names"),
            trunks=root.text_map("trunks"),
            language=language,
            timezone=self.timezone(root),
            log_level=root.text("log_level", "info", choices=_LOG_LEVELS),
            warnings=tuple(self.notes.lines()),
        )

    def pbx(self, section: Section) -> PbxConfig:
        host = section.text("host")
        if reason := _host_problem(host):
            section.problem("host", reason)
        tls = self.tls(section)
        return PbxConfig(
            name=section.text("name", host),
            host=host,
            port=section.integer("port", 5039 if tls else 5038, minimum=1, maximum=65_535),
            username=section.text("username"),
            secret=read_secret(section, "secret", self.environ, self.base, self.notes) or _NOWHERE,
            md5=section.boolean("md5", True),
            tls=tls,
        )

    def tls(self, parent: Section) -> TlsConfig | None:
        section = parent.section("tls", required="tls" in parent)  # an emptied section must not mean plain text
        if section is None:
            return None
        enabled, verify = section.boolean("enabled", True), section.boolean("verify", True)
        ca_file = self.path(section, "ca_file")
        if enabled and ca_file is not None and (reason := path_problem(ca_file, directory=False)):
            section.problem("ca_file", reason)
        if enabled and not verify:
            warning = "anybody can pretend to be this PBX; give its certificate as ca_file instead"
            self.notes.add(section.source, section.line_of("verify"), section.path_of("verify"), warning)
        return TlsConfig(ca_file, verify) if enabled else None

    def telegram(self, section: Section) -> TelegramConfig:
        token = read_secret(section, "token", self.environ, self.base, self.notes)
        if token is not None and not _TOKEN.fullmatch(token.reveal()):
            key = next(key for key in ("token", "token_file", "credential") if key in section)
            section.problem(key, "not a bot token (digits, a colon, letters and digits); copy it again from @BotFather")
        base_url = section.text("base_url", "https://api.telegram.org").rstrip("/")
        if base_url.endswith("/bot"):
            section.problem("base_url", 'must not end in "/bot"')
        elif reason := _url_problem(base_url, ("https", "http")):
            section.problem("base_url", reason)
        proxy = section.text("proxy", None)
        if proxy is not None and (reason := _url_problem(proxy, _PROXY_SCHEMES)):
            section.problem("proxy", reason)
        return TelegramConfig(token or _NOWHERE, base_url, Secret(proxy) if proxy else None)

    def store(self, root: Section) -> StoreConfig:
        section = root.section("store")
        directory = self.path(section, "directory") if section else None
        if section is not None and directory is not None:
            if reason := path_problem(directory, directory=True, may_be_missing=True):
                section.problem("directory", reason)
        elif (directory := state_directory(self.environ)) is None:
            root.problem("store", "say where to keep state, as store.directory: this machine names no place for it")
        keep = section.section("keep") if section else None

        def kept_s(key: str, default_days: int) -> float:
            default_s = default_days * _DAY_S
            return keep.duration_s(key, default_s, minimum=_DAY_S, maximum=_MAX_KEPT_S) if keep else default_s

        retention = RetentionConfig(kept_s("minutes", 30), kept_s("hours", 730), kept_s("calls", 90), kept_s("events", 365))
        return StoreConfig(directory or self.base, retention)

    def rules(self, root: Section) -> RulesConfig:
        section = root.section("rules")
        use_default = section.boolean("defaults", True) if section else True
        directories = self.paths(section, "directory") if section else []
        for directory in directories:
            if section is not None and (reason := path_problem(directory, directory=True)):
                section.problem("directory", reason)
        if section is not None and not use_default and "directory" not in section:
            section.problem("defaults", "without the default rules and without a directory there is nothing to watch")
        try:
            default = [shipped("rules")] if use_default else []
        except FileNotFoundError as exc:
            root.problem("rules", str(exc))
            default = []
        return RulesConfig((*default, *directories), use_default)

    def timezone(self, root: Section) -> tzinfo:
        name = root.text("timezone", None)
        try:
            return find_timezone(name) if name is not None else machine_timezone(self.environ)
        except ValueError as exc:
            root.problem("timezone", str(exc))
            return UTC

    def path(self, section: Section, key: str) -> Path | None:
        text = section.text(key, None)
        try:
            return None if text is None else full_path(text, self.base)
        except ValueError as exc:
            section.problem(key, str(exc))
            return None

    def paths(self, section: Section, key: str) -> list[Path]:
        try:
            return [full_path(text, self.base) for text in section.texts(key)]
        except ValueError as exc:
            section.problem(key, str(exc))
            return []


def _target(section: Section, language: str, pbxes: set[str]) -> TargetConfig:
    kind = section.text("kind", choices=TARGET_KINDS)
    # With a misspelt kind the rest is still read as what it looks like: one mistake, one problem.
    chat = kind == "telegram" or (not kind and "chat_id" in section)
    return TargetConfig(
        name=section.text("name", kind),
        kind=kind,
        language=section.text("language", language, choices=LANGUAGES),
        min_severity=section.choice("min_severity", Severity, Severity.WARNING),
        pbxes=section.texts("pbx", choices=sorted(pbxes)),
        options=_telegram_target(section) if chat else ConsoleTarget(),
    )


def _telegram_target(section: Section) -> TelegramTarget:
    chat_id = section.integer("chat_id", minimum=-_MAX_CHAT_ID, maximum=_MAX_CHAT_ID)
    if chat_id == 0:
        section.problem("chat_id", "must be the number of a chat")
    topic = section.integer("topic", None, minimum=1, maximum=2**31)
    if topic is not None and chat_id > _SUPERGROUPS_BELOW:
        section.problem("topic", "only supergroups have topics, and their chat_id begins with -100")
    return TelegramTarget(chat_id, topic)


def _report_twins(sections: list[Section], names: list[str]) -> None:
    for index, (section, name) in enumerate(zip(sections, names, strict=True)):
        if name and name in names[:index]:
            key = "name" if "name" in section else ""
            section.problem(
                key, f'name "{name}" is already taken in line {sections[names.index(name)].line}; give another name'
            )


def _host_problem(host: str) -> str | None:
    if any(char in " /@[]" for char in host):
        return "must be a name or an address only, such as 192.0.2.10"
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return 'must be a name or an address only; the port belongs under "port"'
    return None


def _url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    """Return what is wrong with a URL without quoting it: it may hold a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return None if good else f"must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file; raise ConfigError with all of its problems when there are any."""
    config, problems = _survey(path, environ)
    problems.raise_if_any()
    if config is None:
        raise ConfigError([f"{path}: cannot be used"])
    return config


def read_config_and_rules(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Config, tuple[RuleSpec, ...]]:
    """Read a configuration file and the rules it names; raise ConfigError with all problems of both when there are any."""
    config, problems = _survey(path, environ)
    found = problems.lines()
    rules: tuple[RuleSpec, ...] = ()
    if config is not None:
        # A directory that cannot be read is a problem of the configuration and has been told already.
        directories = [each for each in config.rules.directories if path_problem(each, directory=True) is None]
        try:
            rules = load_rules(directories)
        except ConfigError as exc:
            found += exc.problems
    if config is None or found:
        raise ConfigError(found)
    return config, rules


def _survey(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, Problems]:
    """Return what could be read, with placeholders where there were problems, and the problems."""
    problems = Problems()
    root = read_document(path, problems, hint=_missing_hint())
    if root is None:
        return None, problems
    config = _Reader(environ, path.parent.absolute(), Problems()).root(root)
    root.close()
    return config, problems


def _missing_hint() -> str:
    try:
        return f"copy {shipped('systemd', 'qualitywatch.example.yml')} and fill it in"
    except FileNotFoundError:
        return "give the right one as --config"
