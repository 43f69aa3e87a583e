"""InfluxDB 1.x: its own write endpoint, which every version from 0.9 on has.

Standard: https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
"""

from __future__ import annotations

import gzip
from typing import Final

import httpx

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError
from qualitywatch.sinks.servers.answers import STORED, is_other, no_database, refused, unreachable

TIMEOUT_S: Final = 10.0
_NOTHING: Final = b"# may we write?"  # a comment is a write without a point


class Influx1:
    """``sinks.server.Server`` for one database."""

    def __init__(
        self,
        url: str,
        *,
        database: str,
        username: str | None = None,
        password: Secret | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._where = f"InfluxDB at {url}"
        self._database = database
        auth = httpx.BasicAuth(username, password.reveal() if password else "") if username else None
        self._client = httpx.Client(base_url=url, timeout=timeout_s, auth=auth)

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        answer = self._ask(
            "POST",
            "/write",
            params={"db": self._database, "precision": "u"},
            content=gzip.compress(text, compresslevel=5),
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
        )
        if answer.status_code != STORED:
            raise no_database(self._where, answer.status_code)

    def setup(self, keep_s: float | None) -> str:
        """Create the database, or set the retention of the one there is."""
        version = self._version()
        if is_other(version, 1):
            raise self._wrong_version(version)
        if not version:
            raise SinkError(
                f"{self._where} does not say that it is InfluxDB: for VictoriaMetrics write kind: victoriametrics", Refusal.FIX
            )
        name = self._database.replace("\\", "\\\\").replace('"', '\\"')
        policy = (
            f'"qualitywatch" ON "{name}" DURATION {f"{round(keep_s)}s" if keep_s is not None else "INF"} REPLICATION 1 DEFAULT'
        )
        self._query(f'CREATE DATABASE "{name}"')
        try:
            self._query(f"CREATE RETENTION POLICY {policy}")
        except SinkError:  # it exists, with another duration
            self._query(f"ALTER RETENTION POLICY {policy}")
        kept = f"data is kept for {round(keep_s / 86_400)} days" if keep_s is not None else "data is kept for ever"
        return f"database {self._database} is there; {kept}"

    def check(self) -> str:
        """Say which version is there, and that the database can be written to."""
        version = self._version()
        try:
            self.write(_NOTHING)
        except SinkError as exc:
            if exc.refusal is Refusal.FIX and is_other(version, 1):
                raise self._wrong_version(version) from None
            raise
        return f"{self._where} is version {version or 'unknown'}, and database {self._database} can be written to"

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def _version(self) -> str:
        """What it says it is; nothing when it does not say."""
        return str(self._ask("GET", "/ping").headers.get("X-Influxdb-Version", ""))

    def _wrong_version(self, version: str) -> SinkError:
        return SinkError(
            f"{self._where} is version {version}: write kind: influxdb and bucket: in place of database:", Refusal.FIX
        )

    def _query(self, text: str) -> None:
        for result in self._ask("POST", "/query", params={"q": text}).json().get("results", []):
            if error := result.get("error"):
                raise SinkError(f"{self._where} refuses {text}: {error}", Refusal.FIX)

    def _ask(self, method: str, path: str, **options: object) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)  # type: ignore[arg-type]
        except httpx.TransportError as exc:
            raise unreachable(self._where, str(exc) or type(exc).__name__) from None
        if answer.is_success:
            return answer
        missing = f'no database "{self._database}": create it with "qualitywatch influx setup"'
        if path != "/write":
            missing = f"no {path} there: is it InfluxDB 1.x?"
        elif b"database not found" not in answer.content:
            missing = "no /write there: for InfluxDB 2 write kind: influxdb"
        raise refused(self._where, answer.status_code, answer.content, answer.headers.get("Retry-After"), missing)
