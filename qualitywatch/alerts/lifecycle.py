"""The life of an alert: inactive, pending, firing, and back.  One table.

Strategy: each evaluation says of every severity level whether its condition holds, is over, is undecided or cannot be
judged.  A level stays active between its entry and its exit threshold (hysteresis).  The most urgent level that has been
active for its hold time fires; nothing active for the clear hold resolves.  No data is unknown, not OK: it changes nothing,
until there is nothing left to judge.  Restarting changes nothing either: an ``Alert`` is all the memory there is, and it is
stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from qualitywatch.alerts.policy import notify_reason
from qualitywatch.model import Alert, AlertKey, AlertState, Evaluation, Level, Severity, Signal, Transition


class Input(Enum):
    """What an evaluation means for the alert as a whole."""

    BREACHED = auto()  # some level is active, none long enough
    HELD = auto()  # some level has been active for its hold
    CALM = auto()  # no level is active, not for long enough
    CALM_HELD = auto()  # no level has been active for the clear hold
    NO_DATA = auto()  # cannot be judged now


TRANSITIONS: Final[Mapping[tuple[AlertState, Input], AlertState]] = MappingProxyType(
    {
        (AlertState.INACTIVE, Input.BREACHED): AlertState.PENDING,
        (AlertState.INACTIVE, Input.HELD): AlertState.FIRING,
        (AlertState.INACTIVE, Input.CALM): AlertState.INACTIVE,
        (AlertState.INACTIVE, Input.CALM_HELD): AlertState.INACTIVE,
        (AlertState.INACTIVE, Input.NO_DATA): AlertState.INACTIVE,
        (AlertState.PENDING, Input.BREACHED): AlertState.PENDING,
        (AlertState.PENDING, Input.HELD): AlertState.FIRING,
        (AlertState.PENDING, Input.CALM): AlertState.INACTIVE,
        (AlertState.PENDING, Input.CALM_HELD): AlertState.INACTIVE,
        (AlertState.PENDING, Input.NO_DATA): AlertState.PENDING,
        (AlertState.FIRING, Input.BREACHED): AlertState.FIRING,
        (AlertState.FIRING, Input.HELD): AlertState.FIRING,
        (AlertState.FIRING, Input.CALM): AlertState.FIRING,
        (AlertState.FIRING, Input.CALM_HELD): AlertState.INACTIVE,
        (AlertState.FIRING, Input.NO_DATA): AlertState.FIRING,
    }
)


class Lifecycle:
    """All alerts of one PBX that are pending or firing."""

    def __init__(self, alerts: Iterable[Alert] = (), *, name_of: Callable[[str], str | None] = lambda subject: None) -> None:
        self._alerts = {alert.key: alert for alert in alerts if alert.state is not AlertState.INACTIVE}
        self._name_of = name_of
        self._resting: set[AlertKey] = set()
        self._of_subject: dict[str, dict[AlertKey, None]] = {}
        for key in self._alerts:
            self._of_subject.setdefault(key.subject, {})[key] = None

    def active(self) -> Mapping[AlertKey, Alert]:
        """Pending and firing alerts."""
        return MappingProxyType(self._alerts)

    @property
    def subjects(self) -> Collection[str]:
        """Who has alerts that are pending or firing, at any time: a live view."""
        return self._of_subject.keys()

    def of_subject(self, subject: str) -> Iterable[Alert]:
        """Pending and firing alerts of one subject."""
        return [self._alerts[key] for key in self._of_subject.get(subject, ())]

    def due(self) -> list[Alert]:
        """Pending and firing alerts of which the mere passing of time may make something else."""
        return [alert for key, alert in self._alerts.items() if key not in self._resting]

    def rest(self, evaluation: Evaluation) -> None:
        """Ask no more for opinions like this one, if time has already done all that it can do with it."""
        alert = self._alerts.get(evaluation.key)
        if alert is None or alert.state is not AlertState.FIRING or not alert.level_since:
            return
        since = alert.level_since
        if all(evaluation.at - since.get(level.severity, -math.inf) >= level.hold_s for level in evaluation.levels):
            self._resting.add(evaluation.key)

    def wake(self) -> None:
        """Ask of all again."""
        self._resting.clear()

    def drop(self, key: AlertKey) -> Alert | None:
        """Forget an alert without telling anybody: its rule is gone. Returns its inactive form for the store."""
        alert = self._take_out(key)
        return replace(alert, state=AlertState.INACTIVE) if alert is not None else None

    def skip(self, seconds: float, *, topics_seen: Collection[str] = ()) -> None:
        """Let holds stand still over a time in which nothing could be seen, but for topics that were seen all the while."""
        self.wake()
        for key, alert in self._alerts.items():
            if alert.topic not in topics_seen:
                self._alerts[key] = replace(
                    alert,
                    level_since={severity: since + seconds for severity, since in alert.level_since.items()},
                    clear_since=None if alert.clear_since is None else alert.clear_since + seconds,
                )

    def apply(self, evaluation: Evaluation) -> Transition | None:
        """Move one alert by one evaluation; None when neither its state nor its severity changed.

        While it fires, one more channel is a change too: of reason NONE, for whoever acts on channels.
        """
        if evaluation.one_shot:
            return self._happened(evaluation)
        self._resting.discard(evaluation.key)
        before = self._alerts.get(evaluation.key)
        if before is not None:
            before = _not_after(before, evaluation.at)
        if self._explained_elsewhere(evaluation) and (before is None or before.state is AlertState.PENDING):
            return None if before is None else self._settle(before, before, AlertState.INACTIVE, evaluation.at, "explained")
        if evaluation.off_duty and (before is None or before.state is AlertState.PENDING):
            return None if before is None else self._settle(before, before, AlertState.INACTIVE, evaluation.at, "off_duty")
        return self._move(before, evaluation)

    def _move(self, before: Alert | None, evaluation: Evaluation) -> Transition | None:
        now = evaluation.at
        level_since = active_levels(before.level_since if before is not None else {}, evaluation)
        signals = {level.signal for level in evaluation.levels}
        held = []
        if not signals <= {Signal.UNKNOWN}:  # where nothing can be judged, the severity stays as well
            held = [level.severity for level in evaluation.levels if _held(before, level, level_since, now)]
        calm_since = None
        if not level_since and before is not None:
            calm_since = before.clear_since if before.clear_since is not None else now
        given = _input(signals, level_since, held, calm_since, evaluation)
        old_state = before.state if before is not None else AlertState.INACTIVE
        new_state = TRANSITIONS[old_state, given]
        if before is None and new_state is AlertState.INACTIVE:
            return None
        after = self._remember(before, evaluation, new_state, level_since, held, calm_since)
        because = None
        if old_state is AlertState.FIRING and new_state is AlertState.INACTIVE:
            because = evaluation.gone_because if Signal.GONE in signals else "clear"
        return self._settle(before, after, new_state, now, because)

    def _remember(
        self,
        before: Alert | None,
        evaluation: Evaluation,
        state: AlertState,
        level_since: Mapping[Severity, float],
        held: list[Severity],
        calm_since: float | None,
    ) -> Alert:
        now, judged = evaluation.at, evaluation.value is not None
        severity = before.severity if before is not None else Severity.INFO
        if held:
            severity = max(held, key=lambda level: level.rank)
        elif state is AlertState.PENDING:
            severity = _next_to_fire(evaluation, level_since, severity)
        value = evaluation.value if judged else (before.value if before is not None else None)
        peak = before.peak if before is not None else None
        if value is not None and level_since:
            worse = min if evaluation.worse_is_lower else max
            peak = value if peak is None else worse(peak, value)
        # While the end of a trouble is being waited for, its words stay: "not registered (registered)" helps nobody.
        calm = before is not None and not level_since and not judged
        details = before.details if before is not None and (calm or not evaluation.details) else dict(evaluation.details)
        fired_at = before.fired_at if before is not None else None
        if state is AlertState.FIRING and fired_at is None:
            fired_at = now
        return Alert(
            key=evaluation.key,
            state=state,
            severity=severity,
            topic=evaluation.topic,
            since_at=before.since_at if before is not None else min(level_since.values(), default=now),
            level_since=dict(level_since),
            fired_at=fired_at,
            clear_since=calm_since,
            value=value,
            peak=peak,
            display_name=self._name_of(evaluation.key.subject) or (before.display_name if before is not None else None),
            details=details,
            texts=evaluation.texts,
            worst=_worst(before, severity if state is AlertState.FIRING else None),
            channels=evaluation.channels,
        )

    def _settle(
        self, before: Alert | None, after: Alert, new_state: AlertState, now: float, because: str | None
    ) -> Transition | None:
        old_state = before.state if before is not None else AlertState.INACTIVE
        after = replace(after, state=new_state)
        if new_state is AlertState.INACTIVE:
            self._take_out(after.key)
        else:
            self._alerts[after.key] = after
            self._of_subject.setdefault(after.key.subject, {})[after.key] = None
        is_same = old_state is new_state and before is not None and before.severity is after.severity
        if is_same and not (new_state is AlertState.FIRING and _has_new_channel(before, after)):
            return None
        return Transition(now, after, old_state, new_state, notify_reason(before, after), because)

    def _happened(self, evaluation: Evaluation) -> Transition:
        now, severity = evaluation.at, evaluation.levels[0].severity
        alert = Alert(
            key=evaluation.key,
            state=AlertState.FIRING,
            severity=severity,
            topic=evaluation.topic,
            since_at=now,
            level_since={severity: now},
            fired_at=now,
            value=evaluation.value,
            display_name=self._name_of(evaluation.key.subject),
            details=dict(evaluation.details),
            texts=evaluation.texts,
            worst=severity,
            channels=evaluation.channels,
        )
        return Transition(now, alert, AlertState.INACTIVE, AlertState.FIRING, notify_reason(None, alert, one_shot=True))

    def _explained_elsewhere(self, evaluation: Evaluation) -> bool:
        key = evaluation.key
        return bool(evaluation.yields_to) and any(
            other.rule in evaluation.yields_to
            and other.pbx == key.pbx
            and (other.direction == key.direction or other.direction is None or key.direction is None)
            for other in self._of_subject.get(key.subject, ())
        )

    def _take_out(self, key: AlertKey) -> Alert | None:
        self._resting.discard(key)
        of_subject = self._of_subject.get(key.subject)
        if of_subject is not None:
            of_subject.pop(key, None)
            if not of_subject:
                del self._of_subject[key.subject]
        return self._alerts.pop(key, None)


def _not_after(alert: Alert, now: float) -> Alert:
    """The alert without an instant in the future: a clock was set back, and no hold may wait until it has caught up."""
    instants = (alert.since_at, alert.fired_at, alert.clear_since, *alert.level_since.values())
    if all(instant is None or instant <= now for instant in instants):
        return alert
    return replace(
        alert,
        since_at=min(alert.since_at, now),
        fired_at=None if alert.fired_at is None else min(alert.fired_at, now),
        clear_since=None if alert.clear_since is None else min(alert.clear_since, now),
        level_since={severity: min(since, now) for severity, since in alert.level_since.items()},
    )


def active_levels(was: Mapping[Severity, float], evaluation: Evaluation) -> dict[Severity, float]:
    """Which levels are active after this evaluation, and since when; ``was`` are those before it."""
    active: dict[Severity, float] = {}
    for level in evaluation.levels:
        since = was.get(level.severity)
        if level.signal is Signal.BREACH and since is None:
            active[level.severity] = min(evaluation.at, level.since_at if level.since_at is not None else evaluation.at)
        elif since is not None and level.signal in {Signal.BREACH, Signal.KEEP, Signal.UNKNOWN}:
            active[level.severity] = since
    return active


def _has_new_channel(before: Alert | None, after: Alert) -> bool:
    return before is None or not set(after.channels) <= set(before.channels)


def _worst(before: Alert | None, severity: Severity | None) -> Severity:
    known = before.worst if before is not None else Severity.INFO
    return known if severity is None or severity.rank < known.rank else severity


def _held(before: Alert | None, level: Level, level_since: Mapping[Severity, float], now: float) -> bool:
    """Whether a level may fire or go on firing: beginning to fire takes the entry condition at that very moment.

    The severity it fires with stays as long as its condition does, also when the same trouble, now in other words, would have
    had to last longer to begin.
    """
    since = level_since.get(level.severity)
    if since is None:
        return False
    firing = before if before is not None and before.state is AlertState.FIRING else None
    if firing is not None and firing.severity is level.severity and level.severity in firing.level_since:
        return True
    fires_already = firing is not None and firing.severity.rank >= level.severity.rank
    return now - since >= level.hold_s and (fires_already or level.signal is Signal.BREACH)


def _next_to_fire(evaluation: Evaluation, level_since: Mapping[Severity, float], default: Severity) -> Severity:
    """The severity a pending alert will have first; of two at once, the more urgent."""
    active = [level for level in evaluation.levels if level.severity in level_since]
    first = min(active, key=lambda level: (level_since[level.severity] + level.hold_s, -level.severity.rank), default=None)
    return first.severity if first is not None else default


def _input(
    signals: set[Signal],
    level_since: Mapping[Severity, float],
    held: list[Severity],
    calm_since: float | None,
    evaluation: Evaluation,
) -> Input:
    if signals <= {Signal.UNKNOWN}:
        return Input.NO_DATA
    if level_since:
        return Input.HELD if held else Input.BREACHED
    if calm_since is not None and evaluation.at - calm_since >= evaluation.clear_hold_s:
        return Input.CALM_HELD
    return Input.CALM
