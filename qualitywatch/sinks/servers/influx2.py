"""InfluxDB 2 (and 3, and VictoriaMetrics, which take the same writes) through its own client, one write at a time.

Strategy: only the client's synchronous mode is used: its batching mode drops data after three minutes of outage and grows
without bound meanwhile; batching, retrying and waiting are the sink's.
Standard: https://docs.influxdata.com/influxdb/v2/api/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

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
        options: dict[str, Any] = {"token": token.reveal()} if token else {}
        self._client: Any = InfluxDBClient(
            url=url, org=org, timeout=round(timeout_s * 1000), enable_gzip=True, ssl_context=authority(ca_file), **options
        )
        self._writes: Any = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        with self._explained():
            self._writes.write(bucket=self._bucket, record=text, write_precision=WritePrecision.US)
            if (status := self._status()) != STORED:
                raise no_database(self._where, status)

    def setup(self, keep_s: float | None) -> str:
        """Create the bucket, or set the retention of the one there is if one is wanted."""
        new_rule: Any = BucketRetentionRules
        rules = [new_rule(type="expire", every_seconds=round(keep_s))] if keep_s is not None else []
        if self._check_version() == _UNKNOWN:
            raise SinkError(
                f"{self._where} does not say that it is InfluxDB: for VictoriaMetrics write kind: victoriametrics", Refusal.FIX
            )
        with self._explained():
            buckets = self._client.buckets_api()
            # Of this organisation: a token of an operator sees those of all, and their buckets may be called the same.
            found = buckets.find_buckets(name=self._bucket, org=self._org).buckets
            if not found:
                bucket = buckets.create_bucket(bucket_name=self._bucket, org=self._org, retention_rules=rules)
            else:
                bucket = found[0]
                if rules:  # servers ignore that there is none: what somebody chose stays
                    bucket.retention_rules = rules
                    bucket = buckets.update_bucket(bucket=bucket)
            lasts_s = next((rule.every_seconds for rule in bucket.retention_rules or []), 0)
        self.probe()
        done = f"bucket {self._bucket} exists" if found else f"created bucket {self._bucket}"
        return f"{done}; {kept(lasts_s or None)}"

    def check(self) -> str:
        """Say which version is there, and that the bucket can be written to."""
        version = self._check_version()
        self.probe()
        return f"{self._where} is version {version}, and bucket {self._bucket} can be written to"

    def probe(self) -> None:
        """Write nothing, to see whether it would be taken; raises SinkError."""
        self.write(NOTHING)

    def _check_version(self) -> str:
        with self._explained():
            version = str(self._client.version() or _UNKNOWN)
        if is_other(version, 2):
            raise self._wrong_version(version)
        return version

    def _status(self) -> int | None:
        """Of the last answer; the client itself only tells good from bad."""
        answer = getattr(self._client.api_client, "last_response", None)
        return getattr(answer, "status", None)

    def _wrong_version(self, version: str) -> SinkError:
        what = "InfluxDB, version" if "InfluxDB" not in self._where else "version"
        return SinkError(
            f"{self._where} is {what} {version}: write kind: influxdb1 and database: in place of bucket:", Refusal.FIX
        )

    def _known_version(self) -> str:
        """For a message: why there is nothing where we write."""
        try:
            return str(self._client.version())
        except (ApiException, HTTPError, OSError):
            return _UNKNOWN

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ApiException as exc:
            if not exc.status:  # the client's own way to tell of TLS that could not be agreed: nobody has answered
                raise unreachable(self._where, _last_words(exc.reason)) from None
            if exc.status == 404 and is_other(version := self._known_version(), 2):
                raise self._wrong_version(version) from None
            headers: Any = exc.headers
            retry_after = headers.get("Retry-After") if headers else None
            # Not chained: the answer's headers may repeat what we sent.
            raise refused(self._where, exc.status or 0, exc.body, retry_after, self._missing, self._token) from None
        except (HTTPError, OSError) as exc:
            raise unreachable(self._where, _plain(exc)) from None
        except (TypeError, ValueError, AttributeError):  # what its client makes of a page for people
            raise no_database(self._where, self._status()) from None


def _last_words(reason: object) -> str:
    return " ".join(str(reason).split()).rpartition("SSLError")[2].strip(" :()") or "TLS could not be agreed"


def _plain(error: Exception) -> str:
    reason: object = getattr(error, "reason", None) or error
    text = str(reason)
    return text.rpartition(": ")[2] or type(error).__name__
