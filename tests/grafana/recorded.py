"""Everything the recordings hold, as it is written to series stores, and made-up figures of what none of them holds."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from qualitywatch.model import CallRecord, DirectionTotals, KpiRecord, Metric, StatusObservation, Tally
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.sinks.measurements import measurements
from qualitywatch.sinks.reading import Reading
from tests.accuracy.findings import RECORDINGS, SHIPPED, events_of

SITES = {"Riga": [ipaddress.ip_network("127.0.0.0/8")]}
PBX = "asterisk-20.trunk-calls"
TRUNK = "SIP/provider"  # a peer that is a trunk without a registration of ours
PLUS = "SIP/+74951234567@sip.example.org"  # another, named after its number
# Devices that one peer of the recordings was, one after the other.
AGENTS = {
    ("SIP/6103", "Zoiper for Windows 2.43 r24984"),
    ("SIP/6103", "Cisco-CP7960G/8.0"),
    ("SIP/6103", "Yealink SIP-T46U 108.86.0.70"),
    ("SIP/6103", "friendly-scanner"),
}
INTERNAL = (
    ("daemon_events", PBX, PBX, 600.0, 60.0),
    ("daemon_lag_s", PBX, PBX, 0.2, 1.0),
    ("daemon_lines", "", "sent influxdb", 900.0, 60.0),
    ("daemon_lines", "", "dropped influxdb", 0.0, 60.0),
    ("daemon_spool_lines", "", "influxdb", 12.0, 1.0),
    ("daemon_waiting", "", "outbox", 2.0, 1.0),
    ("daemon_firing", "", "warning", 3.0, 1.0),
)


@dataclass(frozen=True)
class Recorded:
    """All batches, with what was known of peers when they came; times in Unix seconds."""

    batches: tuple[tuple[SeriesBatch, dict[tuple[str, str], dict[str, str]]], ...]
    since: float
    until: float

    def readings(self) -> Iterator[Reading]:
        """What sinks write."""
        for batch, known in self.batches:
            yield from measurements(batch, lambda pbx, subject, known=known: known.get((pbx, subject), {}))  # type: ignore[misc]


@cache  # several modules show it, each in its own way
def recorded() -> Recorded:
    """Replay all recordings, each as a PBX of its own, and add what is made up."""
    batches = []
    for recording in RECORDINGS:
        pbx = f"{recording.parent.name}.{recording.name}"
        pipeline = Pipeline(pbx, SHIPPED, sites=SITES)
        for event in events_of(recording):
            done = pipeline.feed(event)
            batch = SeriesBatch(done.samples, done.calls, done.logs, done.observed, done.kpis)
            subjects = {s.subject for s in done.samples} | {c.subject for c in done.calls} | {k.subject for k in done.kpis}
            subjects |= {entry.subject for entry in done.logs}
            subjects |= {each.what.subject for each in done.observed if isinstance(each.what, StatusObservation)}
            batches.append((batch, {(pbx, subject): pipeline.labels_of(subject) for subject in subjects}))
    instants = [sample.at for batch, _ in batches for sample in batch.samples]
    instants += [entry.at for batch, _ in batches for entry in batch.logs]
    since, until = min(instants), max(instants)
    batches.append(_made_up((since + until) / 2))
    return Recorded(tuple(batches), since - 600, until + 600)


def _made_up(at: float) -> tuple[SeriesBatch, dict[tuple[str, str], dict[str, str]]]:
    """Half a minute of what no recording holds: dialling delays, causes and sound of a trunk, the daemon itself."""
    kpis = [KpiRecord(at, pbx, subject, kpi, total, count) for kpi, pbx, subject, total, count in INTERNAL]
    kpis.append(KpiRecord(at, PBX, TRUNK, Metric.POST_DIAL_DELAY_S, 4.0))
    kpis += [KpiRecord(at, PBX, PLUS, what, 1.0) for what in (Metric.POST_DIAL_DELAY_S, Tally.ANSWERED)]
    call = CallRecord(
        PBX, TRUNK, f"{TRUNK}-1", "1.1", None, at - 9, at - 5, at, 16, "alaw", DirectionTotals(), DirectionTotals(), None
    )
    calls = (call, replace(call, cause=34, uniqueid="1.2", ended_at=at + 1), replace(call, subject=PLUS, uniqueid="1.3"))
    return SeriesBatch((), calls, kpis=tuple(kpis)), {(PBX, name): {"trunk": name} for name in (TRUNK, PLUS)}
