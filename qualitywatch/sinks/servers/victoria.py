"""VictoriaMetrics: takes InfluxDB 2 writes, has no buckets and answers 204 to lines it skips.

Standard: https://docs.victoriametrics.com/#how-to-send-data-from-influxdb-compatible-agents
"""

from __future__ import annotations

from qualitywatch.secrets import Secret
from qualitywatch.sinks.servers.influx2 import TIMEOUT_S, Influx2


class Victoria:
    """``sinks.server.Server`` for one VictoriaMetrics; the token is for a proxy before it."""

    def __init__(self, url: str, *, token: Secret | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._where = f"VictoriaMetrics at {url}"
        missing = "no /api/v2/write there: is it VictoriaMetrics?"
        self._writes = Influx2(url, org="", bucket="", token=token, where=self._where, missing=missing, timeout_s=timeout_s)

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        self._writes.write(text)

    def setup(self, keep_s: float | None) -> str:
        """Nothing can be set from outside."""
        wanted = f" (-retentionPeriod={round(keep_s / 86_400)}d)" if keep_s is not None else ""
        return f"{self._where} has no buckets; how long it keeps data is an option of its own{wanted}"

    def check(self) -> str:
        """Say that it takes data."""
        self._writes.probe()
        return f"{self._where} takes data"

    def close(self) -> None:
        """Give back connections."""
        self._writes.close()
