"""Debian's own VictoriaMetrics and InfluxDB 1.6 on loopback, started by the tests that need them, data in a folder of the test.

``apt-get install influxdb victoria-metrics``; where they are not installed these tests are skipped.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

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


@contextmanager
def influxdb1(folder: Path, port: int | None = None) -> Iterator[str]:
    """InfluxDB 1.6: the strict judge of line protocol. Yields its URL; started again, it has what was stored in the folder."""
    needs("influxd")
    port = _free_port() if port is None else port
    config = folder / "influxdb.conf"
    config.write_text(_INFLUX_CONF.format(folder=folder, port=port, rpc=_free_port()))
    with _running(["influxd", "-config", str(config)], f"http://127.0.0.1:{port}", "/ping") as url:
        yield url


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str]:
    """VictoriaMetrics. Yields its URL."""
    needs("victoria-metrics")
    port = _free_port()
    options = [f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    with _running(["victoria-metrics", *options], f"http://127.0.0.1:{port}", "/health") as url:
        yield url


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
    answer = httpx.get(f"{url}/api/v1/query", params={"query": query, "time": at}).json()
    assert answer["status"] == "success", answer
    return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


@contextmanager
def _running(command: list[str], url: str, path: str) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _UP_WITHIN_S
        while not _answers(url + path):
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < end, f"{command[0]} does not answer"
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
