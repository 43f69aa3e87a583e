"""All checks, in the order in which they are told.  A new one is a file in ``checks`` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from qualitywatch.doctor.checks import (
    chats,
    clock,
    codecs,
    direct_media,
    disk,
    filters,
    interval,
    login,
    reachability,
    reports,
    rights,
    secrets,
    series,
    timestamps,
    tls,
    token,
    unit,
)
from qualitywatch.doctor.facts import BotFacts, ChatFacts, DiskFacts, PbxFacts, SecretFacts, SeriesFacts, UnitFacts
from qualitywatch.doctor.finding import Finding

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Check(Generic[F]):
    """A name for people, and the judgement of facts at an instant (Unix seconds)."""

    name: str
    judge: Callable[[F, float], Iterator[Finding]]


PBX: Final[tuple[Check[PbxFacts], ...]] = (
    Check("reachability", reachability.judge),
    Check("tls", tls.judge),
    Check("login", login.judge),
    Check("rights", rights.judge),
    Check("clock", clock.judge),
    Check("timestampevents", timestamps.judge),
    Check("event filters", filters.judge),
    Check("direct media", direct_media.judge),
    Check("rtcp", reports.judge),
    Check("rtcpinterval", interval.judge),
    Check("codecs", codecs.judge),
)
BOT: Final[tuple[Check[BotFacts], ...]] = (Check("telegram token", token.judge),)
CHAT: Final[tuple[Check[ChatFacts], ...]] = (Check("telegram chat", chats.judge),)
SERIES: Final[tuple[Check[SeriesFacts], ...]] = (Check("time series", series.judge),)
DISK: Final[tuple[Check[DiskFacts], ...]] = (Check("disk", disk.judge),)
SECRETS: Final[tuple[Check[SecretFacts], ...]] = (Check("secrets", secrets.judge),)
UNIT: Final[tuple[Check[UnitFacts], ...]] = (Check("systemd unit", unit.judge),)
