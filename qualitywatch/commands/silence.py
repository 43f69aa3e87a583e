"""``qualitywatch silence``: ask the running daemon for quiet, see who asked for it, end it.

The daemon is found by its socket: in the state directory of the configuration, or where it is named.  A service of systemd has
its state directory from its unit, not from the configuration, so that the usual place is looked into as well.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final, TextIO, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from qualitywatch.chat.times import clock_time_after, date_time
from qualitywatch.clock import SystemClock
from qualitywatch.config import read_config
from qualitywatch.config.machine import machine_timezone
from qualitywatch.control.client import NoDaemonError, ask
from qualitywatch.control.protocol import SOCKET, ExpireSilence, ListSilences, Request, Silences
from qualitywatch.document import format_duration, parse_duration_s
from qualitywatch.errors import ConfigError
from qualitywatch.model import Silence
from qualitywatch.notify.legible import legible
from qualitywatch.room import SilenceRequest

SERVICE_DIRECTORY: Final = Path("/var/lib/qualitywatch")  # StateDirectory= of the unit
T = TypeVar("T")
_EVERYTHING: Final = ("*",)
_TIME: Final = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})[ T])?(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the daemon is, as said on the command line; neither means the usual place of the service."""

    config: Path | None = None
    socket: Path | None = None

    def __str__(self) -> str:
        if self.socket is not None:
            return f" --socket {shlex.quote(str(self.socket))}"
        return "" if self.config is None else f" --config {shlex.quote(str(self.config))}"


@dataclass(frozen=True, slots=True)
class Wish:
    """A silence as it was typed."""

    rules: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    pbxes: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    everything: bool = False
    lasts: str | None = None
    until: str | None = None
    begins: str | None = None
    comment: str = ""


def add(place: Place, wish: Wish, out: TextIO) -> int:
    """Make a silence and say which; returns the exit code."""
    sockets, zone = sockets_and_zone(place)
    now = SystemClock().now()
    silences = ask_one_of(sockets, understood(wish, now, zone), Silences)
    for silence in silences.silences:
        began = "" if silence.starts_at is None else f"from {_local(silence.starts_at, zone)} "
        left = format_duration(round(silence.ends_at - (silence.starts_at or silences.now)))
        print(
            f"silence {silence.id}: {matched(silence)} {'is' if not began else 'will be'} quiet "
            f"{began}until {_local(silence.ends_at, zone)} ({left}). "
            f"To undo: qualitywatch silence expire{place} {silence.id}",
            file=out,
        )
    return 0


def show(place: Place, style: str, out: TextIO) -> int:
    """Print the silences in force or to come as a table, or as one JSON object a line; returns the exit code."""
    sockets, zone = sockets_and_zone(place)
    silences = ask_one_of(sockets, ListSilences(), Silences)
    if style == "json":
        for silence in silences.silences:
            print(json.dumps(asdict(silence)), file=out)
    elif not silences.silences:
        print("No silence is in force or to come.", file=out)
    else:
        width = None if out.isatty() else 160  # a file or a pipe has no edge to break lines at
        Console(file=out, highlight=False, width=width).print(_table(silences, zone))
    return 0


def expire(place: Place, number: int, out: TextIO) -> int:
    """End a silence and say which; returns the exit code."""
    sockets, _ = sockets_and_zone(place)
    for silence in ask_one_of(sockets, ExpireSilence(number), Silences).silences:
        print(f"silence {silence.id} is over: {matched(silence)} is told again", file=out)
    return 0


def understood(wish: Wish, now: float, zone: tzinfo) -> SilenceRequest:
    """Return what was typed as a request; raises ConfigError naming the option that makes no sense."""
    chosen = bool(wish.rules or wish.subjects or wish.pbxes or wish.severities)
    if chosen == wish.everything:
        raise ConfigError(["name what is to be quiet: either some of --rule, --subject, --pbx and --severity, or --all"])
    starts_at = None if wish.begins is None else _instant("--from", wish.begins, now, zone)
    begins_at = now if starts_at is None else starts_at
    if wish.until is not None:
        ends_at = _instant("--until", wish.until, begins_at, zone)
    else:
        lasts_s = parse_duration_s(wish.lasts or "")
        if not lasts_s:
            raise ConfigError([f'--for "{wish.lasts}": write a duration such as 30m, 2h or 1d'])
        ends_at = begins_at + lasts_s
    subjects = _EVERYTHING if wish.everything else wish.subjects
    return SilenceRequest(ends_at, starts_at, wish.rules, subjects, wish.pbxes, wish.severities, wish.comment)


def matched(silence: Silence) -> str:
    """Say in one line what a silence is about."""
    parts = [
        (name, selectors)
        for name, selectors in (
            ("rule", silence.rules),
            ("subject", silence.subjects),
            ("PBX", silence.pbxes),
            ("severity", silence.severities),
        )
        if selectors and "*" not in selectors
    ]
    told = ", ".join(f"{name} {legible(' or '.join(selectors))}" for name, selectors in parts) or "everything"
    return f"incident {silence.incident}: {told}" if silence.keys else told


def sockets_and_zone(place: Place) -> tuple[Sequence[Path], tzinfo]:
    """Return where the daemon may listen, and the zone people think in."""
    if place.config is None:
        return (place.socket or SERVICE_DIRECTORY / SOCKET,), machine_timezone(os.environ)
    try:
        config = read_config(place.config)
        service = read_config(place.config, {**os.environ, "STATE_DIRECTORY": str(SERVICE_DIRECTORY)})
    except ConfigError as exc:
        hint = f"to do without the configuration, name the socket: --socket {SERVICE_DIRECTORY / SOCKET}"
        raise ConfigError([*exc.problems, hint]) from exc
    if place.socket is not None:
        return (place.socket,), config.timezone
    directories = dict.fromkeys((config.store.directory, service.store.directory))
    return tuple(directory / SOCKET for directory in directories), config.timezone


def ask_one_of(sockets: Sequence[Path], request: Request, kind: type[T]) -> T:
    """Ask the first daemon that is found; raises ControlError."""
    for path in sockets[:-1]:
        try:
            return ask(path, request, kind)
        except NoDaemonError:
            continue
    try:
        return ask(sockets[-1], request, kind)
    except NoDaemonError as exc:
        places = " or ".join(map(str, sockets))
        raise NoDaemonError(f"no running daemon found at {places}: is qualitywatch running with this configuration?") from exc


def _instant(option: str, text: str, after: float, zone: tzinfo) -> float:
    found = _TIME.fullmatch(text.strip())
    if found is not None:
        year, month, day, hour, minute = (None if part is None else int(part) for part in found.groups())
        if hour is not None and minute is not None and hour < 24 and minute < 60:
            if year is None or month is None or day is None:
                return clock_time_after(after, hour, minute, zone)
            at = date_time(year, month, day, hour, minute, zone)
            if at is not None:
                return at
    raise ConfigError([f'{option} "{text}": write a time as 08:00, or with its day as "2026-11-24 08:00"'])


def _local(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%a %Y-%m-%d %H:%M %Z}".rstrip()


def _table(silences: Silences, zone: tzinfo) -> Table:
    table = Table("ID", "What is quiet", "From", "Until", "Left", "By", "Comment", box=None, pad_edge=False)
    for silence in silences.silences:
        starts_at = silence.starts_at or silence.created_at
        begun = starts_at <= silences.now
        cells = (
            str(silence.id),
            matched(silence),
            _local(starts_at, zone),
            _local(silence.ends_at, zone),
            format_duration(max(0, round(silence.ends_at - silences.now))) if begun else "to come",
            legible(silence.by),
            legible(silence.comment),
        )
        table.add_row(*map(Text, cells))
    return table
