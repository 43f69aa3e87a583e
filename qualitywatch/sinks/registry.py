"""The databases there are.  A new one is a file in ``servers/`` and a line here.

What they need is imported when one is built: only who writes to a database pays for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from qualitywatch import lean
from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Server


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where a database is and how to write to it; what a kind does not know stays empty."""

    url: str
    org: str = ""
    bucket: str = ""
    token: Secret | None = None
    database: str = ""
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None  # the authority that vouches for it; None: those the operating system trusts


def _influx2(options: ServerOptions) -> Server:
    lean.load("influxdb_client")
    module = import_module("qualitywatch.sinks.servers.influx2")
    server: Server = module.Influx2(
        options.url, org=options.org, bucket=options.bucket, token=options.token, ca_file=options.ca_file
    )
    return server


def _influx1(options: ServerOptions) -> Server:
    lean.load("httpx")
    module = import_module("qualitywatch.sinks.servers.influx1")
    server: Server = module.Influx1(
        options.url,
        database=options.database,
        username=options.username,
        password=options.password,
        ca_file=options.ca_file,
    )
    return server


def _victoria(options: ServerOptions) -> Server:
    lean.load("httpx")
    lean.load("influxdb_client")
    module = import_module("qualitywatch.sinks.servers.victoria")
    server: Server = module.Victoria(options.url, token=options.token, ca_file=options.ca_file)
    return server


SERVERS: Final[Mapping[str, Callable[[ServerOptions], Server]]] = {
    "influxdb": _influx2,
    "influxdb1": _influx1,
    "victoriametrics": _victoria,
}
