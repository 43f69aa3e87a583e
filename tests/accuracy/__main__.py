"""``python -m tests.accuracy``: what was injected into every recording, when it was told, and what was told in error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.accuracy.findings import RECORDINGS, Findings, Found, findings

HEADER = "| recording | fault injected | where | found after | false alarms |\n|---|---|---|---|---|"


def table(all_findings: Sequence[Findings]) -> str:
    """The table in Markdown; peers with the same fault share a line."""
    return "\n".join([HEADER, *(line for each in all_findings for line in _lines(each))])


def _lines(each: Findings) -> Iterator[str]:
    false_alarms = "; ".join(each.false_alarms) or "none"
    if not each.found:
        yield f"| {each.name} | nothing | - | - | {false_alarms} |"
    groups: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for found in each.found:
        groups[found.fault.what, found.fault.untold if found.after_s is None else ""].append(found)
    for (what, untold), members in groups.items():
        subjects = list(dict.fromkeys(found.fault.subject for found in members))
        where = ", ".join(subjects) if len(subjects) <= 3 else f"{len(subjects)} peers, {subjects[0]} to {subjects[-1]}"
        yield f"| {each.name} | {what} | {where} | {_when(members, untold)} | {false_alarms} |"


def _when(members: Sequence[Found], untold: str) -> str:
    seconds = sorted(found.after_s for found in members if found.after_s is not None)
    if not seconds:
        return f"not told: {untold}" if untold else "NOT TOLD"
    first, last = (f"{after_s:.1f} s" if after_s < 10 else f"{after_s:.0f} s" for after_s in (seconds[0], seconds[-1]))
    return first if first == last else f"{first} to {last}"


if __name__ == "__main__":
    print(table([findings(recording) for recording in RECORDINGS]))
