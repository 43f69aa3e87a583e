"""The bucket of InfluxDB 2, made or changed through influxdb-client.

Imported by ``influx setup`` alone: the client costs 27 MB, which a daemon that only writes need not pay.
Standard: https://docs.influxdata.com/influxdb/v2/api/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from qualitywatch.secrets import Secret
from qualitywatch.sinks.servers.answers import no_database, refused, unreachable


@dataclass(frozen=True, slots=True)
class Made:
    """``was_there``: nothing had to be created.  ``lasts_s``: how long it keeps data, 0 for ever."""

    was_there: bool
    lasts_s: float


def make(
    url: str, *, where: str, org: str, bucket: str, token: Secret | None, missing: str, keep_s: float | None, timeout_s: float
) -> Made:
    """Create the bucket, or set the retention of the one there is if one is wanted; raises SinkError."""
    options: dict[str, Any] = {"token": token.reveal()} if token else {}
    client: Any = InfluxDBClient(url=url, org=org, timeout=round(timeout_s * 1000), enable_gzip=True, **options)
    new_rule: Any = BucketRetentionRules
    rules = [new_rule(type="expire", every_seconds=round(keep_s))] if keep_s is not None else []
    try:
        with _explained(client, where, missing, token):
            buckets = client.buckets_api()
            # Of this organisation: a token of an operator sees those of all, and their buckets may be called the same.
            found = buckets.find_buckets(name=bucket, org=org).buckets
            if not found:
                there = buckets.create_bucket(bucket_name=bucket, org=org, retention_rules=rules)
            else:
                there = found[0]
                if rules:  # servers ignore that there is none: what somebody chose stays
                    there.retention_rules = rules
                    there = buckets.update_bucket(bucket=there)
            return Made(bool(found), next((rule.every_seconds for rule in there.retention_rules or []), 0))
    finally:
        client.close()


@contextmanager
def _explained(client: Any, where: str, missing: str, token: Secret | None) -> Iterator[None]:
    try:
        yield
    except ApiException as exc:
        if not exc.status:  # the client's own way to tell of TLS that could not be agreed: nobody has answered
            raise unreachable(where, "TLS could not be agreed") from None
        headers: Any = exc.headers
        retry_after = headers.get("Retry-After") if headers else None
        # Not chained: the answer's headers may repeat what we sent.
        raise refused(where, exc.status, exc.body, retry_after, missing, token) from None
    except (HTTPError, OSError) as exc:
        raise unreachable(where, str(getattr(exc, "reason", None) or exc).rpartition(": ")[2]) from None
    except (TypeError, ValueError, AttributeError):  # what its client makes of a page for people
        answer = getattr(client.api_client, "last_response", None)
        raise no_database(where, getattr(answer, "status", None)) from None
