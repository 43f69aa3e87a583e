"""What is measured, as series of a time series database: names, tags and fields.  This is the schema that dashboards rely on.

    loss       percent, percent_reported, packets,     pbx peer direction codec trunk site
               lost
    jitter     ms                                      pbx peer direction codec trunk site
    rtt        ms                                      pbx peer codec trunk site
    mos        score, r_factor                         pbx peer direction codec trunk site
    qualify    ms                                      pbx peer trunk site
    state      up, state                               pbx entity and trunk, or peer trunk site
    kpi        total, count                            pbx kpi and peer trunk, or queue
    call       seconds, answered, cause,               pbx peer codec trunk site
               loss_to_peer, loss_from_peer, jitter_max_ms, rtt_max_ms, mos_min
    event      text                                    pbx peer kind, and agent where it is a User-Agent that changed
    alert      text, firing                            pbx peer rule severity trunk site
    daemon     events, seconds                         pbx
               lag_s                                   pbx
               lines, seconds                          outcome sink
               spool_lines                             sink
               waiting
               firing                                  severity

``percent`` of a longer time is ``100 * sum(lost) / sum(packets)``; ``kpi`` likewise is ``sum(total) / sum(count)``.
``daemon`` is qualitywatch itself, each minute: ``events / seconds`` are events of a PBX a second, ``lines / seconds`` lines of
a sink, ``waiting`` are messages that somebody still has to be told, ``firing`` alerts.
``trunk`` is a registration of ours, or the peer itself where it is a trunk that needs none.
Figures nobody can vouch for are left out, as they are from charts.  ``up`` is 1 or 0, and missing while nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from qualitywatch.model import (
    CHARTED,
    CallRecord,
    DirectionTotals,
    KpiRecord,
    LogRecord,
    Metric,
    PeerState,
    Sample,
    StatusObservation,
    TrunkState,
)
from qualitywatch.ports import SeriesBatch
from qualitywatch.sinks.reading import Field, Reading

Labels = Callable[[str, str], Mapping[str, str]]
"""What is known of a subject of a PBX beside its name: ``trunk`` and ``site``."""

_FIELDS: Final[Mapping[Metric, tuple[str, str]]] = {
    Metric.LOSS_PERCENT: ("loss", "percent"),
    Metric.LOSS_PERCENT_REPORTED: ("loss", "percent_reported"),
    Metric.JITTER_MS: ("jitter", "ms"),
    Metric.RTT_MS: ("rtt", "ms"),
    Metric.MOS: ("mos", "score"),
    Metric.R_FACTOR: ("mos", "r_factor"),
}
_UP: Final = frozenset({PeerState.REGISTERED, PeerState.REACHABLE, TrunkState.REGISTERED, "ok", "seen", "complete"})
_UNKNOWN: Final = frozenset({PeerState.UNKNOWN, PeerState.LAGGED, TrunkState.RETRYING})
DAEMON_KPIS: Final[Mapping[str, tuple[str, ...]]] = {
    "daemon_events": ("pbx",),
    "daemon_lag_s": ("pbx",),
    "daemon_lines": ("outcome", "sink"),
    "daemon_spool_lines": ("sink",),
    "daemon_waiting": (),
    "daemon_firing": ("severity",),
}
"""Figures of the daemon itself, as ``app.vitals`` names them, and the tags that their subject is made of."""
_AGENT: Final = "user_agent"
_RATES: Final = frozenset({"daemon_events", "daemon_lines"})
_ALERT: Final = "alert"
_TRUNK: Final = "trunk"
_QUEUE: Final = "queue"


def measurements(batch: SeriesBatch, labels: Labels) -> list[Reading]:
    """Return a batch as readings."""
    found = [reading for sample in batch.samples if (reading := _sample(sample, labels)) is not None]
    found += [_call(call, labels) for call in batch.calls]
    found += [_state(each.what, labels) for each in batch.observed if isinstance(each.what, StatusObservation)]
    found += [_kpi(record, labels) for record in batch.kpis]
    found += [_log(entry, labels) for entry in batch.logs]
    return found


def _sample(sample: Sample, labels: Labels) -> Reading | None:
    named = _FIELDS.get(sample.metric)
    if named is None or sample.verdict not in CHARTED:
        return None
    measurement, field = named
    fields: dict[str, Field] = {field: float(sample.value)}
    if sample.metric is Metric.LOSS_PERCENT:
        fields["packets"] = float(sample.weight)
        fields["lost"] = float(sample.value * sample.weight / 100.0)
    tags = _tags(sample.pbx, sample.subject, labels, direction=sample.direction, codec=sample.codec)
    return Reading(measurement, sample.at, tags, fields)


def _call(call: CallRecord, labels: Labels) -> Reading:
    fields: dict[str, Field | None] = {
        "seconds": float(call.ended_at - (call.answered_at or call.ended_at)),
        "answered": int(call.answered_at is not None),
        "cause": call.cause,
        "loss_to_peer": _percent(call.to_peer),
        "loss_from_peer": _percent(call.from_peer),
        "jitter_max_ms": _largest(call.to_peer.jitter_max_ms, call.from_peer.jitter_max_ms),
        "rtt_max_ms": call.rtt_max_ms,
        "mos_min": _smallest(call.to_peer.mos_min, call.from_peer.mos_min),
    }
    tags = _tags(call.pbx, call.subject, labels, codec=call.codec)
    return Reading("call", call.ended_at, tags, {name: value for name, value in fields.items() if value is not None})


def _state(status: StatusObservation, labels: Labels) -> Reading:
    fields: dict[str, Field] = {"state": str(status.status)}
    if status.status not in _UNKNOWN:
        fields["up"] = int(status.status in _UP)
    if status.entity == _TRUNK:
        tags: tuple[tuple[str, str], ...] = ("pbx", status.pbx), ("entity", _TRUNK), (_TRUNK, status.subject)
    else:
        tags = _tags(status.pbx, status.subject, labels, entity=status.entity)
    return Reading("state", status.at, tags, fields)


def _kpi(record: KpiRecord, labels: Labels) -> Reading:
    if record.kpi in DAEMON_KPIS:
        return _daemon(record)
    if record.kpi == Metric.QUALIFY_RTT_MS:
        return Reading("qualify", record.at, _tags(record.pbx, record.subject, labels), {"ms": float(record.total)})
    if record.kpi.startswith(_QUEUE):
        of_what: tuple[tuple[str, str], ...] = (("queue", record.subject),)
    else:
        of_what = ("peer", record.subject), ("trunk", labels(record.pbx, record.subject).get("trunk", record.subject))
    tags = (("pbx", record.pbx), ("kpi", record.kpi), *of_what)
    return Reading("kpi", record.at, tags, {"total": float(record.total), "count": float(record.count)})


def _daemon(record: KpiRecord) -> Reading:
    """A figure of the daemon itself: the subject is what it is of, ``outcome sink`` where that is two things."""
    names = DAEMON_KPIS[record.kpi]
    texts = record.subject.split(" ", len(names) - 1) if names else []
    fields: dict[str, Field] = {record.kpi.removeprefix("daemon_"): float(record.total)}
    if record.kpi in _RATES:
        fields["seconds"] = float(record.count)
    return Reading("daemon", record.at, tuple(zip(names, texts, strict=False)), fields)


def _log(entry: LogRecord, labels: Labels) -> Reading:
    if entry.kind != _ALERT:
        # A device is a tag as well: VictoriaMetrics keeps no texts.
        agent = entry.text.rpartition(" -> ")[2] if entry.kind == _AGENT else None
        told = {"pbx": entry.pbx, "peer": entry.subject, "kind": entry.kind, "agent": agent}
        return Reading("event", entry.at, tuple(_known(told)), {"text": entry.text})
    reason, severity, rule = [*entry.text.split(" ", 2), "", "", ""][:3]
    tags = _tags(entry.pbx, entry.subject, labels, rule=rule, severity=severity)
    return Reading("alert", entry.at, tags, {"text": entry.text, "firing": int(reason != "resolved")})


def _tags(pbx: str, subject: str, labels: Labels, **more: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(_known({"pbx": pbx, "peer": subject, **more, **labels(pbx, subject)}))


def _known(tags: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    return ((name, str(text)) for name, text in tags.items() if text)


def _percent(totals: DirectionTotals) -> float | None:
    return 100.0 * totals.lost / totals.expected if totals.expected else None


def _largest(*figures: float | None) -> float | None:
    return max((figure for figure in figures if figure is not None), default=None)


def _smallest(*figures: float | None) -> float | None:
    return min((figure for figure in figures if figure is not None), default=None)
