"""Figures and instants as the cells of a report, and in its sentences; what is not known is a dash, never 0."""

from __future__ import annotations

from datetime import datetime, tzinfo

from qualitywatch.reports.report import Line, Report
from qualitywatch.reports.words import Words

UNKNOWN = "-"


def figure(value: float | None, digits: int = 2) -> str:
    """A number, without a unit."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A number with its sign."""
    return UNKNOWN if value is None else f"{value:.2f} %"


def instant(at: float, zone: tzinfo) -> str:
    """A minute of the given zone."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def in_all(report: Report, words: Words) -> str:
    """A sentence about everybody together."""
    if not report.everybody:
        return words.nothing
    calls, (to_peer, from_peer) = report.calls, report.voice
    return words.total.format(
        calls=calls.legs,
        answered=calls.answered_legs,
        coverage=percent(calls.coverage_percent),
        to_peer=percent(to_peer.loss_percent),
        from_peer=percent(from_peer.loss_percent),
    )


def worst_cells(line: Line, show_pbx: bool) -> list[str]:
    """One row of the list of the worst."""
    subject = line.subject
    scores = [score for score in (subject.to_peer.mos, subject.from_peer.mos) if score is not None]
    change = "" if line.change is None else f"{line.change:+.2f}"
    who = f"{line.who} [{subject.pbx}]" if show_pbx else line.who
    losses = [figure(subject.to_peer.loss_percent), figure(subject.from_peer.loss_percent)]
    return [who, *losses, figure(min(scores, default=None)), str(subject.calls.legs), change]


def evidence_cells(line: Line, show_pbx: bool) -> list[str]:
    """One row of the table of trunks."""
    subject = line.subject
    calls, to_peer, from_peer = subject.calls, subject.to_peer, subject.from_peer
    scores = [score for score in (to_peer.mos, from_peer.mos) if score is not None]
    return [
        f"{line.who} [{subject.pbx}]" if show_pbx else line.who,
        f"{calls.attempts:.0f}",
        figure(calls.asr_percent, 1),
        figure(calls.ner_percent, 1),
        figure(calls.acd_s, 0),
        figure(to_peer.loss_percent),
        figure(from_peer.loss_percent),
        figure(to_peer.jitter_ms, 1),
        figure(from_peer.jitter_ms, 1),
        figure(min(scores, default=None)),
        str(calls.legs),
        figure(calls.coverage_percent, 0),
    ]
