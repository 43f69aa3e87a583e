"""InfluxDB 1.x: its own write endpoint, which every version from 0.9 on has.

Standard: https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any, Final

import httpx

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError
from qualitywatch.sinks.servers.answers import NOTHING, STORED, TIMEOUT_S, is_other, kept, no_database, refused, unreachable
from qualitywatch.sinks.servers.trust import authority

_POLICY: Final = "qualitywatch"
_DAY_S: Final = 86_400
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class Influx1:
    """``sinks.server.Server`` for one database."""

    def __init__(
        self,
        url: str,
        *,
        database: str,
        username: str | None = None,
        password: Secret | None = None,
        ca_file: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._where = f"InfluxDB at {url}"
        self._database = database
        self._password = password
        auth = httpx.BasicAuth(username, password.reveal() if password else "") if username else None
        trust = authority(ca_file)
        self._client = httpx.Client(base_url=url, timeout=timeout_s, auth=auth, verify=trust if trust is not None else True)

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
        """Create the database, or set the retention of the one there is if one is wanted."""
        version = self._version()
        if is_other(version, 1):
            raise self._wrong_version(version)
        if not version:
            raise SinkError(
                f"{self._where} does not say that it is InfluxDB: for VictoriaMetrics write kind: victoriametrics", Refusal.FIX
            )
        found = self._database in [row["name"] for row in self._rows("SHOW DATABASES")]
        if not found:
            # In one step: what is written meanwhile must not end up under another policy than what comes later.
            wish = f" WITH {_lasting(keep_s, ' REPLICATION 1')} NAME {_quoted(_POLICY)}" if keep_s is not None else ""
            self._query(f"CREATE DATABASE {_quoted(self._database)}{wish}")
        self._keep(keep_s if found else None)
        self.write(NOTHING)
        done = f"database {self._database} exists" if found else f"created database {self._database}"
        return f"{done}; {kept(self._kept_s())}"

    def _keep(self, keep_s: float | None) -> None:
        """Have the policy that is written under keep data so long; None leaves it as it is, but writing needs one."""
        name, policy = _quoted(self._database), self._policy()
        if policy is None:
            self._query(f"CREATE RETENTION POLICY {_quoted(_POLICY)} ON {name} {_lasting(keep_s, ' REPLICATION 1')} DEFAULT")
        elif keep_s is not None:
            self._query(f"ALTER RETENTION POLICY {_quoted(str(policy['name']))} ON {name} {_lasting(keep_s)}")

    def _policy(self) -> dict[str, object] | None:
        """The one that is written under, as the server tells of it."""
        policies = self._rows(f"SHOW RETENTION POLICIES ON {_quoted(self._database)}")
        return next((each for each in policies if each["default"]), None)

    def _kept_s(self) -> float | None:
        policy = self._policy()
        return _seconds(str(policy["duration"])) if policy is not None else None

    def check(self) -> str:
        """Say which version is there, and that the database can be written to."""
        version = self._version()
        try:
            self.write(NOTHING)
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

    def _query(self, text: str) -> list[dict[str, Any]]:
        """Ask or order something; return series.  Raises SinkError."""
        series: list[dict[str, Any]] = []
        answer = self._ask("POST", "/query", params={"q": text})
        try:
            results = answer.json()["results"]
        except (ValueError, KeyError, TypeError):
            raise no_database(self._where, answer.status_code) from None
        for result in results:
            if error := result.get("error"):
                raise SinkError(f"{self._where} refuses {text}: {error}", Refusal.FIX)
            series += result.get("series", [])
        return series

    def _rows(self, text: str) -> list[dict[str, object]]:
        return [dict(zip(each["columns"], row, strict=True)) for each in self._query(text) for row in each.get("values", [])]

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
        pause = answer.headers.get("Retry-After")
        raise refused(self._where, answer.status_code, answer.content, pause, missing, self._password)


def _quoted(name: str) -> str:
    name = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}"'


def _lasting(keep_s: float | None, copies: str = "") -> str:
    """How long data is kept, in pieces as long as InfluxDB's own default: a piece must not outlast what is kept."""
    if keep_s is None:
        return f"DURATION INF{copies} SHARD DURATION 7d"
    piece = "1h" if keep_s < 2 * _DAY_S else "1d" if keep_s < 180 * _DAY_S else "7d"
    return f"DURATION {round(keep_s)}s{copies} SHARD DURATION {piece}"


def _seconds(duration: str) -> float | None:
    """``720h0m0s`` as the server says it; ``0s`` is for ever."""
    parts = _DURATION.fullmatch(duration)
    hours, minutes, seconds = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    return hours * 3600.0 + minutes * 60 + seconds or None
