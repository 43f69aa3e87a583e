"""InfluxDB 2 (and 3, and VictoriaMetrics, which take the same writes): its write endpoint, and its own client for buckets.

Strategy: a write is one request, made as for InfluxDB 1; batching, retrying and waiting are the sink's.  Of the client, which
takes 27 MB and whose batching mode drops data after three minutes of outage, only the setup makes use.
Standard: https://docs.influxdata.com/influxdb/v2/api/
"""

from __future__ import annotations

import gzip
import ssl
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError
from qualitywatch.sinks.servers.answers import NOTHING, STORED, TIMEOUT_S, is_other, kept, no_database, refused, unreachable
from qualitywatch.sinks.servers.trust import authority

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
        ca_file: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """``where`` is what it is called when it is no InfluxDB, ``missing`` what it means then that there is nothing."""
        self._where = where or f"InfluxDB at {url}"
        self._missing = missing or f'no bucket "{bucket}" or organisation "{org}": create it with "qualitywatch influx setup"'
        self._bucket, self._org, self._token = bucket, org, token
        self._url, self._timeout_s = url, timeout_s
        self._trust = authority(ca_file) or ssl.create_default_context()
        headers = {"Authorization": f"Token {token.reveal()}"} if token else {}
        self._client = httpx.Client(base_url=url, timeout=timeout_s, headers=headers, verify=self._trust)

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        answer = self._ask(
            "POST",
            "/api/v2/write",
            params={"org": self._org, "bucket": self._bucket, "precision": "us"},
            content=gzip.compress(text, compresslevel=5),
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
        )
        if not answer.is_success:
            if answer.status_code == httpx.codes.NOT_FOUND and is_other(version := self._known_version(), 2):
                raise self._wrong_version(version)
            raise self._refused(answer)
        if answer.status_code != STORED:
            raise no_database(self._where, answer.status_code)

    def setup(self, keep_s: float | None) -> str:
        """Create the bucket, or set the retention of the one there is if one is wanted."""
        if self._check_version() == _UNKNOWN:
            raise SinkError(
                f"{self._where} does not say that it is InfluxDB: for VictoriaMetrics write kind: victoriametrics", Refusal.FIX
            )
        # Late: its client is large, and whoever only writes has no use for it.
        buckets = import_module("qualitywatch.sinks.servers.buckets").Buckets(
            self._url,
            org=self._org,
            token=self._token,
            trust=self._trust,
            timeout_s=self._timeout_s,
            where=self._where,
            missing=self._missing,
        )
        try:
            found, lasts_s = buckets.keep(self._bucket, keep_s)
        finally:
            buckets.close()
        self.probe()
        done = f"bucket {self._bucket} exists" if found else f"created bucket {self._bucket}"
        return f"{done}; {kept(lasts_s)}"

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
        answer = self._ask("GET", "/ping")
        if not answer.is_success:
            raise self._refused(answer)
        version = _version_of(answer)
        if is_other(version, 2):
            raise self._wrong_version(version)
        return version

    def _wrong_version(self, version: str) -> SinkError:
        what = "InfluxDB, version" if "InfluxDB" not in self._where else "version"
        return SinkError(
            f"{self._where} is {what} {version}: write kind: influxdb1 and database: in place of bucket:", Refusal.FIX
        )

    def _refused(self, answer: httpx.Response) -> SinkError:
        pause = answer.headers.get("Retry-After")
        return refused(self._where, answer.status_code, answer.content, pause, self._missing, self._token)

    def _known_version(self) -> str:
        """For a message: why there is nothing where we write."""
        try:
            return _version_of(self._ask("GET", "/ping"))
        except SinkError:
            return _UNKNOWN

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        # What httpx raises is not chained: its requests hold the token.
        try:
            return self._client.request(method, path, **options)
        except httpx.TransportError as exc:
            raise unreachable(self._where, str(exc) or type(exc).__name__) from None
        except httpx.RequestError:  # an answer that is not what it says it is
            raise no_database(self._where, None) from None


def _version_of(answer: httpx.Response) -> str:
    return str(answer.headers.get("X-Influxdb-Version") or _UNKNOWN)
