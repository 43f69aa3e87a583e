"""Debian's own VictoriaMetrics and InfluxDB 1.6 on loopback, started by the tests that need them, data in a folder of the test.

``apt-get install influxdb victoria-metrics``; where they are not installed these tests are skipped.
"""

from __future__ import annotations

import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.ports import free_port

_UP_WITHIN_S = 30.0
_INFLUX_CONF = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
"""


def needs(program: str) -> None:
    """Skip where a program is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install influxdb victoria-metrics")


class RealServer:
    """One server as a process: stopped and started again on the same port, with what it had stored, or held in mid-work."""

    def __init__(self, command: list[str], url: str, path: str) -> None:
        self.url = url
        self.trust: ssl.SSLContext | bool = True  # of its certificate, when it has one
        self.command, self._path = command, path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        process = self._process = subprocess.Popen(
            [*self.command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + _UP_WITHIN_S
        while not _answers(self.url + self._path, self.trust):
            assert process.poll() is None, f"{self.command[0]} ended with {process.returncode}"
            assert time.monotonic() < end, f"{self.command[0]} does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """Let it write what it has taken, and end it: connections are refused then."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Connections are still taken, but nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on where it was held."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


def influxdb1_server(folder: Path) -> RealServer:
    """InfluxDB 1.6, not started yet."""
    needs("influxd")
    port = free_port()
    config = folder / "influxdb.conf"
    config.write_text(_INFLUX_CONF.format(folder=folder, port=port, rpc=free_port()))
    return RealServer(["influxd", "-config", str(config)], f"http://127.0.0.1:{port}", "/ping")


def victoria_server(folder: Path) -> RealServer:
    """VictoriaMetrics, not started yet."""
    needs("victoria-metrics")
    port = free_port()
    options = [f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    options.append("-dedup.minScrapeInterval=1ms")
    return RealServer(["victoria-metrics", *options], f"http://127.0.0.1:{port}", "/health")


@contextmanager
def started(server: RealServer) -> Iterator[RealServer]:
    """It runs, and is gone afterwards."""
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def influxdb1(folder: Path) -> Iterator[str]:
    """InfluxDB 1.6: the strict judge of line protocol. Yields its URL."""
    with started(influxdb1_server(folder)) as server:
        yield server.url


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str]:
    """VictoriaMetrics. Yields its URL."""
    with started(victoria_server(folder)) as server:
        yield server.url


def influxql(url: str, database: str, query: str) -> list[dict[str, Any]]:
    """Rows of the first statement, one dict each."""
    answer = httpx.post(f"{url}/query", params={"db": database, "q": query, "epoch": "ms"}).json()
    (result,) = answer["results"]
    assert "error" not in result, result
    return [
        {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
        for series in result.get("series", [])
        for values in series["values"]
    ]


def promql(url: str, query: str, at: float) -> list[tuple[dict[str, str], float]]:
    """The instant vector of a query: labels and value."""
    httpx.get(f"{url}/internal/force_flush")
    answer = httpx.get(f"{url}/api/v1/query", params={"query": query, "time": at, "nocache": "1"}).json()
    assert answer["status"] == "success", answer
    return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


def _answers(url: str, trust: ssl.SSLContext | bool) -> bool:
    try:
        return httpx.get(url, timeout=1, verify=trust).is_success
    except httpx.TransportError:
        return False
