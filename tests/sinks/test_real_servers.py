"""Every recording written to a real InfluxDB 1.6 and a real VictoriaMetrics, and asked for again."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.measurements import measurements
from qualitywatch.sinks.reading import Reading
from qualitywatch.sinks.server import SinkError
from qualitywatch.sinks.servers.influx1 import Influx1
from qualitywatch.sinks.servers.influx2 import Influx2
from qualitywatch.sinks.servers.victoria import Victoria
from tests.accuracy.findings import RECORDINGS, SHIPPED, events_of
from tests.fakes.series_servers import (
    influxdb1,
    influxdb1_server,
    influxql,
    promql,
    started,
    victoria_metrics,
    victoria_server,
)

LINES = 1000


def batch_of(effects: Effects) -> SeriesBatch:
    return SeriesBatch(effects.samples, effects.calls, effects.logs, effects.observed, effects.kpis)


def readings_of(recording: Path) -> list[Reading]:
    pipeline = Pipeline(f"{recording.parent.name}.{recording.name}", SHIPPED)
    batches = [batch_of(pipeline.feed(event)) for event in events_of(recording)]
    return [reading for batch in batches for reading in measurements(batch, lambda pbx, subject: pipeline.labels_of(subject))]


@pytest.fixture(scope="module")
def everything() -> list[Reading]:
    return [reading for recording in RECORDINGS for reading in readings_of(recording)]


def texts(readings: list[Reading]) -> Iterator[bytes]:
    for first in range(0, len(readings), LINES):
        yield encode(readings[first : first + LINES])


def test_influxdb_1_takes_every_line_of_every_recording(everything: list[Reading], tmp_path: Path) -> None:
    with influxdb1(tmp_path) as url:
        server = Influx1(url, database="qualitywatch")
        with pytest.raises(SinkError, match=r'no database "qualitywatch": create it with "qualitywatch influx setup"'):
            server.check()
        assert server.setup(None) == "created database qualitywatch; data is kept for ever"
        assert "is version 1.6" in server.check()
        for text in texts(everything):
            server.write(text)
        server.close()
        percent = influxql(url, "qualitywatch", "SELECT count(percent) FROM loss")[0]["count"]
        assert percent == len({(r.at, r.tags) for r in everything if r.measurement == "loss" and "percent" in r.fields})
        (row,) = influxql(
            url,
            "qualitywatch",
            "SELECT sum(lost) / sum(expected) * 100 AS loss FROM ("
            "SELECT percent * packets / 100 AS lost, packets AS expected FROM loss "
            "WHERE pbx = 'asterisk-20.sip-bridge-loss' AND peer = 'SIP/6118' AND direction = 'to_peer')",
        )
        assert row["loss"] == pytest.approx(9, abs=1)
        states = influxql(url, "qualitywatch", "SELECT up, state, trunk FROM state WHERE pbx = 'asterisk-20.trunk-outage'")
        assert {row["up"] for row in states if row["trunk"] == "SIP/74993801@127.0.0.1"} >= {0, 1}
        tags = {row["tagKey"] for row in influxql(url, "qualitywatch", "SHOW TAG KEYS")}
        assert tags <= {
            "pbx",
            "peer",
            "direction",
            "codec",
            "trunk",
            "site",
            "entity",
            "kpi",
            "queue",
            "kind",
            "rule",
            "severity",
            "agent",
        }


def test_victoria_metrics_takes_them_too(everything: list[Reading], tmp_path: Path) -> None:
    with victoria_metrics(tmp_path) as url:
        server = Victoria(url)
        assert server.check() == f"VictoriaMetrics at {url} takes data"
        for text in texts(everything):
            server.write(text)
        server.close()
        storm = [r.at for r in everything if ("pbx", "asterisk-20.loss-storm") in r.tags]
        query = 'avg by (peer) (avg_over_time(loss_percent{pbx="asterisk-20.loss-storm", direction="to_peer"}[10m]))'
        found = {labels["peer"]: value for labels, value in promql(url, query, max(storm))}
        lossy = {f"SIP/{number}" for number in range(6111, 6125)}
        assert {peer for peer, value in found.items() if value > 15} == lossy
        assert all(value < 1 for peer, value in found.items() if peer not in lossy)


DAY_S = 86_400.0


def now_us() -> int:
    """A real server judges by its own clock what is too old to be kept."""
    return time.time_ns() // 1000


def test_setup_of_influxdb_1_sets_how_long_data_is_kept_and_hides_nothing(tmp_path: Path) -> None:
    with influxdb1(tmp_path) as url:
        httpx.post(f"{url}/query", params={"q": "CREATE DATABASE old"})
        for name, policy in (("new", "qualitywatch"), ("old", "autogen")):
            server = Influx1(url, database=name)
            if name == "old":
                httpx.post(f"{url}/query", params={"q": "ALTER RETENTION POLICY autogen ON old REPLICATION 2"})
                server.write(b"loss,peer=a percent=1 %d" % (now_us() - 1))
            for days, told, kept in ((1, "for 1 days", "24h0m0s"), (90, "for 90 days", "2160h0m0s")):
                done = "created database new" if (name, days) == ("new", 1) else f"database {name} exists"
                assert server.setup(days * DAY_S) == f"{done}; data is kept {told}"
                (found,) = influxql(url, name, "SHOW RETENTION POLICIES")
                assert (found["name"], found["duration"], found["default"]) == (policy, kept, True)
                assert found["replicaN"] == (2 if name == "old" else 1), "what nobody asked for stays"
            server.write(b"loss,peer=a percent=2 %d" % now_us())
            server.close()
            assert len(influxql(url, name, "SELECT percent FROM loss")) == (2 if name == "old" else 1)


def test_setup_of_influxdb_1_without_a_wish_leaves_it_as_it_is_and_says_how_it_is(tmp_path: Path) -> None:
    with influxdb1(tmp_path) as url:
        for name, chosen, told in (
            ("hours", " WITH DURATION 36h REPLICATION 1 SHARD DURATION 2h NAME chosen", "for 2 days"),
            ("days", " WITH DURATION 90d NAME chosen", "for 90 days"),
            ("short", " WITH DURATION 90m", "for 1.5 hours"),
            ("always", "", "for ever"),
        ):
            httpx.post(f"{url}/query", params={"q": f"CREATE DATABASE {name}{chosen}"})
            before = influxql(url, name, "SHOW RETENTION POLICIES")
            server = Influx1(url, database=name)
            assert server.setup(None) == f"database {name} exists; data is kept {told}"
            server.close()
            assert influxql(url, name, "SHOW RETENTION POLICIES") == before


def test_a_new_database_of_influxdb_1_without_a_wish_is_as_the_server_makes_it(tmp_path: Path) -> None:
    with influxdb1(tmp_path) as url:
        httpx.post(f"{url}/query", params={"q": "CREATE DATABASE theirs"})
        server = Influx1(url, database="ours")
        assert server.setup(None) == "created database ours; data is kept for ever"
        server.close()
        assert influxql(url, "ours", "SHOW RETENTION POLICIES") == influxql(url, "theirs", "SHOW RETENTION POLICIES")


@pytest.mark.parametrize(("keep_s", "kept"), [(None, "0s"), (30 * DAY_S, "720h0m0s")])
def test_a_database_of_influxdb_1_that_nothing_can_be_written_to_is_given_a_policy(
    keep_s: float | None, kept: str, tmp_path: Path
) -> None:
    real = influxdb1_server(tmp_path)
    config = Path(real.command[-1])
    config.write_text(config.read_text().replace("[meta]", "[meta]\nretention-autocreate = false"))
    with started(real):
        httpx.post(f"{real.url}/query", params={"q": "CREATE DATABASE bare"})
        for name, done in (("bare", "database bare exists"), ("new", "created database new")):
            server = Influx1(real.url, database=name)
            assert server.setup(keep_s).startswith(f"{done}; data is kept for ")
            server.write(b"loss,peer=a percent=1 %d" % now_us())
            server.close()
            (found,) = influxql(real.url, name, "SHOW RETENTION POLICIES")
            assert (found["duration"], found["default"]) == (kept, True)
            assert len(influxql(real.url, name, "SELECT percent FROM loss")) == 1


def test_a_kind_that_is_not_the_server_is_one_clear_line_also_when_writing(tmp_path: Path) -> None:
    line = b"loss,peer=a percent=1 1700000000000000"
    (tmp_path / "1").mkdir()
    with influxdb1(tmp_path / "1") as url, victoria_metrics(tmp_path) as other:
        two, victoria = Influx2(url, org="office", bucket="qualitywatch", token=None), Victoria(url)
        for server in (two, victoria):
            for ask in (server.check, lambda server=server: server.write(line)):
                with pytest.raises(SinkError, match=r"version 1\.6.*: write kind: influxdb1 and database: in place of bucket:"):
                    ask()
            server.close()
        one, two = Influx1(other, database="qualitywatch"), Influx2(other, org="office", bucket="qualitywatch", token=None)
        for influx in (one, two):
            with pytest.raises(SinkError, match=r"for VictoriaMetrics write kind: victoriametrics"):
                influx.setup(None)
            influx.close()


def test_a_victoria_metrics_that_counts_twice_what_is_sent_twice_is_told_of(tmp_path: Path) -> None:
    real = victoria_server(tmp_path)
    real.command.remove("-dedup.minScrapeInterval=1ms")
    with started(real):
        server = Victoria(real.url)
        assert (
            "; start it with -dedup.minScrapeInterval=1ms, or what an outage made us send twice counts twice" in server.check()
        )
        server.close()


def test_no_call_and_no_channel_is_ever_a_tag(everything: list[Reading]) -> None:
    series = {(reading.measurement, reading.tags) for reading in everything}
    assert len(series) < len(everything) / 4
    assert not [tags for _, tags in series if any("-0000" in text for _, text in tags)]


def test_what_is_measured_is_what_is_written(everything: list[Reading]) -> None:
    voice, others = {"loss", "jitter", "rtt", "mos"}, {"state", "kpi", "call", "event", "alert"}
    assert {reading.measurement for reading in everything} >= voice | others
    assert all(isinstance(value, float) for each in everything if each.measurement in voice for value in each.fields.values())
    assert len(gzip.compress(b"\n".join(texts(everything)))) / len(everything) < 40, "bytes a line on disk"
