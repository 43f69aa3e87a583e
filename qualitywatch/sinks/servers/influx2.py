"""InfluxDB 2 (and 3, and VictoriaMetrics, which take the same writes), one write at a time.

Strategy: a write is one request and nothing else: batching, retrying and waiting are the sink's.  The bucket is made by
influxdb-client, which is loaded for that alone: it costs 27 MB, and its batching mode drops data after three minutes of outage.
Standard: https://docs.influxdata.com/influxdb/v2/api/
"""

from __future__ import annotations

import gzip
from importlib import import_module
from typing import Final

import httpx

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError
from qualitywatch.sinks.servers.answers import NOTHING, STORED, TIMEOUT_S, is_other, kept, no_database, refused, unreachable

_UNKNOWN: Final = "unknown"


class Influx2:
    """``sinks.server.Server`` for one bucket."""

    def __init__(
        self,
        url: str,
        *,
        org: str,
        bucket: str,
        token: Secret | None,
        where: str | None = None,
        missing: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """``where`` is what it is called when it is no InfluxDB, ``missing`` what it means then that there is nothing."""
        self._where = where or f"InfluxDB at {url}"
        self._missing = missing or f'no bucket "{bucket}" or organisation "{org}": create it with "qualitywatch influx setup"'
        self._bucket, self._org, self._token = bucket, org, token
        self._url, self._timeout_s = url, timeout_s
        headers = {"Authorization": f"Token {token.reveal()}"} if token else {}
        self._client = httpx.Client(base_url=url, timeout=timeout_s, headers=headers)

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        answer = self._ask(
            "POST",
            "/api/v2/write",
            params={"org": self._org, "bucket": self._bucket, "precision": "us"},
            content=gzip.compress(text, compresslevel=5),
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
        )
        if answer.status_code != STORED:
            raise no_database(self._where, answer.status_code)

    def setup(self, keep_s: float | None) -> str:
        """Create the bucket, or set the retention of the one there is if one is wanted."""
        if self._check_version() == _UNKNOWN:
            raise SinkError(
                f"{self._where} does not say that it is InfluxDB: for VictoriaMetrics write kind: victoriametrics", Refusal.FIX
            )
        made = import_module("qualitywatch.sinks.servers.bucket").make(
            self._url,
            where=self._where,
            org=self._org,
            bucket=self._bucket,
            token=self._token,
            missing=self._missing,
            keep_s=keep_s,
            timeout_s=self._timeout_s,
        )
        self.probe()
        done = f"bucket {self._bucket} exists" if made.was_there else f"created bucket {self._bucket}"
        return f"{done}; {kept(made.lasts_s or None)}"

    def check(self) -> str:
        """Say which version is there, and that the bucket can be written to."""
        version = self._check_version()
        self.probe()
        return f"{self._where} is version {version}, and bucket {self._bucket} can be written to"

    def probe(self) -> None:
        """Write nothing, to see whether it would be taken; raises SinkError."""
        self.write(NOTHING)

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def _check_version(self) -> str:
        version = str(self._ask("GET", "/ping").headers.get("X-Influxdb-Version", "")) or _UNKNOWN
        if is_other(version, 2):
            raise self._wrong_version(version)
        return version

    def _wrong_version(self, version: str) -> SinkError:
        what = "InfluxDB, version" if "InfluxDB" not in self._where else "version"
        return SinkError(
            f"{self._where} is {what} {version}: write kind: influxdb1 and database: in place of bucket:", Refusal.FIX
        )

    def _known_version(self) -> str:
        """For a message: why there is nothing where we write."""
        try:
            return str(self._client.get("/ping").headers.get("X-Influxdb-Version", ""))
        except httpx.HTTPError:
            return _UNKNOWN

    def _ask(self, method: str, path: str, **options: object) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)  # type: ignore[arg-type]
        except httpx.TransportError as exc:
            raise unreachable(self._where, str(exc) or type(exc).__name__) from None
        if answer.is_success:
            return answer
        if answer.status_code == 404 and is_other(version := self._known_version(), 2):
            raise self._wrong_version(version)
        pause = answer.headers.get("Retry-After")
        raise refused(self._where, answer.status_code, answer.content, pause, self._missing, self._token)
