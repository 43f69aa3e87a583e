"""VictoriaMetrics: takes InfluxDB 2 writes, has no buckets and answers 204 to lines it skips.

Unless it is started with ``-dedup.minScrapeInterval=1ms`` it keeps a reading that is sent twice twice.

Standard: https://docs.victoriametrics.com/#how-to-send-data-from-influxdb-compatible-agents
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx

from qualitywatch.secrets import Secret
from qualitywatch.sinks.servers.answers import TIMEOUT_S
from qualitywatch.sinks.servers.influx2 import Influx2
from qualitywatch.sinks.servers.trust import authority

_ONCE: Final = "-dedup.minScrapeInterval=1ms"
_FLAG: Final = re.compile(r'flag\{name="dedup\.minScrapeInterval", value="([^"]*)"')


class Victoria:
    """``sinks.server.Server`` for one VictoriaMetrics; the token is for a proxy before it."""

    def __init__(
        self, url: str, *, token: Secret | None = None, ca_file: Path | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._where, self._url = f"VictoriaMetrics at {url}", url
        self._headers = {"Authorization": f"Token {token.reveal()}"} if token is not None else {}
        missing = "no /api/v2/write there: is it VictoriaMetrics?"
        self._ca_file = ca_file
        self._writes = Influx2(
            url, org="", bucket="", token=token, where=self._where, missing=missing, ca_file=ca_file, timeout_s=timeout_s
        )

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        self._writes.write(text)

    def setup(self, keep_s: float | None) -> str:
        """Nothing can be set from outside."""
        wanted = f" (-retentionPeriod={round(keep_s / 86_400)}d)" if keep_s is not None else ""
        kept = f"{self._where} has no buckets; how long it keeps data is an option of its own{wanted}"
        return f"{kept}, and so is counting once what an outage made us send twice ({_ONCE})"

    def check(self) -> str:
        """Say that it takes data."""
        self._writes.probe()
        once = "" if self._keeps_once() else f"; start it with {_ONCE}, or what an outage made us send twice counts twice"
        return f"{self._where} takes data{once}"

    def _keeps_once(self) -> bool:
        """Whether it is started so, or does not say."""
        try:
            trust = authority(self._ca_file) or True
            told = httpx.get(f"{self._url}/metrics", timeout=TIMEOUT_S, headers=self._headers, verify=trust).text
        except httpx.HTTPError:
            return True
        found = _FLAG.search(told)
        return found is None or found[1] not in {"0", "0s"}

    def close(self) -> None:
        """Give back connections."""
        self._writes.close()
