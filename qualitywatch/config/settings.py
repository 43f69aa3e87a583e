"""What an administrator can set, as frozen values that are already checked.

Directories and files are absolute paths; durations are seconds; None means not configured.  Secrets are ``Secret``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TypeAlias

from qualitywatch.model import Severity
from qualitywatch.secrets import Secret


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS to the manager interface; ``ca_file`` None trusts what the operating system trusts."""

    ca_file: Path | None
    verify: bool


@dataclass(frozen=True, slots=True)
class PbxConfig:
    """One Asterisk and how to log in to it; ``tls`` None is plain TCP."""

    name: str
    host: str
    port: int
    username: str
    secret: Secret
    md5: bool
    tls: TlsConfig | None


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """The bot that sends; ``base_url`` is the server's root without a trailing slash, ``proxy`` may hold a password."""

    token: Secret
    base_url: str
    proxy: Secret | None


@dataclass(frozen=True, slots=True)
class TelegramTarget:
    """One chat; ``topic`` is the forum topic's id, None for the chat itself."""

    chat_id: int
    topic: int | None


@dataclass(frozen=True, slots=True)
class ConsoleTarget:
    """Standard output of the daemon, which systemd keeps in the journal."""


TargetOptions: TypeAlias = TelegramTarget | ConsoleTarget


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """One place alerts are sent to, and which of them; ``pbxes`` empty means all."""

    name: str
    kind: str
    language: str
    min_severity: Severity
    pbxes: tuple[str, ...]
    options: TargetOptions


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """How long series are kept, in seconds."""

    minutes_s: float
    hours_s: float
    calls_s: float
    events_s: float


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where state and series are kept; the directory need not exist yet."""

    directory: Path
    keep: RetentionConfig


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """All directories to load rules from, in order; the shipped rules come first when ``use_default``."""

    directories: tuple[Path, ...]
    use_default: bool


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the daemon is told; ``warnings`` are lines like problems, of things that work but should not stay so."""

    pbxes: tuple[PbxConfig, ...]
    targets: tuple[TargetConfig, ...]
    telegram: TelegramConfig | None
    store: StoreConfig
    rules: RulesConfig
    names: Mapping[str, str]  # peer to human name
    trunks: Mapping[str, str]  # normalised trunk to alias
    language: str
    timezone: tzinfo
    log_level: str
    warnings: tuple[str, ...] = ()
