"""The buckets of an InfluxDB 2, through its own client: imported only to set one up, for the client takes 27 MB.

Standard: https://docs.influxdata.com/influxdb/v2/api/
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from qualitywatch.secrets import Secret
from qualitywatch.sinks.servers.answers import no_database, refused, unreachable


class Buckets:
    """Those of one organisation."""

    def __init__(
        self, url: str, *, org: str, token: Secret | None, trust: ssl.SSLContext, timeout_s: float, where: str, missing: str
    ) -> None:
        """``where`` and ``missing`` are for errors, as ``answers`` takes them."""
        self._org, self._token, self._where, self._missing = org, token, where, missing
        options: dict[str, Any] = {"token": token.reveal()} if token else {}
        self._client: Any = InfluxDBClient(url=url, org=org, timeout=round(timeout_s * 1000), ssl_context=trust, **options)

    def keep(self, name: str, keep_s: float | None) -> tuple[bool, float | None]:
        """Create a bucket, or set the retention of the one there is if one is wanted.

        Returns whether there was one, and for how many seconds it keeps data; raises SinkError.
        """
        new_rule: Any = BucketRetentionRules
        rules = [new_rule(type="expire", every_seconds=round(keep_s))] if keep_s is not None else []
        with self._explained():
            buckets = self._client.buckets_api()
            # Of this organisation: a token of an operator sees those of all, and their buckets may be called the same.
            found = buckets.find_buckets(name=name, org=self._org).buckets
            if not found:
                bucket = buckets.create_bucket(bucket_name=name, org=self._org, retention_rules=rules)
            else:
                bucket = found[0]
                if rules:  # servers ignore that there is none: what somebody chose stays
                    bucket.retention_rules = rules
                    bucket = buckets.update_bucket(bucket=bucket)
            lasts_s = next((rule.every_seconds for rule in bucket.retention_rules or []), 0)
        return bool(found), lasts_s or None

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ApiException as exc:
            if not exc.status:  # the client's own way to tell of TLS that could not be agreed: nobody has answered
                raise unreachable(self._where, exc.reason) from None
            headers: Any = exc.headers
            retry_after = headers.get("Retry-After") if headers else None
            # Not chained: the answer's headers may repeat what we sent.
            raise refused(self._where, exc.status, exc.body, retry_after, self._missing, self._token) from None
        except (HTTPError, OSError) as exc:
            raise unreachable(self._where, getattr(exc, "reason", None) or exc) from None
        except (TypeError, ValueError, AttributeError):  # what its client makes of a page for people
            answer = getattr(self._client.api_client, "last_response", None)
            raise no_database(self._where, getattr(answer, "status", None)) from None
