"""What is written of every recording: each series with its tags, and nothing that would make a series of a single call."""

from __future__ import annotations

from collections import defaultdict

import pytest

from qualitywatch.model import Gauge, Metric, Tally
from qualitywatch.sinks.reading import Reading
from tests.grafana.recorded import Recorded, recorded

VOICE = {"pbx", "peer", "direction", "codec", "trunk", "site"}
TAGS = {
    "loss": VOICE,
    "jitter": VOICE,
    "mos": VOICE,
    "rtt": VOICE - {"direction"},
    "qualify": {"pbx", "peer", "trunk", "site"},
    "state": {"pbx", "entity", "peer", "trunk", "site"},
    "kpi": {"pbx", "kpi", "peer", "trunk", "queue"},
    "call": VOICE - {"direction"},
    "event": {"pbx", "peer", "kind", "agent"},
    "alert": {"pbx", "peer", "rule", "severity", "trunk", "site"},
    "daemon": {"pbx", "sink", "outcome", "severity"},
}


@pytest.fixture(scope="module")
def everything() -> Recorded:
    return recorded()


@pytest.fixture(scope="module")
def readings(everything: Recorded) -> list[Reading]:
    return list(everything.readings())


def test_every_series_has_its_tags_and_no_others(readings: list[Reading]) -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for reading in readings:
        found[reading.measurement] |= {name for name, _ in reading.tags}
    assert dict(found) == TAGS


def test_every_voice_reading_tells_pbx_and_peer_and_which_way(readings: list[Reading]) -> None:
    for reading in readings:
        names = {name for name, _ in reading.tags}
        if reading.measurement in {"loss", "jitter", "mos"}:
            assert names >= {"pbx", "peer", "direction"}, reading
            assert dict(reading.tags)["direction"] in {"to_peer", "from_peer"}


def test_figures_of_trunks_and_queues_are_there(readings: list[Reading]) -> None:
    told = {(dict(each.tags)["kpi"], "queue" in dict(each.tags)) for each in readings if each.measurement == "kpi"}
    of_trunks = {Tally.ANSWERED, Tally.DELIVERED, Metric.CALL_DURATION_S, Metric.POST_DIAL_DELAY_S, Gauge.CONCURRENT_CALLS}
    of_queues = {Gauge.QUEUE_CALLERS, Gauge.QUEUE_LONGEST_HOLD_S, Gauge.QUEUE_AGENTS_AVAILABLE}
    assert told >= {(kpi, False) for kpi in of_trunks} | {(kpi, True) for kpi in of_queues}


def test_registrations_and_alerts_begin_and_end(readings: list[Reading]) -> None:
    up = {
        (dict(each.tags)["entity"], each.fields["up"])
        for each in readings
        if each.measurement == "state" and "up" in each.fields
    }
    assert up >= {("peer", 1), ("peer", 0), ("trunk", 1), ("trunk", 0)}
    assert {each.fields["firing"] for each in readings if each.measurement == "alert"} == {0, 1}


def test_no_call_is_a_tag(everything: Recorded, readings: list[Reading]) -> None:
    calls = {
        text for batch, _ in everything.batches for call in batch.calls for text in (call.channel, call.uniqueid, call.linkedid)
    }
    calls |= {text for batch, _ in everything.batches for sample in batch.samples for text in (sample.channel, sample.uniqueid)}
    calls -= {"", None}
    assert len(calls) > 100
    assert not calls & {text for reading in readings for _, text in reading.tags}
