"""What an administrator can set, as frozen values that are already checked.

Directories and files are absolute paths; durations are seconds; None means not configured.  Secrets are ``Secret``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import TypeAlias

from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.document import Selector
from qualitywatch.model import Severity
from qualitywatch.quality.sites import Sites
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.secrets import Secret


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS to the manager interface; ``ca_file`` None trusts what the operating system trusts."""

    ca_file: Path | None
    verify: bool


@dataclass(frozen=True, slots=True)
class QueuesConfig:
    """How often queues are read, and which; ``only`` empty means all."""

    every_s: float = 30.0
    only: tuple[Selector, ...] = ()


@dataclass(frozen=True, slots=True)
class PbxConfig:
    """One Asterisk and how to log in to it; ``tls`` None is plain TCP, ``queues`` None leaves them unread."""

    name: str
    host: str
    port: int
    username: str
    secret: Secret
    md5: bool
    tls: TlsConfig | None
    queues: QueuesConfig | None = field(default_factory=QueuesConfig)
    ajam_path: str = ""  # where the manager interface is on the PBX's HTTP server; empty: it has a port of its own


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """The bot; ``base_url`` is the server's root without a trailing slash, ``proxy`` may hold a password.

    ``users`` are the people who may press buttons and change things, by the number of their account; ``commands`` says whether
    the bot listens at all; ``pictures`` is what chats do unless they say otherwise.
    """

    token: Secret
    base_url: str
    proxy: Secret | None
    users: Mapping[int, str] = field(default_factory=dict)
    commands: bool = True
    pictures: bool = True


@dataclass(frozen=True, slots=True)
class TelegramTarget:
    """One chat; ``topic`` is the forum topic's id, None for the chat itself; ``pictures``: charts below alerts."""

    chat_id: int
    topic: int | None
    pictures: bool = True


@dataclass(frozen=True, slots=True)
class ConsoleTarget:
    """Standard output of the daemon, which systemd keeps in the journal."""


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A server that takes JSON; ``secret`` is the key of the HMAC signature, None for none."""

    url: Secret
    secret: Secret | None


@dataclass(frozen=True, slots=True)
class AppriseTarget:
    """One or more addresses in the notation of the library apprise; they hold passwords."""

    urls: tuple[Secret, ...]


TargetOptions: TypeAlias = TelegramTarget | ConsoleTarget | WebhookTarget | AppriseTarget


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
    """All directories to load rules from, in order: that of the shipped rules, unless they are not wanted, comes first."""

    directories: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CallConfig:
    """The phone call when a critical alert stays unacknowledged for ``after_s`` seconds.

    ``channel`` is what Asterisk dials, ``prompt`` its sound file; ``attempts`` are per incident, ``every_s`` apart;
    ``per_hour`` bounds all calls together.
    """

    pbx: str
    channel: str
    caller_id: str
    after_s: float
    prompt: str
    attempts: int
    every_s: float
    ring_s: float
    per_hour: int


@dataclass(frozen=True, slots=True)
class LampConfig:
    """The lamp of a trunk: the state of ``Custom:<device>`` on a PBX."""

    trunk: str
    pbx: str
    device: str


@dataclass(frozen=True, slots=True)
class InfluxConfig:
    """A time series database; ``keep_s`` is what ``influx setup`` asks it for, None leaves that to it."""

    name: str
    kind: str
    url: str
    org: str
    bucket: str
    token: Secret | None
    database: str
    username: str | None
    password: Secret | None
    spool_bytes: int
    keep_s: float | None
    ca_file: Path | None = None  # whose certificates are trusted; None: those the operating system trusts


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The HTTP server; at least one of ``token`` and ``users`` (passwords by name) is there."""

    host: str
    port: int
    token: Secret | None
    users: Mapping[str, Secret] = field(default_factory=dict)
    is_metrics_open: bool = False
    is_behind_tls: bool = False


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """A report of each day or week to some targets; ``at`` is hour and minute, ``weekday`` 0 is Monday, None each day."""

    is_weekly: bool
    at: tuple[int, int]
    weekday: int | None
    targets: tuple[str, ...]
    language: str | None  # None: that of each target


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the daemon is told; ``warnings`` are lines like problems, of things that work but should not stay so.

    ``desk`` lacks the labels of rules, which are known when the rules are; ``morning`` is hour and minute in ``timezone``;
    ``trunk_peers`` gives the trunk a peer belongs to where its address does not tell; ``sites`` are the networks of places that
    have a name.
    """

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
    desk: DeskPolicy = field(default_factory=DeskPolicy)
    morning: tuple[int, int] = (8, 0)
    trunk_peers: Mapping[str, str] = field(default_factory=dict)
    sites: Sites = field(default_factory=dict)
    call: CallConfig | None = None
    lamps: tuple[LampConfig, ...] = ()
    influx: tuple[InfluxConfig, ...] = ()
    web: WebConfig | None = None
    reports: tuple[ReportConfig, ...] = ()
    grafana_url: str | None = None  # without a slash at its end
    remedies: RemedyPolicy = field(default_factory=RemedyPolicy)
    warnings: tuple[str, ...] = ()
