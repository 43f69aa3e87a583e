"""What ``backtest`` prints: a table, the difference to the present rules, a strip of days, and what was not judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final, TextIO

from qualitywatch.charts.sparkline import sparkline
from qualitywatch.document import format_duration
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.testing.account import figure
from qualitywatch.testing.fitness import Fitness, How
from qualitywatch.testing.retrial import Retrial
from qualitywatch.testing.verdicts import Episode, Verdict, episodes

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_FINE_S: Final = 2 * _DAY_S  # up to here the strip shows hours
_WIDEST: Final = 62  # columns of the strip


@dataclass(slots=True)
class Side:
    """One set of rules, and what came of it."""

    specs: tuple[RuleSpec, ...]
    fitness: list[Fitness]
    retrials: dict[str, Retrial] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def episodes(self, since: float, until: float, rule: str | None = None) -> list[Episode]:
        """What fired within a time, of all PBXes, oldest first."""
        found = [
            each
            for retrial in self.retrials.values()
            for each in episodes(retrial.transitions)
            if each.began_at < until and (each.ended_at is None or each.ended_at >= since)
        ]
        return sorted((each for each in found if rule in {None, each.key.rule}), key=lambda each: each.began_at)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to print; ``sides`` are the present rules and, if any, the proposed ones."""

    since: float
    until: float
    wanted_s: float
    zone: tzinfo
    sides: Sequence[Side]
    rule: str | None
    summed_minutes: int

    def rules(self) -> list[str]:
        """The rules to be shown, as they are written."""
        names = dict.fromkeys(each.spec.name for side in self.sides for each in side.fitness if each.how is not How.NOT)
        return [name for name in names if self.rule in {None, name}]


def print_text(report: Report, out: TextIO, *, list_incidents: bool) -> None:
    """Print for people."""
    for line in _lines(report, list_incidents):
        print(line.rstrip(), file=out)


def _lines(report: Report, list_incidents: bool) -> Iterator[str]:
    yield heading(report.since, report.until, report.wanted_s, report.zone)
    yield ""
    rules = report.rules()
    compared = len(report.sides) > 1
    yield from _table(report, [rule for rule in rules if _fired(report, rule)], compared=compared)
    quiet = [rule for rule in rules if not _fired(report, rule)]
    if quiet:
        yield f"never fired: {', '.join(quiet)}"
    yield ""
    yield from _strips(report, rules)
    yield from remarks(report)
    if list_incidents:
        for number, side in enumerate(report.sides):
            yield ""
            name = f"{('present', 'proposed')[number]} rules, " if compared else ""
            yield f"{name}what fired:"
            yield from _listed(report, side)


def heading(since: float, until: float, wanted_s: float, zone: tzinfo) -> str:
    """Which time was judged, and whether it is as much as was asked for."""
    begin, end = (f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" for at in (since, until))
    span_s = until - since
    text = f"{begin} to {end} ({_span(span_s)})"
    if span_s < wanted_s - _HOUR_S:
        text += f"; asked for were {_span(wanted_s)}, more is not stored"
    return text


def remarks(report: Report) -> Iterator[str]:
    """What was judged less well than live, or not at all."""
    for how, title, joint in ((How.BY_SUMS, "judged to the minute only", ":"), (How.NOT, "not judged", ", because")):
        told: dict[str, dict[str, None]] = {}
        for side in report.sides:
            for each in side.fitness:
                if each.how is how and report.rule in {None, each.spec.name}:
                    told.setdefault(each.why, {})[each.spec.name] = None
        for why, rules in told.items():
            yield f"{title}: {', '.join(rules)}{joint} {why}"
    if report.summed_minutes:
        yield f"{report.summed_minutes} minutes of a subject were known by their sums only"


def _fired(report: Report, rule: str) -> bool:
    return any(side.verdicts.get(rule, Verdict(rule)) != Verdict(rule) for side in report.sides)


def _table(report: Report, rules: Sequence[str], *, compared: bool) -> Iterator[str]:
    if not rules:
        yield "nothing would have fired"
        return
    rows = [["rule", "alerts", "incidents", "firing", "flaps", "messages"]]
    totals = [Verdict("all") for _ in report.sides]
    for rule in rules:
        verdicts = [side.verdicts.get(rule, Verdict(rule)) for side in report.sides]
        totals = [total + verdict for total, verdict in zip(totals, verdicts, strict=True)]
        rows.append(_row(rule, verdicts))
    if len(rules) > 1:
        rows.append(_row("all", totals))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    if compared:
        yield "present -> proposed (difference)"
    for name, *cells in rows:
        yield "  ".join((name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))))


def _row(name: str, sides: Sequence[Verdict]) -> list[str]:
    return [
        name,
        _cell([verdict.alerts for verdict in sides]),
        _cell([verdict.incidents for verdict in sides]),
        _cell([round(verdict.firing_s / 60) for verdict in sides], " min"),
        _cell([verdict.flaps for verdict in sides]),
        _cell([verdict.messages for verdict in sides]),
    ]


def _cell(values: Sequence[int], unit: str = "") -> str:
    if len(values) == 1:
        return f"{values[0]}{unit}"
    difference = values[1] - values[0]
    return f"{values[0]} -> {values[1]}{unit} ({difference:+d})" if difference else f"{values[0]}{unit} (=)"


def _strips(report: Report, rules: Sequence[str]) -> Iterator[str]:
    """A line of blocks for each rule that fired: the time it did, by hour or by day."""
    span_s = report.until - report.since
    step_s = _HOUR_S if span_s <= _FINE_S else _DAY_S
    step_s *= max(1, -(-int(span_s) // (_WIDEST * step_s)))
    shown = []
    for rule in rules:
        for number, side in enumerate(report.sides):
            values = _firing_by(side, rule, report, step_s)
            if any(values):
                name = rule if number == 0 else f"{rule}, proposed"
                shown.append((name, values))
    if not shown:
        return
    width = max(len(name) for name, _ in shown)
    yield f"time firing, a block for every {_span(step_s)}:"
    for name, values in shown:
        most = max(values)
        yield f"  {name.ljust(width)}  {sparkline([value or None for value in values])}  at most {round(most / 60)} min"
    yield ""


def _firing_by(side: Side, rule: str, report: Report, step_s: int) -> list[float]:
    count = max(1, -(-int(report.until - report.since) // step_s))
    values = [0.0] * count
    for episode in side.episodes(report.since, report.until, rule):
        begin = max(report.since, episode.began_at)
        end = report.until if episode.ended_at is None else min(episode.ended_at, report.until)
        end = max(end, begin + 60) if episode.happened else end
        for place in range(int((begin - report.since) // step_s), min(count - 1, int((end - report.since) // step_s)) + 1):
            low = report.since + place * step_s
            values[place] += max(0.0, min(end, low + step_s) - max(begin, low))
    return values


def _listed(report: Report, side: Side) -> Iterator[str]:
    for each in side.episodes(report.since, report.until, report.rule):
        alert = each.alert
        if each.happened:
            lasted = ""
        elif each.ended_at is None:
            lasted = "still fires"
        else:
            lasted = format_duration(round(each.ended_at - each.began_at))
        worst = "" if alert.peak is None else figure(alert.peak, alert.topic)
        details = ", ".join(alert.details[name] for name in ("state", "cause", "old", "new") if alert.details.get(name))
        at = f"{datetime.fromtimestamp(each.began_at, report.zone):%Y-%m-%d %H:%M:%S}"
        where = each.key.subject + (f" {each.key.direction}" if each.key.direction else "")
        yield f"  {at}  {alert.worst:<8}  {each.key.rule:<16}  {where:<28}  {worst:>9}  {lasted:<11}  {details}"
    if not side.episodes(report.since, report.until, report.rule):
        yield "  nothing"


def print_json(report: Report, out: TextIO) -> None:
    """Print one JSON object."""
    json.dump(as_json(report), out, ensure_ascii=False)
    print(file=out)


def as_json(report: Report) -> dict[str, object]:
    """The report as plain values; instants are Unix seconds."""
    names = ("present", "proposed")
    return {
        "since": report.since,
        "until": report.until,
        "summed_minutes": report.summed_minutes,
        **{names[number]: _side_json(report, side) for number, side in enumerate(report.sides)},
    }


def _side_json(report: Report, side: Side) -> dict[str, object]:
    return {
        "rules": [
            {
                "rule": verdict.rule,
                "alerts": verdict.alerts,
                "incidents": verdict.incidents,
                "firing_s": round(verdict.firing_s, 1),
                "flaps": verdict.flaps,
                "messages": verdict.messages,
            }
            for rule, verdict in side.verdicts.items()
            if report.rule in {None, rule}
        ],
        "not_judged": {each.spec.name: each.why for each in side.fitness if each.how is How.NOT},
        "judged_to_the_minute": {each.spec.name: each.why for each in side.fitness if each.how is How.BY_SUMS},
        "fired": [
            {
                "rule": each.key.rule,
                "pbx": each.key.pbx,
                "subject": each.key.subject,
                "direction": each.key.direction,
                "severity": each.alert.worst,
                "began_at": each.began_at,
                "ended_at": each.ended_at,
                "worst": each.alert.peak,
                "details": dict(each.alert.details),
            }
            for each in side.episodes(report.since, report.until, report.rule)
        ],
    }


def _span(seconds: float) -> str:
    """A time as one would say it: days and hours, hours and minutes."""
    if seconds >= _DAY_S:
        return format_duration(round(seconds / _HOUR_S) * _HOUR_S)
    return format_duration(max(60, round(seconds / 60) * 60))
