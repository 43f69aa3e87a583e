"""What was found out, before anybody judges it.

None is "could not be found out"; durations are seconds, ``_at`` Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from qualitywatch.ami.resync import Abilities


class Stage(StrEnum):
    """How far a connection came before it failed."""

    REACH = "reach"
    TLS = "tls"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no connection; ``text`` reads "what: what to do"."""

    stage: Stage
    text: str


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """``verify``: somebody checks who answers; ``ends_at``: of the certificate, only known when it is checked."""

    verify: bool
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class CallHeard:
    """One channel with media; ``up_s`` is how long it was answered while we listened, RTCP events are counted by direction."""

    peer: str
    up_s: float
    sent: int = 0
    received: int = 0
    codec_told: bool = False
    announced: bool = True  # its beginning was told, or lies before ours
    vanished: bool = False  # it is no longer there, and nobody told its end


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in ``seconds`` of listening.

    ``classes`` are those of the events' Privilege, ``gaps_s`` the times between two reports about one stream, ``unread`` how
    many events came that the daemon has no use for.
    """

    seconds: float
    events: int = 0
    unread: int = 0
    stamped: int = 0
    unstamped: int = 0
    classes: frozenset[str] = frozenset()
    own_login: bool = False
    calls: tuple[CallHeard, ...] = ()
    gaps_s: tuple[float, ...] = ()
    strays: int = 0  # reports of channels that have no technology with RTP, or no channel at all


@dataclass(frozen=True, slots=True)
class PbxFacts:
    """One PBX.  Everything after ``failure`` is only known without one.

    ``needed`` are the rights in ``write=`` that the configuration asks for, each with what for; ``granted`` the classes that
    this manager user has there; ``direct_media`` says of each endpoint asked whether its calls may go past the PBX.
    """

    name: str
    address: str
    username: str
    is_here: bool  # on this machine
    login_by: str = "MD5 challenge"
    secret_is_sent: bool = False  # as it is, for whoever listens on the way
    over_http: bool = False
    tls: TlsFacts | None = None
    failure: Failure | None = None
    daemon_runs: bool = False
    needed: Mapping[str, str] = field(default_factory=dict)
    abilities: Abilities | None = None
    booted: bool | None = None
    granted: frozenset[str] | None = None
    clock_ahead_s: float | None = None
    clock_accuracy_s: float = 0.0
    direct_media: Mapping[str, bool] = field(default_factory=dict)
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class BotFacts:
    """The Telegram bot; ``webhook``: what it is told goes somewhere else at present."""

    name: str | None
    trouble: str | None = None
    listens: bool = True  # as configured
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class ChatFacts:
    """A chat and how the bot stands in it; ``role`` is its status there, None in a private chat."""

    chat_id: int
    topic: int | None = None
    pictures: bool = True
    title: str = ""
    kind: str = ""
    has_topics: bool = False
    role: str | None = None
    may_write: bool = True
    may_send_files: bool = True
    trouble: str | None = None
    topic_trouble: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A time series database: what it said for itself, or what is wrong; ``passing``: it may be over in a moment."""

    said: str
    trouble: str | None = None
    passing: bool = False


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The state directory; ``user`` is whom the daemon runs as, ``foreign`` are files there that are not that user's."""

    directory: Path
    trouble: str | None = None
    free_bytes: int | None = None
    free_files: int | None = None  # None also where the file system sets no limit
    held_bytes: int = 0
    user: str | None = None
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file the configuration takes a secret from; ``readable``: by the user the unit runs the daemon as, None: not known."""

    key: str
    path: Path
    is_passed_on: bool  # by LoadCredential= of the unit, under the file's own name
    readable: bool | None


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """The secrets of a configuration that is started by a unit; ``user`` None without one."""

    user: str | None
    files: tuple[SecretFile, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """The systemd unit; ``path`` None when none is installed, ``state`` what systemctl shows of it, empty without one.

    ``has_systemd``: this machine was started by systemd, unlike most containers.
    """

    config: Path
    shipped: str
    path: Path | None = None
    text: str = ""
    dropins: Mapping[Path, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    has_systemd: bool = True
