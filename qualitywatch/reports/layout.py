"""A report as headings, sentences and tables, whatever they are written as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from qualitywatch.reports.cells import evidence_cells, figure, in_all, instant, worst_cells
from qualitywatch.reports.report import Line, Report, worst, worst_hours
from qualitywatch.reports.words import Words

WORST, MOST_CAUSES, MOST_HOURS = 10, 20, 10


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, sentences below it, and a table; the first row of it names the columns."""

    heading: str
    sentences: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


def blocks(report: Report, words: Words, zone: tzinfo, *, is_evidence: bool = False) -> list[Block]:
    """Put a report in order; ``is_evidence`` leaves out all but the trunks."""
    zone_name = str(zone)
    title = words.title.format(since=instant(report.since, zone), until=instant(report.until, zone), zone=zone_name)
    show_pbx = report.is_of_several_pbxes
    found = [Block(title, (in_all(report, words), *((words.how,) if report.everybody else ())))]
    if not is_evidence:
        for heading, lines in ((words.worst_peers, report.peers), (words.worst_trunks, report.trunks)):
            rows = [tuple(worst_cells(line, show_pbx)) for line in worst(lines, WORST)]
            if rows:
                found.append(Block(heading, (), (words.columns, *rows)))
    if report.trunks:
        rows = [tuple(evidence_cells(line, show_pbx)) for line in report.trunks]
        found.append(Block(words.trunks, (), (words.evidence, *rows)))
    for line in report.trunks:
        found += _of_trunk(line, report, words, zone)
    return found


def _of_trunk(line: Line, report: Report, words: Words, zone: tzinfo) -> list[Block]:
    found, subject, name = [], line.subject, line.who
    causes = sorted(subject.causes.items(), key=lambda item: (-item[1], item[0]))[:MOST_CAUSES]
    if causes:
        rows = tuple((cause, str(count)) for cause, count in causes)
        since = report.causes_since
        late = since is not None and since > report.since
        told = (words.causes_since.format(since=instant(since, zone)),) if late and since is not None else ()
        found.append(Block(f"{name}: {words.causes}", told, (words.cause_columns, *rows)))
    hours = worst_hours(subject, MOST_HOURS)
    if hours:
        losses = [(instant(at, zone), *(figure(side.loss_percent) for side in sides)) for at, *sides in hours]
        found.append(Block(f"{name}: {words.hours}", (), (words.hour_columns, *losses)))
    return found
