"""Why an alert fired, or why it did not: the account of one alert from the opinions of its rule.

Strategy: every kind of rule gives evaluations, so nothing here knows a kind; limits are named where a rule has limits.  Which
levels are active and since when is asked of the lifecycle itself, so that the account cannot tell another story than the alert.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qualitywatch.alerts.lifecycle import active_levels
from qualitywatch.document import format_duration
from qualitywatch.model import (
    AlertKey,
    AlertState,
    Evaluation,
    Metric,
    NotifyReason,
    Sample,
    Severity,
    Signal,
    Transition,
    Verdict,
)
from qualitywatch.rules.spec import RuleSpec

_OVER: Mapping[str, str] = {"clear": "all was well", "removed": "it is no longer configured on the PBX"}
_UNITS: Mapping[str, str] = {
    Metric.LOSS_PERCENT: " %",
    Metric.LOSS_PERCENT_REPORTED: " %",
    Metric.JITTER_MS: " ms",
    Metric.RTT_MS: " ms",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One opinion, and how the alert stood after it."""

    evaluation: Evaluation
    state: str  # pending, firing, resolved, happened or quiet
    active: Mapping[Severity, float]  # levels that hold, and since when
    explained_by: str | None  # the rule whose alert kept this one quiet
    clear_since: float | None = None  # of a firing alert: since when all has been well


@dataclass(slots=True)
class Account:
    """Everything that bears on one alert, in order."""

    spec: RuleSpec
    key: AlertKey
    moments: list[Moment] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    left_out: Counter[Verdict] = field(default_factory=Counter)

    @property
    def first(self) -> float:
        """When it was judged first."""
        return self.moments[0].evaluation.at

    def judged(self) -> list[Moment]:
        """The moments at which there was a figure."""
        return [moment for moment in self.moments if moment.evaluation.value is not None]

    def worst(self) -> Moment | None:
        """The moment of the worst figure."""
        judged = self.judged()
        if not judged:
            return None
        lower = judged[0].evaluation.worse_is_lower
        return (min if lower else max)(judged, key=lambda moment: moment.evaluation.value or 0.0)


def account(
    spec: RuleSpec,
    key: AlertKey,
    evaluations: Sequence[Evaluation],
    transitions: Sequence[Transition],
    left_out: Sequence[Sample],
) -> Account:
    """Put together what bears on one alert; ``transitions`` are those of all alerts, ``left_out`` the samples of this rule."""
    found = Account(spec, key, transitions=[one for one in transitions if one.alert.key == key])
    instants = [one.at for one in found.transitions]
    active: dict[Severity, float] = {}
    clear_since: float | None = None
    for evaluation in (one for one in evaluations if one.key == key):
        explained_by = _explained_by(evaluation, transitions) if evaluation.yields_to else None
        before = bisect_right(instants, evaluation.at)
        state = _word(found.transitions[before - 1], evaluation.at) if before else "quiet"
        active = active_levels(active if state in {"pending", "firing"} else {}, evaluation)
        if state != "firing" or active:
            clear_since = None
        elif clear_since is None:
            clear_since = evaluation.at
        found.moments.append(Moment(evaluation, state, active, explained_by if state == "quiet" else None, clear_since))
    for sample in left_out:
        if sample.subject == key.subject and sample.direction == key.direction:
            found.left_out[sample.verdict] += 1
    return found


def last_word(found: Account, clock: Callable[[float], str]) -> Iterator[str]:
    """Say in a few lines why it fired, or why it did not."""
    told = [one for one in found.transitions if one.reason is not NotifyReason.NONE]
    if told:
        yield from (_told(found, one, clock) for one in told)
        if told[-1].new_state is AlertState.FIRING and told[-1].reason is not NotifyReason.HAPPENED:
            yield "was still firing at the end"
        return
    if not found.moments:
        yield "never fired: nothing it could judge was seen"
    else:
        yield f"never fired: {_why_not(found, clock)}"


def figure(value: float, topic: str) -> str:
    """A figure with its unit."""
    return f"{value:.4g}{_UNITS.get(topic, '')}"


def _told(found: Account, transition: Transition, clock: Callable[[float], str]) -> str:
    alert = transition.alert
    match transition.reason:
        case NotifyReason.RESOLVED:
            over = _OVER.get(transition.resolved_because or "", "there was nothing left to judge")
            held = _evaluation_at(found, transition.at)
            lasted = f" for {format_duration(held.clear_hold_s)}" if held is not None and held.clear_hold_s else ""
            return f"ended at {clock(transition.at)} because {over}{lasted}"
        case NotifyReason.HAPPENED:
            return f"happened at {clock(transition.at)}, {alert.severity}: {_details(alert.details)}"
        case _:
            verb = "fired" if transition.reason is NotifyReason.FIRING else "rose"
            reason = _breach(found, transition.at, alert.severity, alert.value)
            since_at = alert.level_since.get(alert.severity, alert.since_at)
            lasted_s = max(0.0, transition.at - since_at)
            return (
                f"{verb} at {clock(transition.at)} as {alert.severity} because {reason},"
                f" bad for {format_duration(round(lasted_s, 1))} since {clock(since_at)}{_hold(found, transition)}"
            )


def _breach(found: Account, at: float, severity: Severity, value: float | None) -> str:
    evaluation = _evaluation_at(found, at)
    if value is None:
        return _details(evaluation.details) if evaluation is not None and evaluation.details else "its condition held"
    topic = evaluation.topic if evaluation is not None else ""
    enter, usual = _limits(found).get(severity), _usual(evaluation)
    if usual:
        return f"{figure(value, topic)} is far from {usual}"
    sign = "<=" if evaluation is not None and evaluation.worse_is_lower else ">="
    return (
        f"{figure(value, topic)} {sign} {figure(enter, topic)}"
        if enter is not None
        else f"the figure was {figure(value, topic)}"
    )


def _usual(evaluation: Evaluation | None) -> str:
    """What it was held against, where it was judged by what is usual; "" otherwise."""
    if evaluation is None or "usual" not in evaluation.details:
        return ""
    details, topic = evaluation.details, evaluation.topic
    usual, deviation, limit = (_with_unit(details.get(name, ""), topic) for name in ("usual", "deviation", "limit"))
    when = "at any hour" if details.get("hour") == "any" else f"at {details.get('hour')} h"
    windows = details.get("learned")
    return f"what is usual {when}: {usual}, give or take {deviation}, from {windows} windows; unusual begins at {limit}"


def _with_unit(text: str, topic: str) -> str:
    return f"{text}{_UNITS.get(topic, '')}"


def _hold(found: Account, transition: Transition) -> str:
    evaluation = _evaluation_at(found, transition.at)
    holds = [level.hold_s for level in evaluation.levels if level.severity is transition.alert.severity] if evaluation else []
    return f" (at least {format_duration(holds[0])} needed)" if holds and holds[0] else ""


def _why_not(found: Account, clock: Callable[[float], str]) -> str:
    breaches = [one for one in found.moments if any(level.signal is Signal.BREACH for level in one.evaluation.levels)]
    if breaches:
        explained = next((one.explained_by for one in breaches if one.explained_by), None)
        if explained is not None:
            return f"its condition held, but {explained} had an alert on the same subject and it yields to that one"
        return _too_short(found, clock)
    worst = found.worst()
    if worst is None or worst.evaluation.value is None:
        details = found.moments[-1].evaluation.details
        if "learned" in details:
            return f"what is usual was not known yet ({_details(details)})"
        if details:
            return f"its condition never held (last seen: {_details(details)})"
        return "there was never enough to judge by: too few packets in the window, or nothing new"
    topic, value = worst.evaluation.topic, worst.evaluation.value
    kind = "lowest" if worst.evaluation.worse_is_lower else "highest"
    text = f"the {kind} value was {figure(value, topic)} at {clock(worst.evaluation.at)}"
    limits, usual = _limits(found), _usual(worst.evaluation)
    if usual:
        return f"{text}, and {usual}"
    severity = min(limits, key=lambda one: one.rank, default=None)
    return text if severity is None else f"{text}, {severity} begins at {figure(limits[severity], topic)}"


def _too_short(found: Account, clock: Callable[[float], str]) -> str:
    """The longest time a condition held, and how much longer it should have."""
    best: tuple[float, Severity, float, float, float] | None = None
    for moment in found.moments:
        for level in moment.evaluation.levels:
            since_at = moment.active.get(level.severity)
            if since_at is None:
                continue
            lasted_s = moment.evaluation.at - since_at
            if best is None or lasted_s / (level.hold_s or 1.0) > best[0]:
                best = lasted_s / (level.hold_s or 1.0), level.severity, lasted_s, since_at, level.hold_s
    if best is None:
        return "its condition held for an instant only"
    _, severity, lasted_s, since_at, hold_s = best
    return (
        f"bad enough for {severity} from {clock(since_at)} for {format_duration(round(lasted_s, 1))},"
        f" it must last {format_duration(hold_s)} and still be bad then"
    )


def _limits(found: Account) -> dict[Severity, float]:
    return {limit.severity: limit.enter for limit in found.spec.limits_for(found.key.pbx, found.key.subject)}


def _evaluation_at(found: Account, at: float) -> Evaluation | None:
    return next((one.evaluation for one in reversed(found.moments) if one.evaluation.at <= at), None)


def _explained_by(evaluation: Evaluation, transitions: Sequence[Transition]) -> str | None:
    """The rule this one yields to that had an alert on the same subject at that moment."""
    standing: dict[AlertKey, Transition] = {}
    for transition in transitions:
        if transition.at > evaluation.at:
            break
        key = transition.alert.key
        same = key.pbx == evaluation.key.pbx and key.subject == evaluation.key.subject
        ways = {key.direction, evaluation.key.direction}
        if key.rule in evaluation.yields_to and same and (len(ways) == 1 or None in ways):
            standing[key] = transition
    return next((key.rule for key, one in standing.items() if one.new_state is not AlertState.INACTIVE), None)


def _word(transition: Transition, at: float) -> str:
    """How the alert stands at an instant after its last transition."""
    if transition.reason is NotifyReason.HAPPENED:
        return "happened" if at == transition.at else "quiet"
    if transition.new_state is AlertState.INACTIVE:
        return "resolved" if transition.old_state is AlertState.FIRING and at == transition.at else "quiet"
    return str(transition.new_state)


def _details(details: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in details.items() if value)
