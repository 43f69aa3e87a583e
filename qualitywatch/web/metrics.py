"""``/metrics`` for Prometheus: how peers sounded in the last minute, trunks, calls, alerts, and the daemon itself.

Strategy: a collector of our own that reads what is known at the moment of the scrape, so nothing is counted twice and what is
gone is not told any more.  A figure nobody knows has no sample: while a PBX is not seen, nobody knows how its trunks and peers
stand.  Names and units follow Prometheus: ratios for percent, seconds for milliseconds.
Source: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool

from qualitywatch import __version__
from qualitywatch.model import Direction, Gauge, Severity
from qualitywatch.room import PbxView
from qualitywatch.store.codec import printable
from qualitywatch.web.api.trunks import is_up
from qualitywatch.web.asking import Seen
from qualitywatch.web.inside import Inside
from qualitywatch.web.recent import Figures
from qualitywatch.web.sources import Sources

router = APIRouter(include_in_schema=False)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BREATH: Final = 200  # peers, some 10 ms: then those who listen to a PBX have a turn


@router.get("/metrics")
async def metrics(sources: Seen) -> Response:
    """Everything in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(await _Everything(sources).read()))
    # Writing thousands of lines takes longer than a PBX waits for us to read.
    return Response(await run_in_threadpool(generate_latest, registry), media_type=CONTENT_TYPE)


class _Read(Collector):
    """Figures that were read already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class _Everything:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def read(self) -> list[Metric]:
        """Read everything there is."""
        pbxes = self._sources.room.pbxes()
        return [*self._at_once(pbxes), *await self._of_peers(pbxes)]

    def _at_once(self, pbxes: Sequence[PbxView]) -> Iterator[Metric]:
        inside = self._sources.inside()
        yield InfoMetricFamily("qualitywatch_build", "Which qualitywatch this is.", {"version": __version__})
        yield from _of_pbxes(pbxes)
        yield from _of_trunks(pbxes)
        yield from self._of_levels(pbxes)
        yield _firing(inside)
        yield _gauge("qualitywatch_incidents_open", "Incidents that are open.", len(self._sources.room.incidents()))
        yield _gauge("qualitywatch_silences", "Silences in force or to come.", len(self._sources.room.silences()))
        yield _gauge("qualitywatch_web_pages", "Pages that listen to changes.", self._sources.news.pages)
        yield from _of_daemon(inside)

    async def _of_peers(self, pbxes: Iterable[PbxView]) -> list[Metric]:
        sides = ["pbx", "peer", "direction"]
        loss = GaugeMetricFamily(
            "qualitywatch_peer_loss_ratio", "Packets lost of packets expected in the last minute, net; 0 to 1.", labels=sides
        )
        jitter = GaugeMetricFamily(
            "qualitywatch_peer_jitter_seconds", "Mean interarrival jitter of the last minute.", labels=sides
        )
        mos = GaugeMetricFamily(
            "qualitywatch_peer_mos", "Lowest mean opinion score of the last minute, 1 to 4.5.", labels=sides
        )
        rtt = GaugeMetricFamily(
            "qualitywatch_peer_rtt_seconds", "Mean round trip of calls in the last minute.", labels=["pbx", "peer"]
        )
        qualify = GaugeMetricFamily(
            "qualitywatch_peer_qualify_rtt_seconds", "How long the peer took to answer OPTIONS.", labels=["pbx", "peer"]
        )
        state = GaugeMetricFamily("qualitywatch_peers", "Peers by state.", labels=["pbx", "state"])
        for pbx in pbxes:
            states: dict[str, int] = {}
            for number, peer in enumerate(pbx.peers, 1):
                if number % BREATH == 0:
                    await asyncio.sleep(0)
                names = [printable(pbx.name), printable(peer.subject)]
                if pbx.is_seen:  # else it is only how they stood when it was lost
                    states[peer.state] = states.get(peer.state, 0) + 1
                    _add(qualify, names, peer.rtt_ms, 1000)
                _add(rtt, names, self._figures(pbx, peer.subject, None).rtt_ms, 1000)
                for direction in Direction:
                    figures = self._figures(pbx, peer.subject, direction)
                    labels = [*names, direction.value]
                    _add(loss, labels, figures.loss_percent, 100)
                    _add(jitter, labels, figures.jitter_ms, 1000)
                    _add(mos, labels, figures.mos, 1)
            for name, count in sorted(states.items()):
                state.add_metric([printable(pbx.name), name], count)
        return [loss, jitter, mos, rtt, qualify, state]

    def _figures(self, pbx: PbxView, subject: str, direction: Direction | None) -> Figures:
        return self._sources.recent.figures(pbx.name, subject, direction, pbx.now)

    def _of_levels(self, pbxes: Iterable[PbxView]) -> Iterator[Metric]:
        seen = {pbx.name: pbx.now for pbx in pbxes if pbx.is_seen}
        trunk = GaugeMetricFamily("qualitywatch_trunk_calls", "Calls over a trunk now.", labels=["pbx", "trunk"])
        of_queue = {
            Gauge.QUEUE_CALLERS: _queue("callers", "Callers who wait now."),
            Gauge.QUEUE_LONGEST_HOLD_S: _queue("longest_hold_seconds", "How long the one who waits longest has waited."),
            Gauge.QUEUE_AGENTS_AVAILABLE: _queue("agents_available", "Agents who could take a call now."),
            Gauge.QUEUE_AGENTS_LOGGED_IN: _queue("agents_logged_in", "Agents who are reachable."),
        }
        for observed in self._sources.recent.levels(seen):
            labels = [printable(observed.pbx), printable(observed.subject)]
            _add(trunk, labels, observed.levels.get(Gauge.CONCURRENT_CALLS), 1)
            for gauge, family in of_queue.items():
                _add(family, labels, observed.levels.get(gauge), 1)
        yield from (trunk, *of_queue.values())


def _of_pbxes(pbxes: Iterable[PbxView]) -> Iterator[Metric]:
    seen = GaugeMetricFamily("qualitywatch_pbx_up", "1 while events of the PBX reach us.", labels=["pbx"])
    calls = GaugeMetricFamily("qualitywatch_pbx_channels", "Channels at present.", labels=["pbx"])
    for pbx in pbxes:
        seen.add_metric([printable(pbx.name)], int(pbx.is_seen))
        if pbx.is_seen:
            calls.add_metric([printable(pbx.name)], pbx.calls)
    yield from (seen, calls)


def _of_trunks(pbxes: Iterable[PbxView]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "qualitywatch_trunk_up", "1 while a trunk is registered, 0 while it is not.", labels=["pbx", "trunk"]
    )
    for pbx in pbxes:
        for trunk in pbx.trunks if pbx.is_seen else ():
            stands = is_up(trunk.state)
            _add(up, [printable(pbx.name), printable(trunk.trunk)], None if stands is None else float(stands), 1)
    yield up


def _firing(inside: Inside) -> Metric:
    firing = GaugeMetricFamily("qualitywatch_alerts_firing", "Alerts that fire now.", labels=["severity"])
    for severity in Severity:
        firing.add_metric([severity.value], inside.firing.get(severity, 0))
    return firing


def _of_daemon(inside: Inside) -> Iterator[Metric]:
    events = CounterMetricFamily("qualitywatch_events", "Events of a PBX that were judged.", labels=["pbx"])
    lag = GaugeMetricFamily("qualitywatch_lag_seconds", "How far judging is behind the clock of the PBX.", labels=["pbx"])
    for name, figures in inside.pbxes.items():
        events.add_metric([printable(name)], figures.events)
        _add(lag, [printable(name)], figures.lag_s, 1)
    lines = CounterMetricFamily("qualitywatch_sink_lines", "Lines by what became of them.", labels=["sink", "outcome"])
    spool = GaugeMetricFamily("qualitywatch_sink_spool_lines", "Lines on disk that were not taken yet.", labels=["sink"])
    for name, sink in inside.sinks.items():
        outcomes = {"taken_in": sink.taken_in, "sent": sink.sent, "refused": sink.refused, "dropped": sink.dropped}
        for outcome, count in outcomes.items():
            lines.add_metric([name, outcome], count)
        spool.add_metric([name], sink.spooled)
    yield from (events, lag, lines, spool)
    yield _gauge("qualitywatch_outbox_waiting", "News that a target was not told yet.", inside.outbox_waiting)
    yield _gauge("qualitywatch_store_ok", "1 while everything can be stored.", int(inside.store_trouble is None))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _queue(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"qualitywatch_queue_{name}", text, labels=["pbx", "queue"])


def _add(family: GaugeMetricFamily, labels: list[str], value: float | None, divisor: float) -> None:
    if value is not None:
        family.add_metric(labels, value / divisor)
