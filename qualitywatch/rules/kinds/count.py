"""Rule kind ``count``: how often something happened within a window: failed logins, or comings and goings.

Strategy: what happened is kept with its instant as long as the window reaches back, so the figure falls by itself when it stops
happening.  A coming or going is a change between being there and not; states that are neither (asked again, not known yet) are
passed over.  After a gap, or a restart, nothing is said to be over before the window has been open for its whole length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from qualitywatch.document import Section, format_duration
from qualitywatch.model import (
    AlertKey,
    Evaluation,
    Level,
    Observation,
    PeerState,
    Severity,
    Signal,
    StatusObservation,
    Tally,
    TallyObservation,
    TrunkState,
)
from qualitywatch.rules.bands import Band
from qualitywatch.rules.limits import Limit, crossing, edges, read_limits
from qualitywatch.rules.spec import Common

DETAILS_TOLD: Final = 5  # of names that were tried


class Comer(StrEnum):
    """Who comes and goes."""

    PEER = "peer"
    TRUNK = "trunk"


TALLIES: Final = (Tally.LOGIN_FAILED,)  # of which the number alone says something
_THERE: Final = frozenset({PeerState.REGISTERED, PeerState.REACHABLE, PeerState.LAGGED, TrunkState.REGISTERED})
_AWAY: Final = frozenset(
    {
        *(PeerState.UNREACHABLE, PeerState.UNREGISTERED),
        *(TrunkState.REJECTED, TrunkState.FAILED, TrunkState.UNREGISTERED, TrunkState.SILENT),
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    tally: Tally | None
    changes_of: Comer | None
    window_s: float
    clear_hold_s: float
    limits: Mapping[Severity, Limit]

    @property
    def band(self) -> Band:
        """How often it happened, and its limits."""
        what = str(self.tally) if self.changes_of is None else f"comings and goings of a {self.changes_of}"
        return Band(f"number of {what}", ("count", self.tally, self.changes_of, self.window_s), edges(self.limits))

    @property
    def topic(self) -> str:
        return f"{self.changes_of}_flaps" if self.changes_of is not None else str(self.tally)


@dataclass(frozen=True, slots=True)
class _Happened:
    at: float
    times: float
    detail: str | None


class CountRule:
    """One count rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._windows: dict[AlertKey, deque[_Happened]] = {}
        self._is_there: dict[AlertKey, bool] = {}
        self._opened_at: float | None = None

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.tally or f"{self._options.changes_of}_state"})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in one thing that happened; its key is worth evaluating."""
        if not isinstance(observation, TallyObservation | StatusObservation):
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        times = self._times(key, observation)
        if times <= 0:
            return ()
        self._open(observation.at)
        self._windows.setdefault(key, deque()).append(_Happened(observation.at, times, observation.detail))
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from what happened within the last window."""
        if key.rule != self._common.name:
            return None
        opened_at = self._open(now)
        window = self._windows.get(key, deque())
        while window and window[0].at <= now - self._options.window_s:
            window.popleft()
        count = sum(happened.times for happened in window)
        is_whole = now - opened_at >= self._options.window_s
        levels = tuple(
            Level(severity, _signal(count, limit, is_whole), limit.hold_s) for severity, limit in self._options.limits.items()
        )
        if all(level.signal is Signal.UNKNOWN for level in levels):
            return self._opinion(key, now, levels, None, {})
        details = {"window_s": f"{self._options.window_s:.0f}", **_names(window)} if window else {}
        return self._opinion(key, now, levels, count, details)

    def forget(self) -> None:
        """Drop all windows, and who was there: what happened in the gap is not known."""
        self._windows.clear()
        self._is_there.clear()
        self._opened_at = None

    def expire(self, now: float) -> None:
        """Drop windows in which nothing is left; scanners come from many addresses."""
        horizon = now - self._options.window_s
        for key in [key for key, window in self._windows.items() if not window or window[-1].at <= horizon]:
            del self._windows[key]

    def _times(self, key: AlertKey, observation: TallyObservation | StatusObservation) -> float:
        if isinstance(observation, TallyObservation):
            return observation.total if observation.tally is self._options.tally else 0
        if observation.entity != self._options.changes_of:
            return 0
        if observation.status not in _THERE and observation.status not in _AWAY:
            return 0
        before, self._is_there[key] = self._is_there.get(key), observation.status in _THERE
        return 0 if before is None or before is self._is_there[key] else 1

    def _open(self, now: float) -> float:
        if self._opened_at is None or now < self._opened_at:
            self._opened_at = now
        return self._opened_at

    def _opinion(
        self, key: AlertKey, now: float, levels: tuple[Level, ...], count: float | None, details: Mapping[str, str]
    ) -> Evaluation:
        return Evaluation(
            key,
            now,
            levels,
            count,
            self._options.clear_hold_s,
            topic=self._options.topic,
            details=details,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )


def _signal(count: float, limit: Limit, is_whole: bool) -> Signal:
    signal = crossing(count, limit.enter, limit.clear)
    # There may have been more before we began to look.
    return signal if is_whole or signal is Signal.BREACH else Signal.UNKNOWN


def _names(window: Iterable[_Happened]) -> dict[str, str]:
    """What was tried, the latest first."""
    names = list(dict.fromkeys(happened.detail for happened in reversed(tuple(window)) if happened.detail))
    if not names:
        return {}
    told = ", ".join(names[:DETAILS_TOLD]) + (", ..." if len(names) > DETAILS_TOLD else "")
    return {"names": told, "names_count": str(len(names))}


def parse(common: Common, section: Section) -> tuple[str, Callable[[], CountRule]]:
    """Read the keys of a count rule; problems go to the section's document."""
    tally = section.text("tally", None, choices=TALLIES)
    changes_of = section.choice("changes_of", Comer, None)
    if ("tally" in section) == ("changes_of" in section):
        section.problem("tally", f"a count rule needs either tally ({', '.join(TALLIES)}) or changes_of ({', '.join(Comer)})")
    limits = read_limits(section, lambda part, key, default: part.number(key, default, minimum=1))
    if not limits:
        section.problem("warning", "a count rule needs at least one of info, warning and critical, such as {enter: 5}")
    options = Options(
        tally=Tally(tally) if tally else None,
        changes_of=changes_of,
        window_s=section.duration_s("window", 300.0 if changes_of is None else 600.0, minimum=5, maximum=86_400),
        clear_hold_s=section.duration_s("clear_hold", 0.0),
        limits=limits,
    )
    what = f"comings and goings of a {changes_of}" if changes_of is not None else f"{tally}"
    parts = [f"{severity} from {limit.enter:g}" for severity, limit in limits.items()]
    return f"{what} in {format_duration(options.window_s)}: " + ", ".join(parts), partial(CountRule, common, options)
