"""``qualitywatch doctor``: everything the daemon depends on, asked and judged, a line and a fix for each.

On a terminal findings come as they are known, in colour, above a line that says how far the listening is; elsewhere as plain
lines, or as one JSON object.  Exit codes are those of monitoring plugins, see ``doctor.finding``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from qualitywatch.clock import SystemClock
from qualitywatch.doctor.asking.pbx import Listening
from qualitywatch.doctor.examination import Step, Wish, examine
from qualitywatch.doctor.finding import Level, Report, worst
from qualitywatch.errors import ConfigError
from qualitywatch.notify.legible import legible
from qualitywatch.ports import Clock

SECONDS: Final = 30.0
MOST_SECONDS: Final = 3600.0
_STYLES: Final = {Level.OK: "green", Level.UNKNOWN: "cyan", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_COUNTED: Final = (Level.WARNING, Level.ERROR)
_LEVEL_WIDTH: Final = max(len(level) for level in Level)
_INDENT: Final = " " * (_LEVEL_WIDTH + 2)


def doctor(config: Path, seconds: float, out: TextIO, *, as_json: bool = False, clock: Clock | None = None) -> int:
    """Examine, show, and return the exit code of the worst finding."""
    if not 0 <= seconds <= MOST_SECONDS:
        raise ConfigError([f"--seconds {seconds:g}: must be from 0 to {MOST_SECONDS:g}"])
    # What the daemon's own parts log on their way is told here as findings.
    logging.getLogger("qualitywatch").addHandler(logging.NullHandler())
    logging.getLogger("qualitywatch").propagate = False
    console = Console(file=out, highlight=False, soft_wrap=True)
    reports: list[Report] = []
    listening: dict[str, Listening] = {}
    status = console.status("asking") if console.is_terminal and not as_json else None
    waiting: AbstractContextManager[object] = status if status is not None else nullcontext()

    def tell(step: Step) -> None:
        if isinstance(step, Listening):
            listening[step.name] = step
            _update(status, listening)
            return
        report = _legible(step)
        reports.append(report)
        if not as_json:
            console.print(_line(report))

    with waiting:
        asyncio.run(examine(Wish(config, seconds), clock or SystemClock(), tell))
    level = worst(report.finding.level for report in reports)
    if as_json:
        print(_as_json(reports, level), file=out)
    else:
        console.print(_summary(reports))
    return level.exit_code


def _legible(report: Report) -> Report:
    """Versions, titles and reasons were written by others: nothing of it may move the cursor or break a line."""
    finding = report.finding
    shown = replace(finding, what=legible(finding.what), fix=legible(finding.fix))
    return replace(report, subject=legible(report.subject), finding=shown)


def _update(status: Status | None, listening: dict[str, Listening]) -> None:
    if status is None:
        return
    heard = list(listening.values())
    left_s = max(each.of_s - each.seconds for each in heard)
    calls, peers = sum(each.calls for each in heard), sum(each.peers_reported for each in heard)
    status.update(f"listening, {left_s:.0f} s left: {calls} channels up, RTCP of {peers} peers")


def _line(report: Report) -> Text:
    finding = report.finding
    text = Text()
    text.append(f"{finding.level:<{_LEVEL_WIDTH}}  ", style=_STYLES[finding.level])
    text.append(f"{report.subject}, {report.check}: ", style="bold")
    text.append(finding.what)
    if finding.fix:
        text.append(f"\n{_INDENT}fix: {finding.fix}", style="dim" if finding.level is Level.OK else "")
    return text


def _summary(reports: list[Report]) -> str:
    counts = Counter(report.finding.level for report in reports)
    told = [
        f"{counts[level]} {level}{'s' * (counts[level] > 1 and level in _COUNTED)}"
        for level in sorted(Level, key=lambda level: -level.rank)
        if counts[level]
    ]
    return f"{len(reports)} findings: {', '.join(told)}"


def _as_json(reports: list[Report], level: Level) -> str:
    findings = [
        {
            "level": report.finding.level,
            "check": report.check,
            "subject": report.subject,
            "what": report.finding.what,
            "fix": report.finding.fix,
        }
        for report in reports
    ]
    return json.dumps({"worst": level, "exit_code": level.exit_code, "findings": findings}, ensure_ascii=False, indent=2)
