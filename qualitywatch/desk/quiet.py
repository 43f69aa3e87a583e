"""Who asked for quiet at one instant: the silences and maintenance windows in force, and until when that stays so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from qualitywatch.desk.policy import DeskPolicy, MaintenanceWindow
from qualitywatch.desk.silences import ReadSilence, SilenceBook
from qualitywatch.model import Alert, Mute, MuteKind


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is in force in [since, until) of the wall clock."""

    since: float
    until: float
    silences: tuple[ReadSilence, ...]  # the one that ends last first
    windows: tuple[tuple[float, MaintenanceWindow], ...]  # with their ends, the one that ends last first

    def holds(self, wall: float) -> bool:
        """Whether this is still what is in force."""
        return self.since <= wall < self.until

    def same_as(self, other: Quiet) -> bool:
        """Whether both mute the same alerts for the same reasons."""
        return self.silences == other.silences and self.windows == other.windows

    def mute(self, alert: Alert, policy: DeskPolicy) -> Mute | None:
        """Why nobody is to be told of an alert, or None.  A silence explains more than a window, a longer one more still."""
        labels = policy.labels.get(alert.key.rule, {})
        for read in self.silences:
            if read.matcher.matches(alert, labels):
                silence = read.silence
                return Mute(MuteKind.SILENCE, str(silence.id), silence.ends_at, silence.by, silence.comment)
        for end, window in self.windows:
            if window.match.matches(alert, labels):
                return Mute(MuteKind.MAINTENANCE, window.name, end)
        return None


UNKNOWN: Final = Quiet(0.0, 0.0, (), ())  # holds at no time


def quiet_at(wall: float, book: SilenceBook, windows: Iterable[MaintenanceWindow]) -> Quiet:
    """What is in force at an instant of the wall clock."""
    windows = tuple(windows)
    until = min((book.next_edge(wall), *(window.hours.next_edge(wall) for window in windows)))
    covering = [(end, window) for window in windows if (end := window.hours.ends_at(wall)) is not None]
    covering.sort(key=lambda pair: -pair[0])
    return Quiet(wall, until, book.in_force(wall), tuple(covering))
